import CanonicalChat
import PatchbayPlugin
import PatchbayWire

/// Reads the parts of contents, requests and answers alike.
///
/// A part may hold two things at once: its data and the signature of the thought that led to it. Thoughts and calls
/// keep their signature; beside any other data it becomes a part of reasoning without text.
enum GeminiPartReader {
    static func parts(_ value: JSONValue, path: @autoclosure () -> String) throws(ConversionError) -> [CanonicalPart] {
        if let text = value.stringValue { return [.text(text)] }
        guard var members = GeminiMembers.read(value) else { throw .invalid("`\(path())` must be an object") }
        let signature = (members.remove("thoughtSignature")?.stringValue).flatMap { $0.isEmpty ? nil : $0 }
        let signed = signature.map(GeminiSignature.read)
        let attached = signed.map { [Self.signature($0, "attached")] } ?? []
        if members["functionCall"] != nil {
            return (signed.map { [Self.signature($0, "call")] } ?? []) + [try call(&members, path())]
        }
        if members["functionResponse"] != nil { return [try result(&members, path())] + attached }
        if members["text"] != nil || isEmpty(members) { return try text(&members, signed, path()) }
        var part = try media(&members, path()) ?? CanonicalPart(.other(value.withoutSignature(signed != nil)))
        if case .other = part.content {
        } else {
            part.native = native(members)
        }
        return [part] + attached
    }

    /// A part with nothing but notes about it, such as a signature that stands alone.
    private static func isEmpty(_ members: JSONObject) -> Bool {
        members.members.allSatisfy { $0.key == "thought" || $0.value.isNull }
    }

    /// A signature beside data that is no thought. `form` says where it stood: on the call after it (`call`), on the part
    /// before it (`attached`), or alone (`trailing`).
    private static func signature(_ reasoning: CanonicalReasoning, _ form: String) -> CanonicalPart {
        var part = CanonicalPart(.reasoning(reasoning))
        part.native = CanonicalNative(format: GeminiFormat.id, members: ["$form": .string(form)])
        return part
    }

    private static func text(
        _ members: inout JSONObject, _ signed: CanonicalReasoning?, _ path: @autoclosure () -> String
    ) throws(ConversionError) -> [CanonicalPart] {
        let value = members.remove("text")
        guard value == nil || value?.stringValue != nil else { throw .invalid("`\(path()).text` must be a string") }
        let text = value?.stringValue ?? ""
        let isThought = members["thought"]?.boolValue == true
        members.remove("thought")
        if isThought {
            var reasoning = signed ?? CanonicalReasoning()
            reasoning.text = text
            reasoning.redacted = reasoning.redacted && text.isEmpty
            var part = CanonicalPart(.reasoning(reasoning))
            part.native = native(members)
            return [part]
        }
        if text.isEmpty, let signed {
            var part = signature(signed, "trailing")
            for member in members { part.native?.members.append(member.key, member.value) }
            return [part]
        }
        var part = CanonicalPart.text(text)
        part.native = native(members)
        return [part] + (signed.map { [signature($0, "attached")] } ?? [])
    }

    private static func native(_ members: JSONObject) -> CanonicalNative? {
        members.isEmpty ? nil : CanonicalNative(format: GeminiFormat.id, members: members)
    }

    // MARK: - Calls and results

    /// The id stays empty if the wire has none.
    private static func call(
        _ members: inout JSONObject, _ path: @autoclosure () -> String
    ) throws(ConversionError) -> CanonicalPart {
        guard var wire = GeminiMembers.read(members.remove("functionCall")),
            let name = wire.remove("name")?.stringValue, !name.isEmpty
        else { throw .invalid("`\(path()).functionCall.name` must be a non-empty string") }
        var call = CanonicalToolCall(id: wire.remove("id")?.stringValue ?? "", name: name, arguments: "")
        switch wire.remove("args") {
        case nil, .null?: break
        case .string(let text)?: call.arguments = text
        case let value?: call.arguments = value.description
        }
        members.remove("thought")
        if !wire.isEmpty { members.append("functionCall", .object(wire)) }
        var part = CanonicalPart(.toolCall(call))
        part.native = native(members)
        return part
    }

    private static func result(
        _ members: inout JSONObject, _ path: @autoclosure () -> String
    ) throws(ConversionError) -> CanonicalPart {
        guard var wire = GeminiMembers.read(members.remove("functionResponse")) else {
            throw .invalid("`\(path()).functionResponse` must be an object")
        }
        var result = CanonicalToolResult(callID: wire.remove("id")?.stringValue ?? "", content: [])
        result.name = wire.remove("name")?.stringValue
        let shape = read(wire.remove("response")?.nonNull, into: &result)
        for (index, item) in (wire.remove("parts")?.arrayValue ?? []).enumerated() {
            result.content += try parts(item, path: "\(path()).functionResponse.parts.\(index)")
        }
        if !wire.isEmpty { members.append("functionResponse", .object(wire)) }
        members.append("$shape", .string(shape))
        var part = CanonicalPart(.toolResult(result))
        part.native = native(members)
        return part
    }

    /// Reads `response` and says how it was written: under a name that stands for the whole, or as it is.
    private static func read(_ response: JSONValue?, into result: inout CanonicalToolResult) -> String {
        guard let response else { return "absent" }
        if let members = response.objectValue, members.count == 1, let only = members.members.first,
            let text = only.value.stringValue, ["output", "result", "error"].contains(only.key)
        {
            result.content = [.text(text)]
            if only.key == "error" { result.isError = true }
            return only.key
        }
        result.content = [.text(response.description)]
        return "json"
    }

    // MARK: - Media

    private static func media(
        _ members: inout JSONObject, _ path: @autoclosure () -> String
    ) throws(ConversionError) -> CanonicalPart? {
        if let wire = GeminiMembers.read(members["inlineData"]) {
            guard let data = wire["data"]?.stringValue else {
                throw .invalid("`\(path()).inlineData.data` must be a string")
            }
            let mime = wire["mimeType"]?.stringValue ?? ""
            var media = CanonicalMedia(kind(mime), .base64(mime: mime, data: DataURL.normalised(data)))
            if media.kind == .audio { media.format = format(mime) }
            media.filename = wire["displayName"]?.stringValue
            keep(wire, but: ["data", "mimeType", "displayName"], as: "inlineData", &members)
            return CanonicalPart(.media(media))
        }
        if let wire = GeminiMembers.read(members["fileData"]) {
            guard let uri = wire["fileUri"]?.stringValue else {
                throw .invalid("`\(path()).fileData.fileUri` must be a string")
            }
            var media = CanonicalMedia(
                kind(wire["mimeType"]?.stringValue ?? ""), isOwnFile(uri) ? .fileID(uri) : .url(uri))
            media.filename = wire["displayName"]?.stringValue
            keep(wire, but: ["fileUri", "displayName"], as: "fileData", &members)
            return CanonicalPart(.media(media))
        }
        return nil
    }

    private static func keep(_ wire: JSONObject, but known: [String], as name: String, _ members: inout JSONObject) {
        members.remove(name)
        var rest = JSONObject()
        for member in wire where !known.contains(member.key) { rest.append(member.key, member.value) }
        if !rest.isEmpty { members.append(name, .object(rest)) }
    }

    private static func kind(_ mime: String) -> CanonicalMedia.Kind {
        if mime.hasPrefix("image/") { return .image }
        if mime.hasPrefix("audio/") { return .audio }
        return mime.hasPrefix("video/") ? .video : .file
    }

    /// The codec as Chat Completions names it.
    private static func format(_ mime: String) -> String? {
        switch mime {
        case "audio/wav", "audio/x-wav", "audio/wave": "wav"
        case "audio/mp3", "audio/mpeg": "mp3"
        default: nil
        }
    }

    /// Whether only Google can read the file behind the address.
    private static func isOwnFile(_ uri: String) -> Bool {
        uri.hasPrefix("gs://") || uri.range(of: "generativelanguage.googleapis.com/") != nil
            || !uri.hasPrefix("http")
    }
}

extension JSONValue {
    /// The part as it came, without the signature that another part holds now.
    fileprivate func withoutSignature(_ isSigned: Bool) -> JSONValue {
        guard isSigned, var members = objectValue else { return self }
        members.remove("thoughtSignature")
        members.remove("thought_signature")
        return .object(members)
    }
}
