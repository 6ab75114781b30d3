import CanonicalChat
import PatchbayPlugin
import PatchbayWire

extension GeminiRequestWriter {
    mutating func writeParts(_ parts: [CanonicalPart], _ path: String) throws(ConversionError) {
        writer.beginArray()
        for (index, part) in parts.enumerated() {
            let next = index + 1 < parts.count ? parts[index + 1] : nil
            let last = index > 0 ? parts[index - 1] : nil
            if part.isSignature("attached") || signs(part, next) { continue }
            var signature = next.flatMap { $0.isSignature("attached") ? $0.wireSignature : nil }
            if let last, signs(last, part) { signature = last.wireSignature }
            try writePart(part, signature: signature, path)
        }
        writer.endArray()
    }

    /// Whether a part is the signature of the call after it.
    private func signs(_ part: CanonicalPart, _ next: CanonicalPart?) -> Bool {
        guard case .toolCall? = next?.content else { return false }
        return isSameFormat ? part.isSignature("call") : part.isBareSignature
    }

    private mutating func writePart(
        _ part: CanonicalPart, signature: String?, _ path: String
    ) throws(ConversionError) {
        if case .other(let value) = part.content {
            guard isSameFormat else {
                return context.lose(.degrade, "part.\(value["type"]?.stringValue ?? "unknown")", at: path)
            }
            guard let signature, var members = value.objectValue else { return writer.value(value) }
            members.append("thoughtSignature", .string(signature))
            return writer.value(.object(members))
        }
        if case .media(let media) = part.content, case .parts(let inner) = media.source {
            context.lose(.degrade, "file.content", at: path)
            for part in inner { try writePart(part, signature: nil, path) }
            return
        }
        writer.beginObject()
        switch part.content {
        case .text(let text), .refusal(let text): writer.member("text", text)
        case .reasoning(let reasoning): writeReasoning(reasoning, part.native)
        case .media(let media): try writeMedia(media, part.native, path)
        case .toolCall(let call): writeCall(call, part.native, path)
        case .toolResult(let result): try writeResult(result, part.native, path)
        case .other: break
        }
        writer.member("thoughtSignature", ifPresent: signature)
        writeNative(part.native)
        writer.endObject()
    }

    /// What the format said beside the data of a part.
    private mutating func writeNative(_ native: CanonicalNative?) {
        guard isSameFormat, let native, native.format == GeminiFormat.id else { return }
        let inside: Set<String> = ["functionCall", "functionResponse", "inlineData", "fileData"]
        for member in native.members where !member.key.hasPrefix("$") && !inside.contains(member.key) {
            writer.key(member.key)
            writer.value(member.value)
        }
    }

    /// Members inside of the data of a part that the shared model does not hold.
    private mutating func writeInside(_ native: CanonicalNative?, _ name: String) {
        guard isSameFormat, native?.format == GeminiFormat.id, let rest = native?[name]?.objectValue else { return }
        writer.members(rest)
    }

    private mutating func writeReasoning(_ reasoning: CanonicalReasoning, _ native: CanonicalNative?) {
        writer.member("text", reasoning.text)
        let isBare = isSameFormat ? native?["$form"] != nil : reasoning.text.isEmpty
        if !isBare { writer.member("thought", true) }
        writer.member("thoughtSignature", ifPresent: reasoning.wireSignature)
    }

    // MARK: - Calls and results

    private mutating func writeCall(_ call: CanonicalToolCall, _ native: CanonicalNative?, _ path: String) {
        writer.key("functionCall")
        writer.beginObject()
        if native?["$minted"] == nil || !isSameFormat { writer.member("id", call.id) }
        let name = wireName(call.name)
        writer.member("name", name)
        if !isSameFormat || !call.arguments.isEmpty {
            let (arguments, quality) = ToolArguments.object(call)
            if quality != .exact { context.lose(.degrade, "tool_call.arguments", at: path) }
            writer.member("args", arguments)
        }
        writeInside(native, "functionCall")
        writer.endObject()
    }

    private mutating func writeResult(
        _ result: CanonicalToolResult, _ native: CanonicalNative?, _ path: String
    ) throws(ConversionError) {
        writer.key("functionResponse")
        writer.beginObject()
        if let id = native?["$id"]?.stringValue, isSameFormat {
            writer.member("id", id)
        } else if native?["$minted"] == nil || !isSameFormat {
            writer.member("id", result.callID)
        }
        if isSameFormat {
            writer.member("name", ifPresent: result.name)
        } else {
            // The name that the model called counts, whatever the result says.
            let name = wireName(callNames[result.callID] ?? result.name ?? result.callID)
            writer.member("name", name)
        }
        try writeResponse(result, native, path)
        writeInside(native, "functionResponse")
        writer.endObject()
    }

    private mutating func writeResponse(
        _ result: CanonicalToolResult, _ native: CanonicalNative?, _ path: String
    ) throws(ConversionError) {
        let media = result.content.filter { if case .media = $0.content { true } else { false } }
        let text = result.content.compactMap { if case .text(let text) = $0.content { text } else { nil } }
            .joined(separator: "\n")
        guard isSameFormat else {
            if !media.isEmpty { context.lose(.degrade, "tool_result.media", at: path) }
            return writer.member("response", GeminiResult.response(text, isError: result.isError == true))
        }
        switch native?["$shape"]?.stringValue {
        case "absent"?: break
        case "json"?: writer.member("response", (try? JSONValue(parsing: text)) ?? .emptyObject)
        case let name?: writer.member("response", .object([name: .string(text)]))
        case nil: writer.member("response", GeminiResult.response(text, isError: result.isError == true))
        }
        guard !media.isEmpty else { return }
        writer.key("parts")
        try writeParts(media, path)
    }

    // MARK: - Media

    private mutating func writeMedia(
        _ media: CanonicalMedia, _ native: CanonicalNative?, _ path: String
    ) throws(ConversionError) {
        if media.detail != nil, !isSameFormat { context.lose(.info, "image.detail", at: path) }
        if media.citations != nil { context.lose(.degrade, "file.citations", at: path) }
        switch media.source {
        case .base64(let declared, let data):
            let base64 = isSameFormat ? data : DataURL.normalised(data)
            let mime = isSameFormat ? declared : GeminiMedia.type(declared, base64, media)
            writer.key("inlineData")
            writer.beginObject()
            writer.member("mimeType", mime)
            writer.member("data", base64)
            if isSameFormat { writer.member("displayName", ifPresent: media.filename) }
            writeInside(native, "inlineData")
            writer.endObject()
        case .url(let url): writeFile(url, media, native)
        case .fileID(let id) where isSameFormat: writeFile(id, media, native)
        case .fileID:
            context.lose(.fatal, "media", at: path)
            throw ConversionError(
                .unsupported, "`\(path)`: gemini.generate cannot carry a file that lives at another provider")
        case .text(let text):
            let head = [media.filename, media.context].compactMap { $0 }.joined(separator: "\n")
            writer.member("text", head.isEmpty ? text : head + "\n\n" + text)
        case .parts: break
        }
    }

    private mutating func writeFile(_ uri: String, _ media: CanonicalMedia, _ native: CanonicalNative?) {
        writer.key("fileData")
        writer.beginObject()
        writer.member("fileUri", uri)
        if isSameFormat {
            writer.member("displayName", ifPresent: media.filename)
            writeInside(native, "fileData")
        } else {
            writer.member("mimeType", GeminiMedia.type(ofFile: uri, media.kind))
        }
        writer.endObject()
    }
}

/// Answers of tools where the format wants an object.
enum GeminiResult {
    /// The object for a text: itself if it is one, else a member that says what it is.
    static func response(_ text: String, isError: Bool) -> JSONValue {
        if isError { return ["error": .string(text)] }
        guard let value = try? JSONValue(parsing: text), case .object = value, !refers(value) else {
            return ["output": .string(text)]
        }
        return value
    }

    /// The server takes members of these names for references and fails.
    private static func refers(_ value: JSONValue) -> Bool {
        switch value {
        case .array(let items): items.contains(where: refers)
        case .object(let members):
            members.members.contains { ["$ref", "$defs", "ref"].contains($0.key) || refers($0.value) }
        default: false
        }
    }
}

/// Types of media, which the format demands.
enum GeminiMedia {
    static func type(_ declared: String, _ base64: String, _ media: CanonicalMedia) -> String {
        if let sniffed = DataURL.sniffed(base64) { return sniffed }
        if media.kind == .audio, let format = media.format, declared.isEmpty || declared == "audio/" {
            return "audio/" + format
        }
        if !declared.isEmpty { return declared }
        switch media.kind {
        case .image: return "image/png"
        case .audio: return "audio/wav"
        case .video: return "video/mp4"
        case .file: return "application/pdf"
        }
    }

    /// The type that the name of a file stands for.
    static func type(ofFile uri: String, _ kind: CanonicalMedia.Kind) -> String {
        let path = uri.split(separator: "?").first.map(String.init) ?? uri
        let known = types.first { path.lowercased().hasSuffix($0.suffix) }?.type
        switch kind {
        case .image: return known ?? "image/jpeg"
        case .audio: return known ?? "audio/mpeg"
        case .video: return known ?? "video/mp4"
        case .file: return known ?? "application/pdf"
        }
    }

    private static let types: [(suffix: String, type: String)] = [
        (".png", "image/png"), (".jpg", "image/jpeg"), (".jpeg", "image/jpeg"), (".webp", "image/webp"),
        (".gif", "image/gif"), (".heic", "image/heic"), (".pdf", "application/pdf"), (".txt", "text/plain"),
        (".html", "text/html"), (".csv", "text/csv"), (".md", "text/markdown"), (".wav", "audio/wav"),
        (".mp3", "audio/mpeg"), (".mp4", "video/mp4"), (".webm", "video/webm"), (".mov", "video/quicktime"),
    ]
}

extension CanonicalPart {
    /// A signature whose place the reader of this format has noted.
    func isSignature(_ form: String) -> Bool {
        guard case .reasoning = content, let native, native.format == GeminiFormat.id else { return false }
        return native["$form"]?.stringValue == form
    }

    var isBareSignature: Bool {
        if case .reasoning(let reasoning) = content { reasoning.isBareSignature } else { false }
    }

    var wireSignature: String? {
        if case .reasoning(let reasoning) = content { reasoning.wireSignature } else { nil }
    }
}
