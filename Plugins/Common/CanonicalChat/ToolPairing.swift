/// Makes every tool call have its result and every result its call, as all formats demand.
///
/// Interrupted agents leave calls without results, and trimmed histories leave results without calls; upstreams
/// answer 400 to both.
package struct ToolPairing {
    /// Why a turn was changed.
    package struct Repair: Sendable, Hashable {
        package enum Kind: String, Sendable {
            case orphanResult = "tool_result.orphan"
            case missingResult = "tool_call.unanswered"
            case duplicateID = "tool_call.duplicate_id"
            case foreignCall = "tool_call.user_role"
        }

        package var kind: Kind
        package var turn: Int
    }

    package private(set) var turns: [CanonicalTurn]
    package private(set) var repairs: [Repair] = []
    /// Calls that wait for their result, in order, under the ids in use; answered ones become empty.
    private var pending: [String] = []
    /// Positions in `pending` by the id as the history says it.
    private var positions: [String: [Int]] = [:]
    /// Ids in use, and how often each was wanted.
    private var used: [String: Int] = [:]

    /// Repairs the turns of a conversation.
    package init(_ original: [CanonicalTurn]) {
        turns = []
        guard original.contains(where: Self.hasTools) else {
            turns = original
            return
        }
        turns.reserveCapacity(original.count + 1)
        for (index, turn) in original.enumerated() { append(turn, index) }
        settle(original.count)
    }

    private static func hasTools(_ turn: CanonicalTurn) -> Bool {
        turn.parts.contains {
            switch $0.content {
            case .toolCall, .toolResult: true
            default: false
            }
        }
    }

    private mutating func append(_ turn: CanonicalTurn, _ index: Int) {
        var turn = turn
        switch turn.role {
        case .assistant:
            settle(index)
            for position in turn.parts.indices { register(&turn.parts[position], index) }
            turns.append(turn)
        case .user, .tool:
            for position in turn.parts.indices { answer(&turn.parts[position], index) }
            let isAnswer = turn.parts.contains { if case .toolResult = $0.content { true } else { false } }
            if turn.role == .tool, !isAnswer { turn.role = .user }
            // Results may arrive in several turns; anything else ends the round of results.
            if !isAnswer { settle(index) }
            turns.append(turn)
        case .system, .developer:
            turns.append(turn)
        }
    }

    private mutating func register(_ part: inout CanonicalPart, _ index: Int) {
        guard case .toolCall(var call) = part.content else { return }
        var wire = call.id.isEmpty ? "call_\(index)_\(pending.count)" : call.id
        if var count = used[wire] {
            let first = wire
            repeat {
                count += 1
                wire = "\(first)_\(count)"
            } while used[wire] != nil
            used[first] = count
            repairs.append(Repair(kind: .duplicateID, turn: index))
        }
        used[wire] = 1
        positions[call.id, default: []].append(pending.count)
        pending.append(wire)
        call.id = wire
        part.content = .toolCall(call)
    }

    private mutating func answer(_ part: inout CanonicalPart, _ index: Int) {
        if case .toolCall(let call) = part.content {
            // Only a model calls tools; what a user says about a call is text.
            repairs.append(Repair(kind: .foreignCall, turn: index))
            part = .text("[call of tool \(call.name): \(call.arguments)]")
            return
        }
        guard case .toolResult(var result) = part.content else { return }
        if let match = positions[result.callID]?.first {
            positions[result.callID]?.removeFirst()
            result.callID = pending[match]
            pending[match] = ""
            part.content = .toolResult(result)
        } else {
            repairs.append(Repair(kind: .orphanResult, turn: index))
            let text = result.content.compactMap(\.plainText).joined(separator: "\n")
            part = .text("[result of tool call \(result.callID)] \(text)")
        }
    }

    /// Answers the calls that nobody answered.
    private mutating func settle(_ index: Int) {
        let open = pending.filter { !$0.isEmpty }
        pending.removeAll(keepingCapacity: true)
        positions.removeAll(keepingCapacity: true)
        guard !open.isEmpty else { return }
        repairs.append(Repair(kind: .missingResult, turn: index))
        let results = open.map { id in
            var result = CanonicalToolResult(callID: id, content: [.text("(no output)")], form: .string)
            result.isError = true
            return CanonicalPart(.toolResult(result))
        }
        var place = turns.count
        while place > 0, turns[place - 1].role == .system || turns[place - 1].role == .developer { place -= 1 }
        if place > 0, turns[place - 1].role != .assistant {
            turns[place - 1].parts.append(contentsOf: results)
        } else {
            turns.insert(CanonicalTurn(role: .tool, parts: results), at: place)
        }
    }
}
