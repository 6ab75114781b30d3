import CanonicalChat
import PatchbayWire

/// Reads the items that a model produces, of a history or of an answer, into parts.
enum ResponsesItemReader {
    /// The parts of one item. What the shared model does not cover becomes one part that holds the item as it came.
    static func parts(
        _ item: JSONValue, type: String, path: @autoclosure () -> String
    ) throws(ConversionError) -> [CanonicalPart] {
        switch type {
        case "message": return try message(item, path: path())
        case "reasoning": return [reasoning(item)]
        case "function_call": return [try call(item, text: "arguments", kind: .function, path: path())]
        case "custom_tool_call": return [try call(item, text: "input", kind: .custom, path: path())]
        case "image_generation_call":
            return [image(item) ?? .native(item)]
        default: return [.native(item)]
        }
    }

    private static func message(
        _ item: JSONValue, path: @autoclosure () -> String
    ) throws(ConversionError) -> [CanonicalPart] {
        var note = JSONObject()
        for member in item.objectValue ?? JSONObject() where member.key != "role" && member.key != "content" {
            note.append(member.key, member.value)
        }
        var (parts, form) = try ResponsesPartReader.content(item["content"] ?? .null, path: "\(path()).content")
        // Whatever else stands between the texts stays what it is.
        for index in parts.indices {
            switch parts[index].content {
            case .text, .refusal: break
            default:
                parts[index] = .native(item["content"]?[index] ?? .null)
                parts[index].note("$part", true)
            }
        }
        if form != .parts { note.append("$form", .string(form.rawValue)) }
        if parts.isEmpty {
            parts = [.text("")]
            note.append("$empty", true)
        }
        parts[0].note("$message", .object(note))
        return parts
    }

    private static func reasoning(_ item: JSONValue) -> CanonicalPart {
        var reasoning = CanonicalReasoning(text: text(ofReasoning: item))
        reasoning.id = item["id"]?.stringValue
        if let sealed = item["encrypted_content"]?.stringValue {
            if let carried = OpaqueCarrier.unwrapped(sealed) {
                reasoning.opaque = carried.opaque
                reasoning.redacted = carried.opaque.kind == "redacted"
            } else {
                reasoning.opaque = CanonicalOpaque(
                    kind: "encrypted_content", provider: ResponsesFormat.provider, data: sealed)
            }
        }
        var part = CanonicalPart(.reasoning(reasoning))
        var rest = JSONObject()
        for member in item.objectValue ?? JSONObject() {
            switch member.key {
            case "type": break
            case "id" where reasoning.id != nil: break
            case "encrypted_content" where reasoning.opaque != nil: break
            default: rest.append(member.key, member.value)
            }
        }
        if !rest.isEmpty { part.native = CanonicalNative(format: ResponsesFormat.id, members: rest) }
        return part
    }

    /// The summary, else what the model thought itself; segments are paragraphs.
    static func text(ofReasoning item: JSONValue) -> String {
        for name in ["summary", "content"] {
            let texts = (item[name]?.arrayValue ?? []).compactMap { $0["text"]?.stringValue }
            if !texts.isEmpty { return texts.joined(separator: "\n\n") }
        }
        return ""
    }

    private static func call(
        _ item: JSONValue, text name: String, kind: CanonicalToolCall.Kind, path: @autoclosure () -> String
    ) throws(ConversionError) -> CanonicalPart {
        guard let id = item["call_id"]?.stringValue, let tool = item["name"]?.stringValue else {
            throw .invalid("`\(path())` must have the strings call_id and name")
        }
        var call = CanonicalToolCall(id: id, name: tool, arguments: arguments(item[name]), kind: kind)
        let namespace = item["namespace"]?.stringValue
        if let namespace { call.name = ResponsesNamespace.joined(namespace, tool) }
        var part = CanonicalPart(.toolCall(call))
        var rest = JSONObject()
        for member in item.objectValue ?? JSONObject() {
            switch member.key {
            case "type", "call_id", "name", name: break
            default: rest.append(member.key, member.value)
            }
        }
        if namespace != nil { rest.append("$name", .string(tool)) }
        if !rest.isEmpty { part.native = CanonicalNative(format: ResponsesFormat.id, members: rest) }
        return part
    }

    /// Arguments are JSON text; some clients send the object itself, or nothing.
    static func arguments(_ value: JSONValue?) -> String {
        switch value {
        case nil, .null?: ""
        case .string(let text)?: text
        case let other?: other.description
        }
    }

    /// A generated image, once there is one.
    private static func image(_ item: JSONValue) -> CanonicalPart? {
        guard let data = item["result"]?.stringValue, !data.isEmpty else { return nil }
        let mime = DataURL.sniffed(data) ?? "image/" + (item["output_format"]?.stringValue ?? "png")
        var part = CanonicalPart(.media(CanonicalMedia(.image, .base64(mime: mime, data: data))))
        var rest = item.objectValue ?? JSONObject()
        rest.remove("result")
        part.native = CanonicalNative(format: ResponsesFormat.id, members: rest)
        return part
    }
}

/// Tools that a client declares in groups. Other formats know no groups, so that the group becomes part of the name.
enum ResponsesNamespace {
    static func joined(_ namespace: String, _ name: String) -> String {
        "\(namespace)__\(name)"
    }
}
