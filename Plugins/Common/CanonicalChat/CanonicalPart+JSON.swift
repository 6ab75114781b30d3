package import PatchbayWire

extension CanonicalPart {
    package func write(into writer: inout JSONWriter) {
        writer.beginObject()
        switch content {
        case .text(let text):
            writer.member("k", "text")
            writer.member("text", text)
        case .refusal(let text):
            writer.member("k", "refusal")
            writer.member("text", text)
        case .reasoning(let reasoning):
            reasoning.write(into: &writer)
        case .media(let media):
            media.write(into: &writer)
        case .toolCall(let call):
            writer.member("k", "tool_call")
            writer.member("call_id", call.id)
            writer.member("name", call.name)
            if call.kind != .function { writer.member("kind", call.kind.rawValue) }
            writer.member("args_raw", call.arguments)
        case .toolResult(let result):
            result.write(into: &writer)
        case .other(let value):
            writer.member("k", "unknown")
            writer.member("value", value)
        }
        if let cache {
            writer.key("cache")
            cache.write(into: &writer)
        }
        if !annotations.isEmpty { writer.member("ann", .array(annotations)) }
        writer.member("native", ifPresent: native)
        writer.endObject()
    }

    package static func write(_ parts: [CanonicalPart], into writer: inout JSONWriter) {
        writer.beginArray()
        for part in parts { part.write(into: &writer) }
        writer.endArray()
    }

    package init(canonical value: JSONNode) throws(ConversionError) {
        guard let kind = value["k"], let content = try Self.content(kind: kind, value) else {
            throw .invalid("canonical part: `k` must be a string")
        }
        self.init(content)
        for (name, member) in value.members {
            if name.equals("cache") {
                cache = CanonicalCache(canonical: member)
            } else if name.equals("ann") {
                annotations = member.elements.map(\.tree)
            } else if name.equals("native") {
                native = CanonicalNative(canonical: member)
            }
        }
    }

    /// Nil if the kind is no string.
    private static func content(kind: JSONNode, _ value: JSONNode) throws(ConversionError) -> Content? {
        if kind.equals("text") { return .text(value["text"]?.stringValue ?? "") }
        guard let word = kind.stringValue else { return nil }
        switch word {
        case "refusal": return .refusal(value["text"]?.stringValue ?? "")
        case "reasoning": return .reasoning(CanonicalReasoning(canonical: value, redacted: false))
        case "reasoning_redacted": return .reasoning(CanonicalReasoning(canonical: value, redacted: true))
        case "image", "audio", "video", "file":
            return .media(try CanonicalMedia(canonical: value, kind: CanonicalMedia.Kind(rawValue: word) ?? .file))
        case "tool_call":
            return .toolCall(
                CanonicalToolCall(
                    id: value["call_id"]?.stringValue ?? "", name: value["name"]?.stringValue ?? "",
                    arguments: value["args_raw"]?.stringValue ?? "",
                    kind: value["kind"]?.equals("custom") == true ? .custom : .function))
        case "tool_result": return .toolResult(try CanonicalToolResult(canonical: value))
        default: return .other((value["value"] ?? value).tree)
        }
    }

    package static func list(canonical value: JSONNode?) throws(ConversionError) -> [CanonicalPart] {
        guard let value else { return [] }
        var parts: [CanonicalPart] = []
        parts.reserveCapacity(value.childCount)
        for item in value.elements { parts.append(try CanonicalPart(canonical: item)) }
        return parts
    }
}

extension CanonicalReasoning {
    func write(into writer: inout JSONWriter) {
        writer.member("k", redacted ? "reasoning_redacted" : "reasoning")
        if !redacted { writer.member("text", text) }
        writer.member("id", ifPresent: id)
        guard let opaque else { return }
        writer.key("opaque")
        writer.beginArray()
        writer.beginObject()
        writer.member("kind", opaque.kind)
        writer.member("provider", ifPresent: opaque.provider)
        writer.member("data", opaque.data)
        writer.endObject()
        writer.endArray()
    }

    init(canonical value: JSONNode, redacted: Bool) {
        self.init(text: value["text"]?.stringValue ?? "", redacted: redacted)
        id = value["id"]?.stringValue
        guard let first = value["opaque"]?.elements.first else { return }
        opaque = CanonicalOpaque(
            kind: first["kind"]?.stringValue ?? "signature", provider: first["provider"]?.stringValue,
            data: first["data"]?.stringValue ?? "")
    }
}

extension CanonicalMedia {
    func write(into writer: inout JSONWriter) {
        writer.member("k", kind.rawValue)
        writer.key("src")
        writer.beginObject()
        switch source {
        case .base64(let mime, let data):
            writer.member("kind", "base64")
            writer.member("mime", mime)
            writer.member("data", data)
        case .url(let url):
            writer.member("kind", "url")
            writer.member("url", url)
        case .fileID(let id):
            writer.member("kind", "file_id")
            writer.member("id", id)
        case .text(let text):
            writer.member("kind", "text")
            writer.member("text", text)
        case .parts(let parts):
            writer.member("kind", "parts")
            writer.key("parts")
            CanonicalPart.write(parts, into: &writer)
        }
        writer.endObject()
        writer.member("detail", ifPresent: detail)
        writer.member("format", ifPresent: format)
        writer.member("filename", ifPresent: filename)
        writer.member("context", ifPresent: context)
        writer.member("citations", ifPresent: citations)
    }

    init(canonical value: JSONNode, kind: Kind) throws(ConversionError) {
        let source: Source
        let wire = value["src"]
        switch wire?["kind"]?.stringValue {
        case "base64":
            source = .base64(mime: wire?["mime"]?.stringValue ?? "", data: wire?["data"]?.stringValue ?? "")
        case "url": source = .url(wire?["url"]?.stringValue ?? "")
        case "file_id": source = .fileID(wire?["id"]?.stringValue ?? "")
        case "text": source = .text(wire?["text"]?.stringValue ?? "")
        case "parts": source = .parts(try CanonicalPart.list(canonical: wire?["parts"]))
        default: throw .invalid("canonical part: `src.kind` must be base64, url, file_id, text or parts")
        }
        self.init(kind, source)
        detail = value["detail"]?.stringValue
        format = value["format"]?.stringValue
        filename = value["filename"]?.stringValue
        context = value["context"]?.stringValue
        citations = value["citations"]?.tree
    }
}

extension CanonicalToolResult {
    func write(into writer: inout JSONWriter) {
        writer.member("k", "tool_result")
        writer.member("call_id", callID)
        writer.member("name", ifPresent: name)
        writer.member("is_error", ifPresent: isError)
        writer.member("form", ifPresent: form?.rawValue)
        writer.key("content")
        CanonicalPart.write(content, into: &writer)
    }

    init(canonical value: JSONNode) throws(ConversionError) {
        self.init(
            callID: value["call_id"]?.stringValue ?? "", content: try CanonicalPart.list(canonical: value["content"]),
            form: value["form"]?.stringValue.flatMap(CanonicalTurn.Form.init(rawValue:)))
        name = value["name"]?.stringValue
        isError = value["is_error"]?.boolValue
    }
}

extension CanonicalCache {
    init(canonical value: JSONNode) {
        self.init(origin: value["origin"]?.stringValue ?? "", value: value["value"]?.tree ?? .null)
    }

    func write(into writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("origin", origin)
        writer.member("value", value)
        writer.endObject()
    }
}

extension CanonicalNative {
    /// Reads `{"<format>": {…}}`.
    init?(canonical value: JSONNode?) {
        guard let first = value?.members.first, let members = first.value.tree.objectValue else { return nil }
        self.init(format: first.name.text, members: members)
    }
}
