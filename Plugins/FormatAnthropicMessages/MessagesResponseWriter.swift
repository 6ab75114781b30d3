import CanonicalChat
import PatchbayPlugin
import PatchbayWire

/// Turns a canonical response into a Messages answer.
struct MessagesResponseWriter {
    private var writer = JSONWriter()
    private var context: ConversionContext
    private var hasToolCall = false

    private init(_ context: consuming ConversionContext) {
        self.context = context
    }

    static func write(_ response: CanonicalResponse, context: inout ConversionContext) -> [UInt8] {
        var writer = MessagesResponseWriter(exchange(&context, with: ConversionContext()))
        writer.write(response)
        context = writer.context
        return writer.writer.bytes
    }

    private mutating func write(_ response: CanonicalResponse) {
        if response.choices.count > 1 { context.lose(.semantic, "choices", at: "/choices/1") }
        let choice = response.choices.first
        let native = response.native?.format == MessagesFormat.id ? response.native?.members : nil
        writer.beginObject()
        writer.member("id", MessagesFormat.answerID(response.id, requestID: context.requestID))
        writer.member("type", literal: "message")
        writer.member("role", literal: "assistant")
        writer.member("model", context.answerModel(response.model))
        writer.key("content")
        writer.beginArray()
        for (index, part) in (choice?.parts ?? []).enumerated() { write(part, choice, index) }
        writer.endArray()
        let (word, sequence) = MessagesFormat.stopReason(choice?.finish, hasToolCall: hasToolCall, context: context)
        writer.member("stop_reason", literal: word)
        writer.key("stop_sequence")
        if let sequence { writer.string(sequence) } else { writer.null() }
        writer.key("usage")
        if let usage = native?["usage"] { writer.value(usage) } else { response.usage.writeMessages(into: &writer) }
        for member in native ?? JSONObject() where member.key != "usage" {
            writer.key(member.key)
            writer.value(member.value)
        }
        writer.endObject()
    }

    private mutating func write(_ part: CanonicalPart, _ choice: CanonicalChoice?, _ index: Int) {
        let path = "/choices/0/parts/\(index)"
        switch part.content {
        case .text(let text), .refusal(let text):
            guard !text.isEmpty else { return }
            begin(literal: "text", part)
            writer.member("text", text)
            let citations = part.annotations.compactMap(MessagesAnnotation.write)
            if !citations.isEmpty { writer.member("citations", .array(citations)) }
        case .reasoning(let reasoning):
            let opaque = reasoning.opaque.map { MessagesFormat.carried($0, id: reasoning.id) }
            if reasoning.redacted {
                guard let opaque else { return context.lose(.info, "reasoning.redacted", at: path) }
                begin(literal: "redacted_thinking", part)
                writer.member("data", opaque)
            } else {
                if context.request.hidesReasoning, opaque == nil { return }
                begin(literal: "thinking", part)
                writer.member("thinking", context.request.hidesReasoning ? "" : reasoning.text)
                writer.member("signature", opaque ?? "")
            }
        case .toolCall(let call):
            let (input, quality) = ToolArguments.object(call)
            if quality == .raw, choice?.finish?.reason == .length {
                // Half a call must not be executed; the stop reason tells that something is missing.
                return context.lose(.semantic, "tool_call.truncated", at: path)
            }
            if quality != .exact { context.lose(.degrade, "tool_call.arguments", at: path) }
            hasToolCall = true
            begin(literal: "tool_use", part)
            writer.member("id", call.id)
            writer.member("name", call.name)
            writer.member("input", input)
        case .other(let value) where part.native == nil && value["type"]?.stringValue != nil:
            return writer.value(value)
        case .media, .toolResult, .other: return context.lose(.degrade, "part", at: path)
        }
        if let native = part.native, native.format == MessagesFormat.id { writer.members(native.members) }
        writer.endObject()
    }

    private mutating func begin(literal type: StaticString, _ part: CanonicalPart) {
        writer.beginObject()
        writer.member("type", literal: type)
    }
}
