import CanonicalChat
import PatchbayPlugin
import PatchbayWire

extension MessagesRequestWriter {
    /// The turns as this format wants them: user and assistant in turn, results first, nothing empty.
    mutating func conversation() throws(ConversionError) -> [CanonicalTurn] {
        if isSameFormat { return request.turns }
        let pairing = ToolPairing(request.turns)
        for repair in pairing.repairs { context.lose(.degrade, repair.kind.rawValue, at: "/turns/\(repair.turn)") }
        var turns: [CanonicalTurn] = []
        turns.reserveCapacity(pairing.turns.count)
        for (index, turn) in pairing.turns.enumerated() {
            guard let turn = prepared(turn, index) else { continue }
            // Several messages of one side are one turn; some servers insist.
            if let last = turns.indices.last, turns[last].role == turn.role, context.profile.mergeRoles != false {
                turns[last].parts += turn.parts
            } else {
                turns.append(turn)
            }
        }
        for index in turns.indices where turns[index].role == .user { turns[index].putResultsFirst() }
        guard !turns.isEmpty else { throw .invalid("`messages` must have a message with content") }
        continueIfRefused(&turns)
        dropThinkingIfBroken(turns)
        return turns
    }

    private mutating func prepared(_ turn: CanonicalTurn, _ index: Int) -> CanonicalTurn? {
        var turn = turn
        if turn.role == .system || turn.role == .developer {
            if context.profile.midSystem == .keep {
                turn.role = .system
            } else {
                let text = turn.parts.compactMap { if case .text(let text) = $0.content { text } else { nil } }
                    .joined(separator: "\n\n")
                guard !text.isEmpty else { return nil }
                context.lose(.degrade, "turn.system", at: "/turns/\(index)")
                turn = CanonicalTurn(
                    role: .user, parts: [.text("<system-reminder>\n\(text)\n</system-reminder>")])
            }
        }
        if turn.role == .tool { turn.role = .user }
        if turn.name != nil { context.lose(.info, "turn.name", at: "/turns/\(index)") }
        turn.parts = withoutBlankText(turn.parts)
        if turn.parts.contains(where: Self.mayBeUnwanted) { turn.parts = turn.parts.filter { keeps($0, index) } }
        if turn.parts.isEmpty {
            context.lose(.info, "turn.empty", at: "/turns/\(index)")
            return nil
        }
        return turn
    }

    private static func mayBeUnwanted(_ part: CanonicalPart) -> Bool {
        switch part.content {
        case .other, .reasoning: true
        default: false
        }
    }

    /// Reasoning goes only to the provider that signed it.
    private mutating func keeps(_ part: CanonicalPart, _ index: Int) -> Bool {
        if case .other(let value) = part.content, let format = part.native?.format, format != MessagesFormat.id {
            context.lose(.degrade, "part.\(value["type"]?.stringValue ?? "unknown")", at: "/turns/\(index)")
            return false
        }
        guard case .reasoning(let reasoning) = part.content else { return true }
        if let opaque = reasoning.opaque, !opaque.data.isEmpty, MessagesFormat.accepts(opaque) { return true }
        context.lose(.info, "reasoning.history", at: "/turns/\(index)")
        return false
    }

    /// Blank text is refused; its cache mark moves to the block before.
    func withoutBlankText(_ parts: [CanonicalPart]) -> [CanonicalPart] {
        guard parts.contains(where: Self.isBlank) else { return parts }
        var kept: [CanonicalPart] = []
        kept.reserveCapacity(parts.count)
        for part in parts {
            if Self.isBlank(part) {
                if let cache = part.cache, !kept.isEmpty { kept[kept.count - 1].cache = cache }
            } else {
                kept.append(part)
            }
        }
        return kept
    }

    private static func isBlank(_ part: CanonicalPart) -> Bool {
        if case .text(let text) = part.content { !text.utf8.contains { $0 > 0x20 } } else { false }
    }

    /// Models that do not continue an assistant's turn need a user's turn at the end.
    private mutating func continueIfRefused(_ turns: inout [CanonicalTurn]) {
        guard context.profile.prefill == false, turns.last?.role == .assistant else { return }
        context.lose(.semantic, "turn.prefill", at: "/turns/\(turns.count - 1)")
        turns.append(CanonicalTurn(role: .user, parts: [.text("Continue.")]))
    }

    /// With a thinking budget the calls of the turn in progress must follow the thinking that led to them. If another
    /// provider made them there is none.
    private mutating func dropThinkingIfBroken(_ turns: [CanonicalTurn]) {
        guard case .budget = plan.form, let last = turns.last(where: { $0.role == .assistant }) else { return }
        let hasCall = last.parts.contains { if case .toolCall = $0.content { true } else { false } }
        guard hasCall else { return }
        if case .reasoning? = last.parts.first?.content { return }
        context.lose(.semantic, "reasoning.first_block", at: "/reasoning")
        plan.disable()
    }

    // MARK: - Writing

    mutating func writeMessages(_ turns: [CanonicalTurn]) throws(ConversionError) {
        writer.key("messages")
        writer.beginArray()
        for (index, turn) in turns.enumerated() {
            writer.beginObject()
            writer.member("role", turn.role == .assistant || turn.role == .system ? turn.role.rawValue : "user")
            try writeContent(turn.parts, form: turn.form, role: turn.role, "/turns/\(index)")
            if isSameFormat, let native = turn.native { writer.members(native.members) }
            writer.endObject()
        }
        writer.endArray()
    }

    private mutating func writeContent(
        _ parts: [CanonicalPart], form: CanonicalTurn.Form?, role: CanonicalRole, _ path: String
    ) throws(ConversionError) {
        if form == .absent, parts.isEmpty { return }
        if form == .string, parts.isEmpty { return writer.member("content", "") }
        if form != .parts, parts.count == 1, let text = parts[0].plainText { return writer.member("content", text) }
        writer.key("content")
        writer.beginArray()
        for part in parts { try writeBlock(part, role: role, path) }
        writer.endArray()
    }

    mutating func writeBlock(_ part: CanonicalPart, role: CanonicalRole, _ path: String) throws(ConversionError) {
        switch part.content {
        case .other(let value):
            return writeOther(value, path)
        case .media(let media) where !isSameFormat && media.kind != .image && media.kind != .file:
            throw unsupported("\(media.kind.rawValue) input", path)
        default: break
        }
        writer.beginObject()
        switch part.content {
        case .text(let text), .refusal(let text):
            writer.member("type", literal: "text")
            writer.member("text", text)
            writeCitations(part.annotations, role: role, path)
        case .reasoning(let reasoning): writeReasoning(reasoning)
        case .media(let media): try writeMedia(media, path)
        case .toolCall(let call): writeCall(call, path)
        case .toolResult(let result): try writeResult(result, path)
        case .other: break
        }
        var mayCache = true
        if case .reasoning = part.content { mayCache = false }
        if mayCache { writeCache(part.cache, path) }
        if isSameFormat, let native = part.native, native.format == MessagesFormat.id { writer.members(native.members) }
        writer.endObject()
    }

    private mutating func writeOther(_ value: JSONValue, _ path: String) {
        if isSameFormat { return writer.value(value) }
        context.lose(.degrade, "part.\(value["type"]?.stringValue ?? "unknown")", at: path)
    }

    private mutating func writeCitations(_ annotations: [JSONValue], role: CanonicalRole, _ path: String) {
        let citations = annotations.compactMap(MessagesAnnotation.write)
        guard isSameFormat, !citations.isEmpty else { return }
        if role != .assistant, context.dialect == MessagesFormat.strictDialect {
            return context.lose(.degrade, "text.citations", at: path)
        }
        writer.member("citations", .array(citations))
    }

    private mutating func writeReasoning(_ reasoning: CanonicalReasoning) {
        if reasoning.redacted {
            writer.member("type", literal: "redacted_thinking")
            writer.member("data", reasoning.opaque?.data ?? "")
        } else {
            writer.member("type", literal: "thinking")
            writer.member("thinking", reasoning.text)
            writer.member("signature", reasoning.opaque?.data ?? "")
        }
    }

    private mutating func writeCall(_ call: CanonicalToolCall, _ path: String) {
        writer.member("type", literal: "tool_use")
        writer.member("id", wireID(call.id))
        writer.member("name", wireName(call.name))
        let (input, quality) = ToolArguments.object(call)
        if quality != .exact { context.lose(.degrade, "tool_call.arguments", at: path) }
        writer.member("input", input)
    }

    private mutating func writeResult(_ result: CanonicalToolResult, _ path: String) throws(ConversionError) {
        writer.member("type", literal: "tool_result")
        writer.member("tool_use_id", wireID(result.callID))
        var content = result.content
        if !isSameFormat { content = withoutBlankText(content) }
        if !isSameFormat, content.isEmpty {
            writer.member("content", result.content.compactMap(\.plainText).joined())
        } else {
            try writeContent(content, form: result.form, role: .user, path)
        }
        writer.member("is_error", ifPresent: result.isError)
    }

    mutating func unsupported(_ what: String, _ path: String) -> ConversionError {
        context.lose(.fatal, "media", at: path)
        return ConversionError(.unsupported, "`\(path)`: anthropic.messages cannot carry \(what)")
    }
}

extension CanonicalTurn {
    /// Results of tools form the beginning of a user's turn; the order among them, and among the rest, stays.
    fileprivate mutating func putResultsFirst() {
        func isResult(_ part: CanonicalPart) -> Bool {
            if case .toolResult = part.content { true } else { false }
        }
        let results = parts.filter(isResult)
        guard !results.isEmpty, results.count < parts.count else { return }
        parts = results + parts.filter { !isResult($0) }
    }
}
