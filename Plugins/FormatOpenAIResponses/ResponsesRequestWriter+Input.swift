import CanonicalChat
import PatchbayPlugin
import PatchbayWire

extension ResponsesRequestWriter {
    mutating func writeInput() throws(ConversionError) {
        try writeInstructions()
        switch isSameFormat ? request.native?["$input"]?.stringValue : nil {
        case "absent"?: return
        case "string"?:
            if let text = request.turns.first?.parts.first?.plainText { return writer.member("input", text) }
        default: break
        }
        writer.key("input")
        writer.beginArray()
        for (index, turn) in request.system.enumerated() where turn.native?["$instructions"] == nil {
            if !isSameFormat, usesInstructions { continue }
            try writeMessage(turn, "/system/\(index)")
        }
        for (index, turn) in repairedTurns().enumerated() {
            let path = "/turns/\(index)"
            switch turn.role {
            case .system, .developer: try writeMidSystem(turn, path)
            case .user, .tool: try writeUser(turn, path)
            case .assistant: try writeAssistant(turn, path)
            }
        }
        writer.endArray()
    }

    private mutating func repairedTurns() -> [CanonicalTurn] {
        if isSameFormat { return request.turns }
        let pairing = ToolPairing(request.turns)
        for repair in pairing.repairs { context.lose(.degrade, repair.kind.rawValue, at: "/turns/\(repair.turn)") }
        return pairing.turns
    }

    // MARK: - Instructions

    /// Instructions of formats that keep them apart from the conversation are kept apart here as well.
    private var usesInstructions: Bool {
        context.profile.systemRole == "instructions" || request.origin.format != "openai.chat"
    }

    private mutating func writeInstructions() throws(ConversionError) {
        if isSameFormat {
            guard let turn = request.system.first, turn.native?["$instructions"] != nil else { return }
            return writer.member("instructions", turn.parts.first?.plainText ?? "")
        }
        guard usesInstructions else { return }
        var texts: [String] = []
        for (index, turn) in request.system.enumerated() {
            for part in turn.parts {
                guard case .text(let text) = part.content, !text.isEmpty else { continue }
                // Claude Code's first block differs in every request and would defeat the upstream's prompt cache.
                if text.hasPrefix("x-anthropic-billing-header:") { continue }
                if part.cache != nil { context.lose(.info, "cache", at: "/system/\(index)") }
                texts.append(text)
            }
        }
        if !texts.isEmpty { writer.member("instructions", texts.joined(separator: "\n\n")) }
    }

    private mutating func writeMidSystem(_ turn: CanonicalTurn, _ path: String) throws(ConversionError) {
        var turn = turn
        if !isSameFormat, context.profile.midSystem == .userTag {
            let text = turn.parts.compactMap(\.anyText).joined(separator: "\n\n")
            guard !text.isEmpty else { return }
            context.lose(.degrade, "turn.system", at: path)
            turn = CanonicalTurn(role: .user, parts: [.text("<system-reminder>\n\(text)\n</system-reminder>")])
        } else if !isSameFormat, context.profile.midSystem == .developer {
            turn.role = .developer
        }
        try writeMessage(turn, path)
    }

    // MARK: - Messages

    private mutating func writeMessage(_ turn: CanonicalTurn, _ path: String) throws(ConversionError) {
        if isSameFormat {
            writer.beginObject()
            writer.member("role", turn.role.rawValue)
            try writeContent(turn.parts, form: turn.form, path)
            if let native = turn.native { writeExtras(native.members) }
            return writer.endObject()
        }
        var parts = turn.parts
        if turn.role != .user { parts.removeAll { $0.anyText?.isEmpty == true } }
        if parts.isEmpty { return context.lose(.info, "turn.empty", at: path) }
        if turn.name != nil { context.lose(.info, "turn.name", at: path) }
        writer.beginObject()
        writer.member("type", literal: "message")
        writer.member("role", turn.role.rawValue)
        try writeContent(parts, form: .parts, path)
        writer.endObject()
    }

    /// Writes `content` of what a client says.
    private mutating func writeContent(
        _ parts: [CanonicalPart], form: CanonicalTurn.Form?, name: StaticString = "content", _ path: String
    ) throws(ConversionError) {
        switch form {
        case .absent? where parts.isEmpty: return
        case .null? where parts.isEmpty: return writer.nullMember(name)
        case .string? where parts.isEmpty: return writer.member(name, "")
        case .string? where parts.count == 1:
            if let text = parts[0].anyText { return writer.member(name, text) }
        default: break
        }
        writer.key(name)
        writer.beginArray()
        for part in parts { try writePart(part, path) }
        writer.endArray()
    }

    // MARK: - Users and results

    private mutating func writeUser(_ turn: CanonicalTurn, _ path: String) throws(ConversionError) {
        if isSameFormat, turn.role == .user { return try writeMessage(turn, path) }
        var rest = turn
        rest.parts = []
        for part in turn.parts {
            switch part.content {
            case .toolResult(let result): try writeResult(result, part, path)
            case .other(let value) where part.own != nil && isSameFormat: writer.value(value)
            default: rest.parts.append(part)
            }
        }
        rest.role = .user
        if !rest.parts.isEmpty { try writeMessage(rest, path) }
    }

    private mutating func writeResult(
        _ result: CanonicalToolResult, _ part: CanonicalPart, _ path: String
    ) throws(ConversionError) {
        let isCustom = customCalls.contains(result.callID)
        writer.beginObject()
        writer.member(
            "type", part.own?["$type"]?.stringValue ?? (isCustom ? "custom_tool_call_output" : "function_call_output"))
        writer.member("call_id", wireID(result.callID))
        if isSameFormat {
            try writeContent(result.content, form: result.form, name: "output", path)
        } else {
            if result.isError == true { context.lose(.info, "tool_result.is_error", at: path) }
            let texts = result.content.map(\.anyText)
            if texts.contains(nil) {
                try writeContent(result.content, form: .parts, name: "output", path)
            } else {
                writer.member("output", texts.compactMap { $0 }.joined(separator: "\n"))
            }
        }
        if isSameFormat, let own = part.own { writeExtras(own) }
        writer.endObject()
    }

    // MARK: - Assistant

    private mutating func writeAssistant(_ turn: CanonicalTurn, _ path: String) throws(ConversionError) {
        if isSameFormat { return ResponsesOwnItems.write(turn.parts, into: &writer, losing: &context, path) }
        var texts = ""
        for part in turn.parts {
            if let text = part.anyText {
                texts += text
                continue
            }
            writeText(&texts)
            writeProduced(part, path)
        }
        writeText(&texts)
    }

    /// The text of the assistant between two other items, as one message. As a string it needs no id, which would have
    /// to be one that the server knows.
    private mutating func writeText(_ text: inout String) {
        guard !text.isEmpty else { return }
        writer.beginObject()
        writer.member("type", literal: "message")
        writer.member("role", literal: "assistant")
        writer.member("content", text)
        writer.endObject()
        text = ""
    }

    private mutating func writeProduced(_ part: CanonicalPart, _ path: String) {
        switch part.content {
        case .refusal(let text):
            writer.beginObject()
            writer.member("type", literal: "message")
            writer.member("id", "msg_" + StableHash.digits(text))
            writer.member("role", literal: "assistant")
            writer.member("status", literal: "completed")
            writer.member("content", [["type": "refusal", "refusal": .string(text)]])
            writer.endObject()
        case .reasoning(let reasoning):
            guard let opaque = reasoning.opaque, !opaque.data.isEmpty, ResponsesFormat.accepts(opaque) else {
                return context.lose(.info, "reasoning.history", at: path)
            }
            let id = reasoning.id ?? "rs_" + StableHash.digits(opaque.data)
            ResponsesItem.reasoning(id: id, text: reasoning.text, sealed: opaque.data, into: &writer)
        case .toolCall(let call):
            if call.kind == .custom { customCalls.insert(call.id) }
            ResponsesItem.call(
                id: nil, callID: wireID(call.id), name: wireName(call.name), text: call.arguments,
                isCustom: call.kind == .custom, status: nil, into: &writer)
        default: context.lose(.degrade, "part", at: path)
        }
    }

    // MARK: - Parts

    private mutating func writePart(_ part: CanonicalPart, _ path: String) throws(ConversionError) {
        switch part.content {
        case .text(let text), .refusal(let text):
            writer.beginObject()
            writer.member("type", literal: "input_text")
            writer.member("text", text)
        case .media(let media):
            if case .parts(let inner) = media.source {
                context.lose(.degrade, "file.content", at: path)
                for part in inner { try writePart(part, path) }
                return
            }
            try writeMedia(media, raw: part.own?["$raw"] != nil, path)
        case .other(let value):
            if isSameFormat { return writer.value(value) }
            return context.lose(.degrade, "part.\(value["type"]?.stringValue ?? "unknown")", at: path)
        case .reasoning, .toolCall, .toolResult: return context.lose(.degrade, "part", at: path)
        }
        if let cache = part.cache {
            if cache.origin == "openai" {
                writer.member("prompt_cache_breakpoint", cache.value)
            } else {
                context.lose(.info, "cache", at: path)
            }
        }
        if isSameFormat, let own = part.own { writeExtras(own) }
        writer.endObject()
    }

    mutating func writeExtras(_ members: JSONObject) {
        for member in members where !member.key.hasPrefix("$") {
            writer.key(member.key)
            writer.value(member.value)
        }
    }

    /// Opens the object of the part; the caller closes it.
    private mutating func writeMedia(_ media: CanonicalMedia, raw: Bool, _ path: String) throws(ConversionError) {
        // Both formats of the vendor share one store of files.
        let knowsFile = isSameFormat || request.origin.format == "openai.chat"
        switch (media.kind, media.source) {
        case (.image, .base64(let mime, let data)): writeImage("data:\(mime);base64,\(data)", media)
        case (.image, .url(let url)): writeImage(url, media)
        case (.image, .fileID(let id)) where knowsFile: writeImage(nil, media, file: id)
        case (.file, .text(let text)):
            context.lose(.info, "file.text", at: path)
            let head = [media.filename, media.context].compactMap { $0 }.joined(separator: "\n")
            writer.beginObject()
            writer.member("type", literal: "input_text")
            writer.member("text", head.isEmpty ? text : head + "\n\n" + text)
        case (.file, .base64(let mime, let data)):
            if media.citations != nil { context.lose(.degrade, "file.citations", at: path) }
            writer.beginObject()
            writer.member("type", literal: "input_file")
            writer.member("filename", ifPresent: media.filename ?? (isSameFormat ? nil : "document.pdf"))
            writer.member("file_data", raw ? data : "data:\(mime);base64,\(data)")
        case (.file, .url(let url)):
            writer.beginObject()
            writer.member("type", literal: "input_file")
            writer.member("file_url", url)
            if isSameFormat { writer.member("filename", ifPresent: media.filename) }
        case (.file, .fileID(let id)) where knowsFile:
            writer.beginObject()
            writer.member("type", literal: "input_file")
            writer.member("file_id", id)
            if isSameFormat { writer.member("filename", ifPresent: media.filename) }
        case (.audio, .base64(_, let data)) where isSameFormat:
            writer.beginObject()
            writer.member("type", literal: "input_audio")
            writer.member("input_audio", ["data": .string(data), "format": .string(media.format ?? "wav")])
        case (_, .fileID): throw unsupported("a file that lives with another provider", path)
        case (let kind, _): throw unsupported("\(kind.rawValue) input of this kind", path)
        }
    }

    private mutating func writeImage(_ url: String?, _ media: CanonicalMedia, file: String? = nil) {
        writer.beginObject()
        writer.member("type", literal: "input_image")
        writer.member("image_url", ifPresent: url)
        writer.member("file_id", ifPresent: file)
        writer.member("detail", ifPresent: media.detail ?? (isSameFormat ? nil : "auto"))
    }

    private mutating func unsupported(_ what: String, _ path: String) -> ConversionError {
        context.lose(.fatal, "media", at: path)
        return ConversionError(.unsupported, "`\(path)`: openai.responses cannot carry \(what)")
    }
}

extension CanonicalPart {
    /// The text of a text part, whatever else it carries.
    var anyText: String? {
        if case .text(let text) = content { text } else { nil }
    }
}
