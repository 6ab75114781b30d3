import CanonicalChat
import PatchbayWire

/// Reads an assistant message, of a request or of an answer, into parts: reasoning, text, refusal, calls.
struct ChatAssistantReader {
    private(set) var parts: [CanonicalPart] = []
    private(set) var form: CanonicalTurn.Form = .absent
    private(set) var name: String?
    private(set) var native = JSONObject()
    private(set) var isLegacyCall = false
    private let index: Int

    init(index: Int) {
        self.index = index
    }

    mutating func read(_ message: JSONNode) throws(ConversionError) {
        var texts: [CanonicalPart] = []
        var calls: [CanonicalPart] = []
        var refusal: String?
        for (memberName, value) in message.members {
            switch memberName.text {
            case "role": break
            case "name": name = value.stringValue
            case "content":
                (texts, form) = try ChatPartReader.content(value, path: "messages[\(index)].content")
            case "refusal":
                refusal = value.stringValue
                if refusal == nil { native.append("refusal", .null) }
            case "tool_calls":
                if value.childCount == 0 || !value.isArray { native.append("tool_calls", value.tree) }
                for (position, item) in value.elements.enumerated() {
                    let call = item.tree
                    calls += ChatThoughtSignature.read(call)
                    calls.append(try toolCall(call, position))
                }
            case "function_call" where value.isObject: calls.append(legacyCall(value.tree))
            case "annotations": readAnnotations(value.tree, into: &texts)
            case let key: native.append(key, value.tree)
            }
        }
        parts = native.isEmpty ? texts : reasoning() + texts
        if let refusal, !refusal.isEmpty { parts.append(CanonicalPart(.refusal(refusal))) }
        parts += calls
    }

    private mutating func readAnnotations(_ value: JSONValue, into texts: inout [CanonicalPart]) {
        if let list = value.arrayValue, !list.isEmpty, !texts.isEmpty {
            texts[texts.count - 1].annotations = list.map(ChatAnnotation.read)
        } else {
            native.append("annotations", value)
        }
    }

    // MARK: - Calls

    private func toolCall(_ value: JSONValue, _ position: Int) throws(ConversionError) -> CanonicalPart {
        let path = "messages[\(index)].tool_calls[\(position)]"
        let id = value["id"]?.stringValue ?? ""
        var part: CanonicalPart
        if value["type"]?.stringValue == "custom", let custom = value["custom"] {
            guard let name = custom["name"]?.stringValue else {
                throw .invalid("`\(path).custom.name` must be a string")
            }
            let input = custom["input"]?.stringValue ?? ""
            part = CanonicalPart(.toolCall(CanonicalToolCall(id: id, name: name, arguments: input, kind: .custom)))
        } else {
            guard let name = value["function"]?["name"]?.stringValue else {
                throw .invalid("`\(path).function.name` must be a string")
            }
            part = CanonicalPart(
                .toolCall(
                    CanonicalToolCall(
                        id: id.isEmpty ? "call_\(index)_\(position)" : id, name: name,
                        arguments: Self.arguments(value["function"]?["arguments"]))))
        }
        var rest = JSONObject()
        for member in value.objectValue ?? JSONObject() {
            switch member.key {
            case "id", "type", "function", "custom", "index": break
            default: rest.append(member.key, member.value)
            }
        }
        if !rest.isEmpty { part.native = CanonicalNative(format: ChatFormat.id, members: rest) }
        return part
    }

    private mutating func legacyCall(_ value: JSONValue) -> CanonicalPart {
        isLegacyCall = true
        native.append("$legacy", true)
        return CanonicalPart(
            .toolCall(
                CanonicalToolCall(
                    id: "call_\(index)_0", name: value["name"]?.stringValue ?? "",
                    arguments: Self.arguments(value["arguments"]))))
    }

    /// Arguments are JSON text; some servers send the object itself, or nothing.
    static func arguments(_ value: JSONValue?) -> String {
        switch value {
        case nil, .null?: ""
        case .string(let text)?: text
        case let other?: other.description
        }
    }

    // MARK: - Reasoning

    /// Reasoning in any of the ways that servers extend the format with. The fields stay in `native` as well, so that
    /// they go back to a server of this format exactly as they came.
    private func reasoning() -> [CanonicalPart] {
        if let blocks = native["thinking_blocks"]?.arrayValue, !blocks.isEmpty {
            return blocks.map(Self.thinkingBlock)
        }
        let text = native["reasoning_content"]?.stringValue ?? native["reasoning"]?.stringValue ?? ""
        if let details = native["reasoning_details"]?.arrayValue, !details.isEmpty {
            return Self.details(details, text: text)
        }
        return text.isEmpty ? [] : [CanonicalPart(.reasoning(CanonicalReasoning(text: text)))]
    }

    private static func thinkingBlock(_ block: JSONValue) -> CanonicalPart {
        if block["type"]?.stringValue == "redacted_thinking" {
            let data = block["data"]?.stringValue ?? ""
            let opaque = CanonicalOpaque(kind: "redacted", provider: "anthropic", data: data)
            return CanonicalPart(.reasoning(CanonicalReasoning(opaque: opaque, redacted: true)))
        }
        let opaque = block["signature"]?.stringValue.flatMap {
            $0.isEmpty ? nil : CanonicalOpaque(kind: "signature", provider: "anthropic", data: $0)
        }
        return CanonicalPart(.reasoning(CanonicalReasoning(text: block["thinking"]?.stringValue ?? "", opaque: opaque)))
    }

    /// Reads `reasoning_details`; a client that merged a stream may have the text only in `text`.
    private static func details(_ details: [JSONValue], text: String) -> [CanonicalPart] {
        var parts: [CanonicalPart] = []
        var sawText = false
        for detail in details {
            let reasoning = ChatReasoningDetail.read(detail)
            sawText = sawText || !reasoning.text.isEmpty
            // Servers that stream details leave one entry per fragment; those of one block belong together.
            if case .reasoning(var last)? = parts.last?.content, !last.redacted, !reasoning.redacted,
                last.opaque == nil || reasoning.text.isEmpty && reasoning.opaque == nil
            {
                last.text += reasoning.text
                last.opaque = last.opaque ?? reasoning.opaque
                parts[parts.count - 1].content = .reasoning(last)
            } else {
                parts.append(CanonicalPart(.reasoning(reasoning)))
            }
        }
        if !sawText, !text.isEmpty {
            if case .reasoning(var first)? = parts.first?.content, !first.redacted {
                first.text = text
                parts[0].content = .reasoning(first)
            } else {
                parts.insert(CanonicalPart(.reasoning(CanonicalReasoning(text: text))), at: 0)
            }
        }
        return parts
    }
}
