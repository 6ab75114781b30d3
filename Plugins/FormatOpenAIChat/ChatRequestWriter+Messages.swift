import CanonicalChat
import PatchbayPlugin
import PatchbayWire

extension ChatRequestWriter {
    mutating func writeMessages() throws(ConversionError) {
        writer.key("messages")
        writer.beginArray()
        for (index, turn) in request.system.enumerated() { try writeSystem(turn, "/system/\(index)") }
        for (index, turn) in repairedTurns().enumerated() {
            switch turn.role {
            case .system, .developer: try writeMidSystem(turn, index)
            case .user, .tool: try writeUser(turn, index)
            case .assistant: try writeAssistant(turn, index)
            }
        }
        writer.endArray()
    }

    private mutating func repairedTurns() -> [CanonicalTurn] {
        if isSameFormat { return request.turns }
        let pairing = ToolPairing(request.turns)
        for repair in pairing.repairs { context.lose(.degrade, repair.kind.rawValue, at: "/turns/\(repair.turn)") }
        return pairing.turns
    }

    // MARK: - Instructions

    private mutating func writeSystem(_ turn: CanonicalTurn, _ path: String) throws(ConversionError) {
        var turn = turn
        if !isSameFormat {
            // Claude Code's first block differs in every request and would defeat the upstream's prompt cache.
            if turn.parts.contains(where: Self.isIdle) { turn.parts.removeAll(where: Self.isIdle) }
            if turn.parts.isEmpty { return }
        }
        // Few servers of the format know developers.
        let role = isSameFormat ? turn.role.rawValue : context.profile.systemRole ?? "system"
        try writePlain(turn, role: role == "none" || role == "instructions" ? "system" : role, path)
    }

    /// An instruction without text, or the one that says who pays.
    private static func isIdle(_ part: CanonicalPart) -> Bool {
        guard let text = text(part) else { return false }
        return text.isEmpty || text.hasPrefix("x-anthropic-billing-header:")
    }

    private mutating func writeMidSystem(_ turn: CanonicalTurn, _ index: Int) throws(ConversionError) {
        let path = "/turns/\(index)"
        switch context.profile.midSystem ?? (isSameFormat ? .keep : .userTag) {
        case .keep: try writePlain(turn, role: turn.role.rawValue, path)
        case .developer: try writePlain(turn, role: "developer", path)
        case .userTag:
            let text = turn.parts.compactMap(Self.text).joined(separator: "\n\n")
            guard !text.isEmpty else { return }
            context.lose(.degrade, "turn.system", at: path)
            try writePlain(
                CanonicalTurn(role: .user, parts: [.text("<system-reminder>\n\(text)\n</system-reminder>")]),
                role: "user", path)
        }
    }

    private mutating func writePlain(_ turn: CanonicalTurn, role: String, _ path: String) throws(ConversionError) {
        writer.beginObject()
        writer.member("role", role)
        writer.member("name", ifPresent: turn.name)
        try writeContent(turn.parts, form: turn.form, separator: "\n\n", path)
        writeExtras(turn.native)
        writer.endObject()
    }

    // MARK: - User

    private mutating func writeUser(_ turn: CanonicalTurn, _ index: Int) throws(ConversionError) {
        let path = "/turns/\(index)"
        if turn.parts.count == 1, turn.parts[0].plainText?.isEmpty == false {
            return try writePlain(turn, role: "user", path)
        }
        var hoisted: [CanonicalPart] = []
        var rest: [CanonicalPart] = []
        var isReordered = false
        for part in turn.parts {
            if case .toolResult(let result) = part.content {
                isReordered = isReordered || !rest.isEmpty
                try writeResult(result, of: turn, cache: part.cache, hoisting: &hoisted, path)
            } else {
                rest.append(part)
            }
        }
        if isReordered { context.lose(.info, "tool_result.order", at: path) }
        let hasResults = rest.count < turn.parts.count
        rest.removeAll { isUnsayable($0, path) }
        var message = turn
        message.parts = hoisted + rest
        if hasResults {
            message.native = nil
            message.form = hoisted.isEmpty ? turn.form : .parts
        }
        let isBlank = message.parts.isEmpty && (hasResults || !isSameFormat)
        if !isBlank { try writePlain(message, role: "user", path) }
    }

    private mutating func writeResult(
        _ result: CanonicalToolResult, of turn: CanonicalTurn, cache: CanonicalCache?,
        hoisting hoisted: inout [CanonicalPart], _ path: String
    ) throws(ConversionError) {
        var content = result.content
        let isLegacy = isSameFormat && turn.native?["$legacy"] != nil
        if !isSameFormat {
            let media = content.filter { if case .media = $0.content { true } else { false } }
            if !media.isEmpty {
                context.lose(.degrade, "tool_result.media", at: path)
                content.removeAll { if case .media = $0.content { true } else { false } }
                hoisted.append(.text("Content of the result of tool call \(result.callID):"))
                hoisted += media
                if content.isEmpty { content = [.text("(see the next message)")] }
            }
            if result.isError == true { context.lose(.info, "tool_result.is_error", at: path) }
        }
        writer.beginObject()
        if isLegacy {
            writer.member("role", literal: "function")
            writer.member("name", result.name ?? "")
        } else {
            writer.member("role", literal: "tool")
            writer.member("tool_call_id", wireID(result.callID))
            if isSameFormat { writer.member("name", ifPresent: result.name) }
        }
        try writeContent(content, form: isSameFormat ? result.form : .string, separator: "\n", path)
        if !isLegacy, turn.role == .tool { writeExtras(turn.native) }
        writer.endObject()
    }

    /// A part that only another format knows and that cannot be put into words.
    private mutating func isUnsayable(_ part: CanonicalPart, _ path: String) -> Bool {
        guard !isSameFormat, case .other(let value) = part.content, let format = part.native?.format,
            format != ChatFormat.id
        else { return false }
        context.lose(.degrade, "part.\(value["type"]?.stringValue ?? "unknown")", at: path)
        return true
    }

    // MARK: - Assistant

    private mutating func writeAssistant(_ turn: CanonicalTurn, _ index: Int) throws(ConversionError) {
        let path = "/turns/\(index)"
        var split = AssistantParts(turn.parts)
        let isLegacy = isSameFormat && turn.native?["$legacy"] != nil
        if !isSameFormat {
            split.content.removeAll { Self.text($0)?.isEmpty == true || isUnsayable($0, path) }
            if split.content.isEmpty, split.calls.isEmpty, split.refusal.isEmpty {
                return context.lose(.info, "turn.empty", at: path)
            }
        }
        writer.beginObject()
        writer.member("role", literal: "assistant")
        writer.member("name", ifPresent: turn.name)
        if split.content.isEmpty, !isSameFormat {
            writer.nullMember("content")
        } else {
            try writeContent(split.content, form: turn.form, separator: "", path)
        }
        if !split.refusal.isEmpty { writer.member("refusal", split.refusal) }
        writeReasoning(split, path)
        writeCalls(split.calls, legacy: isLegacy)
        writeAnnotations(split.content)
        writeExtras(turn.native)
        writer.endObject()
    }

    private mutating func writeAnnotations(_ parts: [CanonicalPart]) {
        let annotations = parts.flatMap(\.annotations).compactMap(ChatAnnotation.write)
        if isSameFormat, !annotations.isEmpty { writer.member("annotations", .array(annotations)) }
    }

    /// Servers of this format that show reasoning want it back with the calls it led to, and only then. Signed
    /// reasoning belongs to another provider and stays away.
    private mutating func writeReasoning(_ split: AssistantParts, _ path: String) {
        guard !isSameFormat else { return }
        if split.reasoning.isEmpty {
            // Such servers refuse a call whose turn lacks the member, also one that another model made.
            if context.profile.reasoningEcho == "reasoning_content_required", !split.calls.isEmpty {
                writer.member("reasoning_content", "")
            }
            return
        }
        let isOwn = split.reasoning.allSatisfy { $0.opaque == nil && !$0.redacted }
        let text = split.reasoning.map(\.text).joined()
        switch context.profile.reasoningEcho {
        case "reasoning_content_required"?: writer.member("reasoning_content", text)
        case nil where isOwn && !split.calls.isEmpty && !text.isEmpty: writer.member("reasoning_content", text)
        default: context.lose(.info, "reasoning.history", at: path)
        }
    }

    private mutating func writeCalls(_ calls: [CanonicalPart], legacy: Bool) {
        guard !calls.isEmpty else { return }
        if legacy, case .toolCall(let call)? = calls.first?.content {
            writer.key("function_call")
            writer.beginObject()
            writer.member("name", call.name)
            writer.member("arguments", call.arguments)
            writer.endObject()
            return
        }
        writer.key("tool_calls")
        writer.beginArray()
        for part in calls {
            guard case .toolCall(let call) = part.content else { continue }
            writeCall(call, native: part.native)
        }
        writer.endArray()
    }

    private mutating func writeCall(_ call: CanonicalToolCall, native: CanonicalNative?) {
        writer.beginObject()
        writer.member("id", wireID(call.id))
        if isFreeText(call) {
            writer.member("type", literal: "custom")
            writer.key("custom")
            writer.beginObject()
            writer.member("name", wireName(call.name))
            writer.member("input", call.arguments)
        } else {
            writer.member("type", literal: "function")
            writer.key("function")
            writer.beginObject()
            writer.member("name", wireName(call.name))
            if call.kind == .custom {
                writer.member("arguments", CustomToolInput.wrapped(call.arguments))
            } else {
                writer.member("arguments", call.arguments.isEmpty && !isSameFormat ? "{}" : call.arguments)
            }
        }
        writer.endObject()
        writeExtras(native)
        writer.endObject()
    }

    /// The text of a text part, whatever else it carries.
    static func text(_ part: CanonicalPart) -> String? {
        if case .text(let text) = part.content { text } else { nil }
    }
}

/// The parts of an assistant turn, apart.
struct AssistantParts {
    var content: [CanonicalPart] = []
    var reasoning: [CanonicalReasoning] = []
    var refusal = ""
    var calls: [CanonicalPart] = []
    /// Google's signatures, by the number of the call they belong to.
    var signatures: [Int: String] = [:]

    init(_ parts: [CanonicalPart]) {
        var held: String?
        for part in parts {
            switch part.content {
            case .reasoning(let value):
                held = ChatThoughtSignature.bare(value)
                if held == nil { reasoning.append(value) }
            case .refusal(let text): refusal += text
            case .toolCall:
                signatures[calls.count] = held
                held = nil
                calls.append(part)
            default: content.append(part)
            }
        }
    }
}
