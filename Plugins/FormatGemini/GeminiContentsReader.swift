import CanonicalChat
import PatchbayWire

/// Reads `contents` into turns, and gives calls and results without ids the ids that pair them.
struct GeminiContentsReader {
    private(set) var turns: [CanonicalTurn] = []
    /// Calls of the model's newest turn whose results have not come.
    private var open: [(id: String, name: String)] = []

    mutating func read(_ contents: [JSONValue]) throws(ConversionError) {
        turns.reserveCapacity(contents.count)
        for (index, content) in contents.enumerated() { try read(content, index) }
    }

    private mutating func read(_ value: JSONValue, _ index: Int) throws(ConversionError) {
        let path = "contents.\(index)"
        if let text = value.stringValue {
            return turns.append(CanonicalTurn(role: .user, parts: [.text(text)], form: .parts))
        }
        guard var members = GeminiMembers.read(value) else { throw .invalid("`\(path)` must be an object") }
        let word = members.remove("role")?.stringValue
        var turn = CanonicalTurn(role: try Self.role(word, path), form: .parts)
        guard let items = Self.items(members.remove("parts")) else {
            throw .invalid("`\(path).parts` must be an array")
        }
        for (position, item) in items.enumerated() {
            turn.parts += try GeminiPartReader.parts(item, path: "\(path).parts.\(position)")
        }
        if word != "user" && word != "model" { members.append("$role", word.map(JSONValue.string) ?? .null) }
        if !members.isEmpty { turn.native = CanonicalNative(format: GeminiFormat.id, members: members) }
        pair(&turn, index)
        append(turn)
    }

    private static func role(_ word: String?, _ path: String) throws(ConversionError) -> CanonicalRole {
        switch word {
        // A missing role is the user's; `function` is the role that results had in older versions.
        case nil, "user"?, "function"?, "tool"?, ""?: return .user
        case "model"?, "assistant"?: return .assistant
        case "system"?: return .system
        default: throw .invalid("`\(path).role` must be user or model")
        }
    }

    /// `parts` is a list; one part alone is tolerated.
    static func items(_ value: JSONValue?) -> [JSONValue]? {
        switch value {
        case nil, .null?: []
        case .array(let items)?: items
        case .object?, .string?: value.map { [$0] }
        default: nil
        }
    }

    // MARK: - Pairing

    private mutating func pair(_ turn: inout CanonicalTurn, _ index: Int) {
        if turn.role == .assistant, turns.last?.role != .assistant { open = [] }
        for position in turn.parts.indices {
            switch turn.parts[position].content {
            case .toolCall(var call) where turn.role == .assistant:
                if call.id.isEmpty {
                    call.id = "call_\(index)_\(position)"
                    turn.parts[position].note("$minted")
                    turn.parts[position].content = .toolCall(call)
                }
                open.append((call.id, call.name))
            case .toolResult(var result):
                let isMinted = result.callID.isEmpty
                guard let id = take(result) else {
                    if isMinted { result.callID = "call_\(index)_\(position)_unknown" }
                    if isMinted { turn.parts[position].note("$minted") }
                    turn.parts[position].content = .toolResult(result)
                    continue
                }
                if isMinted { turn.parts[position].note("$minted") }
                if !isMinted, id != result.callID {
                    turn.parts[position].note("$id", .string(result.callID))
                }
                result.callID = id
                turn.parts[position].content = .toolResult(result)
            default: break
            }
        }
    }

    /// The call that a result answers: the one of its id, else the first of its name, else the first.
    private mutating func take(_ result: CanonicalToolResult) -> String? {
        let position =
            open.firstIndex { !result.callID.isEmpty && $0.id == result.callID }
            ?? open.firstIndex { $0.name == result.name } ?? (result.callID.isEmpty ? open.indices.first : nil)
        return position.map { open.remove(at: $0).id }
    }

    // MARK: - Joining

    /// Clients that keep a streamed answer as it came have one content per chunk; together they are one turn.
    private mutating func append(_ turn: CanonicalTurn) {
        guard turn.role == .assistant, turns.last?.role == .assistant, turn.native == nil,
            var last = turns.popLast()
        else {
            turns.append(turn)
            joinThoughts()
            return
        }
        let sizes = last.native?["$split"]?.arrayValue ?? [.int(last.parts.count)]
        var native = last.native ?? CanonicalNative(format: GeminiFormat.id)
        native.members["$split"] = .array(sizes + [.int(turn.parts.count)])
        last.native = native
        last.parts += turn.parts
        turns.append(last)
        joinThoughts()
    }

    /// A signature that came after the text it signs belongs to the thought before it, once it goes to another format.
    private mutating func joinThoughts() {
        guard let index = turns.indices.last, turns[index].role == .assistant else { return }
        var parts = turns[index].parts
        var position = 0
        while position < parts.count {
            if case .reasoning(var signed) = parts[position].content, let opaque = signed.opaque,
                !GeminiSignature.isOwn(opaque), !signed.redacted, let start = Self.runStart(parts, position)
            {
                signed.text = parts[start..<position].map(\.reasoningText).joined() + signed.text
                parts[position].content = .reasoning(signed)
                parts.removeSubrange(start..<position)
                turns[index].native?.members.remove("$split")
                position = start
            }
            position += 1
        }
        turns[index].parts = parts
    }

    /// Where the unsigned thoughts begin that end at `position`; nil if there are none.
    private static func runStart(_ parts: [CanonicalPart], _ position: Int) -> Int? {
        var start = position
        while start > 0, case .reasoning(let earlier) = parts[start - 1].content, earlier.opaque == nil { start -= 1 }
        return start < position ? start : nil
    }
}

extension CanonicalPart {
    fileprivate var reasoningText: String {
        if case .reasoning(let reasoning) = content { reasoning.text } else { "" }
    }

    /// Adds a note of the reader to the writer.
    fileprivate mutating func note(_ name: String, _ value: JSONValue = true) {
        var noted = native ?? CanonicalNative(format: GeminiFormat.id)
        noted.members[name] = value
        native = noted
    }
}
