import CanonicalChat
import PatchbayWire

/// Reads the content blocks of messages, requests and answers alike.
enum MessagesBlockReader {
    /// Content as a string or an array of blocks.
    static func content(
        _ value: JSONNode, path: @autoclosure () -> String
    ) throws(ConversionError) -> ([CanonicalPart], CanonicalTurn.Form) {
        if let text = value.stringValue { return (text.isEmpty ? [] : [.text(text)], .string) }
        if value.isNull { return ([], .null) }
        guard value.isArray else { throw .invalid("`\(path())` must be a string or an array of blocks") }
        return (try parts(value) { "\(path()).\($0)" }, .parts)
    }

    /// The blocks of an array.
    static func parts(
        _ blocks: JSONNode, path: (Int) -> String
    ) throws(ConversionError) -> [CanonicalPart] {
        var parts: [CanonicalPart] = []
        parts.reserveCapacity(blocks.childCount)
        for (index, block) in blocks.elements.enumerated() {
            if let text = plainText(block) {
                parts.append(.text(text))
            } else {
                parts.append(try part(block, path: path(index)))
            }
        }
        return parts
    }

    /// The text of `{"type": "text", "text": …}` with nothing else in it, which most blocks are.
    private static func plainText(_ block: JSONNode) -> String? {
        guard block.childCount == 4, block["type"]?.equals("text") == true else { return nil }
        return block["text"]?.stringValue
    }

    static func part(_ value: JSONNode, path: @autoclosure () -> String) throws(ConversionError) -> CanonicalPart {
        guard let type = value["type"]?.stringValue else { throw .invalid("`\(path()).type` must be a string") }
        guard let content = try content(ofType: type, value, path: path()) else {
            return CanonicalPart(.other(value.tree))
        }
        var part = CanonicalPart(content)
        var rest = JSONObject()
        let known = consumed(type)
        for (name, member) in value.members {
            switch name.text {
            case "type": break
            case "cache_control" where !member.isNull:
                part.cache = CanonicalCache(origin: "anthropic", value: member.tree)
            case "citations" where type == "text":
                part.annotations = member.elements.map { MessagesAnnotation.read($0.tree) }
                if part.annotations.isEmpty { rest.append("citations", member.tree) }
            case let key where known.contains(key): break
            case let key: rest.append(key, member.tree)
            }
        }
        if !rest.isEmpty { part.native = CanonicalNative(format: MessagesFormat.id, members: rest) }
        return part
    }

    /// Members that the typed part holds.
    private static func consumed(_ type: String) -> [String] {
        switch type {
        case "text": ["text"]
        case "thinking": ["thinking", "signature"]
        case "redacted_thinking": ["data"]
        case "image": ["source"]
        case "document": ["source", "title", "context", "citations"]
        case "tool_use": ["id", "name", "input"]
        case "tool_result": ["tool_use_id", "content", "is_error"]
        default: []
        }
    }

    private static func content(
        ofType type: String, _ value: JSONNode, path: @autoclosure () -> String
    ) throws(ConversionError) -> CanonicalPart.Content? {
        switch type {
        case "text":
            guard let text = value["text"]?.stringValue else { throw .invalid("`\(path()).text` must be a string") }
            return .text(text)
        case "thinking":
            let signature = value["signature"]?.stringValue ?? ""
            return .reasoning(reasoning(value["thinking"]?.stringValue ?? "", sealed: signature, kind: "signature"))
        case "redacted_thinking":
            var hidden = reasoning("", sealed: value["data"]?.stringValue ?? "", kind: "redacted")
            hidden.opaque = hidden.opaque ?? CanonicalOpaque(kind: "redacted", provider: "anthropic", data: "")
            hidden.redacted = true
            return .reasoning(hidden)
        case "image":
            guard let source = try source(value["source"], path: path()) else { return nil }
            return .media(CanonicalMedia(.image, source))
        case "document":
            guard let source = try source(value["source"], path: path()) else { return nil }
            var media = CanonicalMedia(.file, source)
            media.filename = value["title"]?.stringValue
            media.context = value["context"]?.stringValue
            media.citations = value["citations"]?.tree.nonNull
            return .media(media)
        case "tool_use":
            guard let id = value["id"]?.stringValue, let name = value["name"]?.stringValue else {
                throw .invalid("`\(path())` must have the strings id and name")
            }
            return .toolCall(CanonicalToolCall(id: id, name: name, arguments: arguments(value["input"])))
        case "tool_result":
            guard let id = value["tool_use_id"]?.stringValue else {
                throw .invalid("`\(path()).tool_use_id` must be a string")
            }
            return .toolResult(try result(id, value, path: path()))
        default: return nil
        }
    }

    /// Reasoning with the state that belongs to it, which may be that of another provider in a carrier.
    private static func reasoning(_ text: String, sealed: String, kind: String) -> CanonicalReasoning {
        var reasoning = CanonicalReasoning(text: text)
        if let carried = OpaqueCarrier.unwrapped(sealed) {
            reasoning.opaque = carried.opaque
            reasoning.id = carried.id
        } else if !sealed.isEmpty {
            reasoning.opaque = CanonicalOpaque(kind: kind, provider: "anthropic", data: sealed)
        }
        return reasoning
    }

    private static func arguments(_ input: JSONNode?) -> String {
        guard let input, !input.isNull else { return "" }
        return input.stringValue ?? input.tree.description
    }

    private static func result(
        _ id: String, _ value: JSONNode, path: @autoclosure () -> String
    ) throws(ConversionError) -> CanonicalToolResult {
        var result = CanonicalToolResult(callID: id, content: [], form: .absent)
        if let content = value["content"] {
            (result.content, result.form) = try self.content(content, path: "\(path()).content")
        }
        result.isError = value["is_error"]?.boolValue
        return result
    }

    private static func source(
        _ value: JSONNode?, path: @autoclosure () -> String
    ) throws(ConversionError) -> CanonicalMedia.Source? {
        switch value?["type"]?.stringValue {
        case "base64"?:
            guard let data = value?["data"]?.stringValue else {
                throw .invalid("`\(path()).source.data` must be a string")
            }
            return .base64(mime: value?["media_type"]?.stringValue ?? "", data: data)
        case "url"?: return .url(value?["url"]?.stringValue ?? "")
        case "file"?: return .fileID(value?["file_id"]?.stringValue ?? "")
        case "text"?: return .text(value?["data"]?.stringValue ?? "")
        case "content"?:
            guard let blocks = value?["content"] else { return .parts([]) }
            return .parts(try content(blocks, path: "\(path()).source.content").0)
        default: return nil
        }
    }
}

/// Citations of text blocks.
enum MessagesAnnotation {
    /// The canonical form of an entry of `citations`.
    static func read(_ value: JSONValue) -> JSONValue {
        var members = JSONObject()
        switch value["type"]?.stringValue {
        case "web_search_result_location"?: members.append("kind", "url")
        case "char_location"?: members.append("kind", "char")
        case "page_location"?: members.append("kind", "page")
        case "content_block_location"?: members.append("kind", "block")
        case "search_result_location"?: members.append("kind", "search_result")
        default: members.append("kind", "other")
        }
        members.setIfPresent("url", value["url"]?.nonNull)
        members.setIfPresent("title", (value["title"] ?? value["document_title"])?.nonNull)
        members.setIfPresent("cited_text", value["cited_text"]?.nonNull)
        members.append("native", .object([MessagesFormat.id: value]))
        return .object(members)
    }

    /// The entry for a canonical annotation; nil if the format has none for it.
    static func write(_ annotation: JSONValue) -> JSONValue? {
        annotation["native"]?[MessagesFormat.id]
    }
}
