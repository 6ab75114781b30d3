import CanonicalChat
import PatchbayPlugin
import PatchbayWire

/// Turns a canonical response into a Chat Completions answer.
struct ChatResponseWriter {
    private var writer = JSONWriter()
    private let context: ConversionContext

    private init(_ context: ConversionContext) {
        self.context = context
    }

    static func write(_ response: CanonicalResponse, context: inout ConversionContext) -> [UInt8] {
        var writer = ChatResponseWriter(context)
        writer.write(response)
        return writer.writer.bytes
    }

    private mutating func write(_ response: CanonicalResponse) {
        let native = response.native?.format == ChatFormat.id ? response.native?.members : nil
        writer.beginObject()
        writer.member("id", ChatFormat.answerID(response.id, requestID: context.requestID))
        writer.member("object", literal: "chat.completion")
        writer.member("created", response.created ?? context.created)
        writer.member("model", context.answerModel(response.model))
        writer.key("choices")
        writer.beginArray()
        for choice in response.choices { write(choice) }
        writer.endArray()
        if let usage = native?["usage"] {
            writer.member("usage", usage)
        } else if !response.usage.isEmpty {
            writer.key("usage")
            response.usage.writeChat(into: &writer)
        }
        if let tier = response.serviceTier { writer.member("service_tier", tier == "standard" ? "default" : tier) }
        for member in native ?? JSONObject() where member.key != "usage" {
            writer.key(member.key)
            writer.value(member.value)
        }
        writer.endObject()
    }

    private mutating func write(_ choice: CanonicalChoice) {
        let parts = AssistantParts(choice.parts)
        let hasText = parts.content.contains { ChatRequestWriter.text($0) != nil }
        let finish = choice.finish?.reason ?? .stop
        writer.beginObject()
        writer.member("index", choice.index)
        writer.key("message")
        writeMessage(choice, parts, finish)
        if let logprobs = choice.logprobs { writer.member("logprobs", logprobs) } else { writer.nullMember("logprobs") }
        let isSilent = finish == .refusal && !hasText && parts.refusal.isEmpty
        let word = ChatFormat.word(
            isSilent ? .contentFilter : finish, hasToolCall: !parts.calls.isEmpty,
            legacy: context.request.legacyFunctions)
        writer.member("finish_reason", literal: word)
        writer.endObject()
    }

    private mutating func writeMessage(_ choice: CanonicalChoice, _ parts: AssistantParts, _ finish: FinishReason) {
        let native = choice.native?.format == ChatFormat.id ? choice.native?["message"]?.objectValue : nil
        let texts = parts.content.compactMap(ChatRequestWriter.text)
        writer.beginObject()
        writer.member("role", literal: "assistant")
        if texts.isEmpty && !(finish == .stop && parts.calls.isEmpty && parts.refusal.isEmpty) {
            writer.nullMember("content")
        } else {
            writer.member("content", texts.joined())
        }
        if !parts.refusal.isEmpty {
            writer.member("refusal", parts.refusal)
        } else if finish == .refusal, !texts.isEmpty {
            writer.member("refusal", literal: ChatFormat.refusalNotice)
        } else if native == nil {
            writer.nullMember("refusal")
        }
        writeReasoning(parts.reasoning, native)
        writeCalls(parts.calls, parts.signatures)
        let annotations = parts.content.flatMap(\.annotations).compactMap(ChatAnnotation.write)
        if !annotations.isEmpty { writer.member("annotations", .array(annotations)) }
        for member in native ?? JSONObject() where !member.key.hasPrefix("$") {
            writer.key(member.key)
            writer.value(member.value)
        }
        writer.endObject()
    }

    private mutating func writeReasoning(_ reasoning: [CanonicalReasoning], _ native: JSONObject?) {
        let isWritten = native?["reasoning_content"] != nil || native?["reasoning"] != nil
        guard !reasoning.isEmpty, !context.request.hidesReasoning, !isWritten else { return }
        let text = reasoning.map(\.text).joined()
        if !text.isEmpty { writer.member("reasoning_content", text) }
        guard reasoning.contains(where: { $0.opaque != nil }) else { return }
        writer.key("reasoning_details")
        writer.beginArray()
        for (index, entry) in reasoning.enumerated() { ChatReasoningDetail.write(entry, index: index, into: &writer) }
        writer.endArray()
    }

    private mutating func writeCalls(_ calls: [CanonicalPart], _ signatures: [Int: String]) {
        guard !calls.isEmpty else { return }
        if context.request.legacyFunctions, case .toolCall(let call)? = calls.first?.content {
            writer.key("function_call")
            writer.beginObject()
            writer.member("name", call.name)
            writer.member("arguments", call.arguments.isEmpty ? "{}" : call.arguments)
            return writer.endObject()
        }
        writer.key("tool_calls")
        writer.beginArray()
        for (index, part) in calls.enumerated() {
            guard case .toolCall(let call) = part.content else { continue }
            writer.beginObject()
            writer.member("id", call.id)
            if call.kind == .custom || context.request.customTools.contains(call.name) {
                writer.member("type", literal: "custom")
                writer.key("custom")
                writer.beginObject()
                writer.member("name", call.name)
                writer.member("input", CustomToolInput.unwrapped(call))
            } else {
                writer.member("type", literal: "function")
                writer.key("function")
                writer.beginObject()
                writer.member("name", call.name)
                writer.member("arguments", call.arguments.isEmpty ? "{}" : call.arguments)
            }
            writer.endObject()
            if let native = part.native, native.format == ChatFormat.id {
                writer.members(native.members)
            } else {
                ChatThoughtSignature.write(signatures[index], into: &writer)
            }
            writer.endObject()
        }
        writer.endArray()
    }
}
