import CanonicalChat
import PatchbayWire

/// Turns the items of `input` into canonical turns.
///
/// What the model said stands in one assistant turn as long as nobody else speaks, and so do the results of tools.
/// Parts remember the item they come from.
struct ResponsesInputReader {
    private(set) var system: [CanonicalTurn] = []
    private(set) var turns: [CanonicalTurn] = []
    /// Position of the first item that is only named.
    private(set) var reference: Int?
    private var isHead = true

    mutating func read(_ items: [JSONValue]) throws(ConversionError) {
        turns.reserveCapacity(items.count)
        for (index, item) in items.enumerated() {
            let path = "input[\(index)]"
            guard item.objectValue != nil else { throw .invalid("`\(path)` must be an object") }
            let type = try type(item, path)
            switch type {
            case "message": try readMessage(item, path)
            case "function_call_output", "custom_tool_call_output": append(result: try result(item, type, path))
            case "item_reference":
                reference = reference ?? index
                append(produced: [.native(item)])
            case let name where Self.isResult(name): append(result: .native(item))
            default: append(produced: try ResponsesItemReader.parts(item, type: type, path: path))
            }
        }
    }

    /// Messages and references may leave their type out.
    private func type(_ item: JSONValue, _ path: String) throws(ConversionError) -> String {
        if let type = item["type"]?.stringValue { return type }
        if item["role"] != nil { return "message" }
        if item["id"] != nil { return "item_reference" }
        throw .invalid("`\(path).type` must be a string")
    }

    /// Items by which the client answers a call that the provider or the client's own machine carries out.
    private static func isResult(_ type: String) -> Bool {
        type.hasSuffix("_call_output") || type == "mcp_approval_response"
    }

    // MARK: - Messages

    private mutating func readMessage(_ item: JSONValue, _ path: String) throws(ConversionError) {
        let role: CanonicalRole
        switch item["role"]?.stringValue {
        case "user"?: role = .user
        case "assistant"?: return append(produced: try ResponsesItemReader.parts(item, type: "message", path: path))
        case "system"?: role = .system
        case "developer"?: role = .developer
        default: throw .invalid("`\(path).role` must be user, assistant, system or developer")
        }
        var turn = CanonicalTurn(role: role)
        (turn.parts, turn.form) = try ResponsesPartReader.content(item["content"] ?? .null, path: "\(path).content")
        var rest = JSONObject()
        for member in item.objectValue ?? JSONObject() where member.key != "role" && member.key != "content" {
            rest.append(member.key, member.value)
        }
        if !rest.isEmpty { turn.native = CanonicalNative(format: ResponsesFormat.id, members: rest) }
        guard role != .user, isHead else {
            isHead = false
            return turns.append(turn)
        }
        system.append(turn)
    }

    // MARK: - Other items

    private mutating func append(produced parts: [CanonicalPart]) {
        isHead = false
        if let last = turns.indices.last, turns[last].role == .assistant {
            turns[last].parts += parts
        } else {
            turns.append(CanonicalTurn(role: .assistant, parts: parts))
        }
    }

    private mutating func append(result part: CanonicalPart) {
        isHead = false
        if let last = turns.indices.last, turns[last].role == .tool {
            turns[last].parts.append(part)
        } else {
            turns.append(CanonicalTurn(role: .tool, parts: [part]))
        }
    }

    private func result(_ item: JSONValue, _ type: String, _ path: String) throws(ConversionError) -> CanonicalPart {
        guard let id = item["call_id"]?.stringValue else { throw .invalid("`\(path).call_id` must be a string") }
        let output = item["output"] ?? .null
        var content: [CanonicalPart]
        var form: CanonicalTurn.Form
        if output.objectValue != nil {
            // Some clients send the value itself.
            (content, form) = ([.text(output.description)], .string)
        } else {
            (content, form) = try ResponsesPartReader.content(output, path: "\(path).output")
        }
        if item["output"] == nil { form = .absent }
        var part = CanonicalPart(.toolResult(CanonicalToolResult(callID: id, content: content, form: form)))
        var rest = JSONObject()
        for member in item.objectValue ?? JSONObject() {
            switch member.key {
            case "type", "call_id", "output": break
            default: rest.append(member.key, member.value)
            }
        }
        if type != "function_call_output" { rest.append("$type", .string(type)) }
        if !rest.isEmpty { part.native = CanonicalNative(format: ResponsesFormat.id, members: rest) }
        return part
    }
}
