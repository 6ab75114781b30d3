import CanonicalChat
import PatchbayWire

/// Turns the messages of a request into canonical turns.
struct ChatMessagesReader {
    private(set) var system: [CanonicalTurn] = []
    private(set) var turns: [CanonicalTurn] = []
    private var isHead = true
    /// The newest call in the convention that came before tools; its answer has no id.
    private var legacyCall: (id: String, name: String)?

    mutating func read(_ messages: JSONNode) throws(ConversionError) {
        turns.reserveCapacity(messages.childCount)
        for (index, message) in messages.elements.enumerated() {
            guard message.isObject, let role = message["role"]?.stringValue else {
                throw .invalid("`messages[\(index)].role` must be a string")
            }
            switch role {
            case "system", "developer":
                let turn = try plainTurn(message, role: role == "system" ? .system : .developer, index)
                if isHead { system.append(turn) } else { turns.append(turn) }
                continue
            case "user": turns.append(try plainTurn(message, role: .user, index))
            case "assistant": turns.append(try assistantTurn(message, index))
            case "tool": turns.append(try toolTurn(message, index))
            case "function": turns.append(try functionTurn(message, index))
            default:
                throw .invalid(
                    "`messages[\(index)].role` must be system, developer, user, assistant, tool or function")
            }
            isHead = false
        }
    }

    // MARK: - Turns

    private func plainTurn(
        _ message: JSONNode, role: CanonicalRole, _ index: Int
    ) throws(ConversionError) -> CanonicalTurn {
        var turn = CanonicalTurn(role: role)
        var rest = JSONObject()
        turn.form = .absent
        for (name, value) in message.members {
            switch name.text {
            case "role": break
            case "name": turn.name = value.stringValue
            case "content":
                (turn.parts, turn.form) = try ChatPartReader.content(value, path: "messages[\(index)].content")
            case "cache_control": rest.append("$cache", value.tree)
            case let key: rest.append(key, value.tree)
            }
        }
        if !rest.isEmpty, let cache = rest.remove("$cache"), !turn.parts.isEmpty {
            turn.parts[turn.parts.count - 1].cache = CanonicalCache(origin: "anthropic", value: cache)
        }
        if !rest.isEmpty { turn.native = CanonicalNative(format: ChatFormat.id, members: rest) }
        return turn
    }

    private mutating func assistantTurn(_ message: JSONNode, _ index: Int) throws(ConversionError) -> CanonicalTurn {
        var reader = ChatAssistantReader(index: index)
        try reader.read(message)
        var turn = CanonicalTurn(role: .assistant, parts: reader.parts, form: reader.form)
        turn.name = reader.name
        if reader.isLegacyCall, case .toolCall(let call)? = reader.parts.last?.content {
            legacyCall = (call.id, call.name)
        }
        if !reader.native.isEmpty { turn.native = CanonicalNative(format: ChatFormat.id, members: reader.native) }
        return turn
    }

    private func toolTurn(_ message: JSONNode, _ index: Int) throws(ConversionError) -> CanonicalTurn {
        guard let id = message["tool_call_id"]?.stringValue else {
            throw .invalid("`messages[\(index)].tool_call_id` must be a string")
        }
        var turn = try plainTurn(message, role: .tool, index)
        turn.native?.members.remove("tool_call_id")
        if turn.native?.members.isEmpty == true { turn.native = nil }
        var result = CanonicalToolResult(callID: id, content: turn.parts, form: turn.form)
        result.name = turn.name
        turn.name = nil
        turn.form = nil
        turn.parts = [CanonicalPart(.toolResult(result))]
        return turn
    }

    /// The answer to a legacy call, which is known by the name of the function only.
    private func functionTurn(_ message: JSONNode, _ index: Int) throws(ConversionError) -> CanonicalTurn {
        var turn = try plainTurn(message, role: .tool, index)
        let name = turn.name ?? ""
        let id = legacyCall.flatMap { $0.name == name ? $0.id : nil } ?? "call_\(StableHash.digits(name))"
        var result = CanonicalToolResult(callID: id, content: turn.parts, form: turn.form)
        result.name = name
        turn.name = nil
        turn.form = nil
        turn.parts = [CanonicalPart(.toolResult(result))]
        turn.native = CanonicalNative(format: ChatFormat.id, members: ["$legacy": true])
        return turn
    }
}
