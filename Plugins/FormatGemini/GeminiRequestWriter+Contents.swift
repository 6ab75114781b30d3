import CanonicalChat
import PatchbayPlugin
import PatchbayWire

extension GeminiRequestWriter {
    mutating func writeContents() throws(ConversionError) {
        writer.key("contents")
        writer.beginArray()
        for (index, turn) in try conversation().enumerated() {
            if isSameFormat { try writeOwn(turn, index) } else { try write(turn, "/turns/\(index)") }
        }
        writer.endArray()
    }

    private mutating func write(_ turn: CanonicalTurn, _ path: String) throws(ConversionError) {
        writer.beginObject()
        writer.member("role", turn.role == .assistant ? "model" : "user")
        writer.key("parts")
        try writeParts(turn.parts, path)
        writer.endObject()
    }

    /// A turn of this format, cut into the contents that it came in.
    private mutating func writeOwn(_ turn: CanonicalTurn, _ index: Int) throws(ConversionError) {
        let sizes = turn.native?["$split"]?.arrayValue?.compactMap(\.intValue) ?? [turn.parts.count]
        var start = 0
        for (position, size) in sizes.enumerated() {
            let isLast = position == sizes.count - 1
            let end = isLast ? turn.parts.count : min(start + size, turn.parts.count)
            writer.beginObject()
            switch turn.native?["$role"] {
            case .string(let role)?: writer.member("role", role)
            case .null?: break
            default: writer.member("role", turn.role == .assistant ? "model" : "user")
            }
            writer.key("parts")
            try writeParts(Array(turn.parts[start..<end]), "/turns/\(index)")
            for member in turn.native?.members ?? JSONObject() where !member.key.hasPrefix("$") {
                writer.key(member.key)
                writer.value(member.value)
            }
            writer.endObject()
            start = end
        }
    }

    // MARK: - The conversation as the format wants it

    /// User and model in turn; results in a content of their own, right after their calls and in the same order.
    private mutating func conversation() throws(ConversionError) -> [CanonicalTurn] {
        if isSameFormat { return request.turns }
        let pairing = ToolPairing(request.turns)
        for repair in pairing.repairs { context.lose(.degrade, repair.kind.rawValue, at: "/turns/\(repair.turn)") }
        var merged: [CanonicalTurn] = []
        for (index, turn) in pairing.turns.enumerated() {
            guard let turn = prepared(turn, index) else { continue }
            if let last = merged.indices.last, merged[last].role == turn.role {
                merged[last].parts += turn.parts
            } else {
                merged.append(turn)
            }
        }
        guard !merged.isEmpty else { throw .invalid("`contents` must have a turn with content") }
        if merged.last?.role == .assistant { context.lose(.degrade, "turn.prefill", at: "/turns") }
        sign(&merged)
        return arranged(merged)
    }

    private mutating func prepared(_ turn: CanonicalTurn, _ index: Int) -> CanonicalTurn? {
        var turn = turn
        let path = "/turns/\(index)"
        if turn.role == .system || turn.role == .developer {
            let text = turn.parts.compactMap { if case .text(let text) = $0.content { text } else { nil } }
                .joined(separator: "\n\n")
            guard !text.isEmpty else { return nil }
            context.lose(.degrade, "turn.system", at: path)
            turn = CanonicalTurn(role: .user, parts: [.text("<system-reminder>\n\(text)\n</system-reminder>")])
        }
        if turn.role == .tool { turn.role = .user }
        if turn.name != nil { context.lose(.info, "turn.name", at: path) }
        if turn.parts.contains(where: { $0.cache != nil }) { context.lose(.info, "cache", at: path) }
        turn.parts = turn.parts.filter { keeps($0, path) }
        if turn.parts.isEmpty {
            context.lose(.info, "turn.empty", at: path)
            return nil
        }
        for part in turn.parts { if case .toolCall(let call) = part.content { callNames[call.id] = call.name } }
        return turn
    }

    /// Reasoning goes only to the provider that made it; empty text says nothing.
    private mutating func keeps(_ part: CanonicalPart, _ path: String) -> Bool {
        switch part.content {
        case .text(let text), .refusal(let text): return !text.isEmpty
        case .reasoning(let reasoning):
            if let opaque = reasoning.opaque, GeminiSignature.isOwn(opaque) { return true }
            context.lose(.info, "reasoning.history", at: path)
            return false
        default: return true
        }
    }

    private func arranged(_ turns: [CanonicalTurn]) -> [CanonicalTurn] {
        var result: [CanonicalTurn] = []
        var order: [String] = []
        for turn in turns {
            if turn.role == .assistant {
                order = turn.parts.compactMap { if case .toolCall(let call) = $0.content { call.id } else { nil } }
                result.append(turn)
                continue
            }
            var answers: [(place: Int, part: CanonicalPart)] = []
            var rest: [CanonicalPart] = []
            for part in turn.parts {
                guard case .toolResult(let value) = part.content else {
                    rest.append(part)
                    continue
                }
                answers.append((order.firstIndex(of: value.callID) ?? order.count, part))
                rest += Self.media(of: value)
            }
            let sorted = answers.enumerated().sorted { ($0.element.place, $0.offset) < ($1.element.place, $1.offset) }
            if !sorted.isEmpty { result.append(CanonicalTurn(role: .user, parts: sorted.map(\.element.part))) }
            if !rest.isEmpty { result.append(CanonicalTurn(role: .user, parts: rest)) }
        }
        return result
    }

    /// Images and files in a result follow it, with a line that says where they belong.
    private static func media(of result: CanonicalToolResult) -> [CanonicalPart] {
        let media = result.content.filter { if case .media = $0.content { true } else { false } }
        guard !media.isEmpty else { return [] }
        return [.text("Content of the result of tool call \(result.callID):")] + media
    }

    // MARK: - Signatures

    /// Newer models refuse a call of the turn in progress without the signature of the thought that led to it. Calls
    /// that another provider's model made get the mark that turns the check off.
    private mutating func sign(_ turns: inout [CanonicalTurn]) {
        guard context.profile.reasoningEcho != "none" else { return }
        let start = turns.lastIndex { turn in
            turn.role == .user && !turn.parts.contains { if case .toolResult = $0.content { true } else { false } }
        }
        for index in turns.indices where index > start ?? -1 && turns[index].role == .assistant {
            let parts = turns[index].parts
            let first = parts.firstIndex { if case .toolCall = $0.content { true } else { false } }
            guard let first, first == 0 || !parts[first - 1].isBareSignature else { continue }
            context.lose(.info, "reasoning.signature", at: "/turns/\(index)")
            let skipped = CanonicalPart(.reasoning(GeminiSignature.read(GeminiFormat.skippedSignature)))
            turns[index].parts.insert(skipped, at: first)
        }
    }
}
