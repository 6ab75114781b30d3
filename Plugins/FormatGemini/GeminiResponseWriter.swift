import CanonicalChat
import PatchbayPlugin
import PatchbayWire

/// Turns a canonical response into a Gemini answer.
struct GeminiResponseWriter {
    private var writer = JSONWriter()
    private var context: ConversionContext
    private let answer: GeminiAnswerWriter

    private init(_ context: ConversionContext) {
        self.context = context
        answer = GeminiAnswerWriter(context)
    }

    static func write(_ response: CanonicalResponse, context: inout ConversionContext) -> [UInt8] {
        var writer = GeminiResponseWriter(context)
        writer.write(response)
        context = writer.context
        return writer.writer.bytes
    }

    private mutating func write(_ response: CanonicalResponse) {
        let native = response.native?.format == GeminiFormat.id ? response.native?.members : nil
        writer.beginObject()
        if native?["promptFeedback"]?["blockReason"] == nil || response.choices.contains(where: { !$0.parts.isEmpty }) {
            writer.key("candidates")
            writer.beginArray()
            for (position, choice) in response.choices.enumerated() { write(choice, "/choices/\(position)") }
            writer.endArray()
        }
        if native?["usageMetadata"] == nil, !response.usage.isEmpty {
            writer.key("usageMetadata")
            response.usage.writeGemini(into: &writer)
        }
        writer.member("modelVersion", context.answerModel(response.model))
        writer.member("responseId", GeminiFormat.answerID(response.id, requestID: context.requestID))
        writer.members(native ?? JSONObject())
        writer.endObject()
    }

    private mutating func write(_ choice: CanonicalChoice, _ path: String) {
        let native = choice.native?.format == GeminiFormat.id ? choice.native?.members : nil
        var isBroken = false
        writer.beginObject()
        writer.key("content")
        writer.beginObject()
        writer.key("parts")
        writer.beginArray()
        for (index, part) in choice.parts.enumerated() where !part.isAttachedSignature {
            let next = index + 1 < choice.parts.count ? choice.parts[index + 1] : nil
            write(part, signature: next.flatMap { $0.isAttachedSignature ? $0.reasoningOpaque : nil }, path, &isBroken)
        }
        writer.endArray()
        writer.member("role", literal: "model")
        writer.endObject()
        let isLength = choice.finish?.reason == .length
        writer.member(
            "finishReason", isBroken && !isLength ? "MALFORMED_FUNCTION_CALL" : GeminiFormat.word(choice.finish))
        writer.member("index", choice.index)
        if native == nil {
            if let logprobs = choice.logprobs { writer.member("logprobsResult", ifPresent: GeminiLogprobs.write(logprobs)) }
            writer.member("citationMetadata", ifPresent: GeminiAnswerWriter.citations(choice.parts.flatMap(\.annotations)))
        }
        writer.members(native ?? JSONObject())
        writer.endObject()
    }

    private mutating func write(
        _ part: CanonicalPart, signature: CanonicalOpaque?, _ path: String, _ isBroken: inout Bool
    ) {
        switch part.content {
        case .text(let text), .refusal(let text):
            if text.isEmpty, signature == nil, part.native == nil { return }
            writer.beginObject()
            writer.member("text", text)
            if let signature { writer.member("thoughtSignature", GeminiSignature.write(signature)) }
            writer.endObject()
        case .reasoning(let reasoning):
            if answer.shows(reasoning) { answer.reasoning(reasoning, into: &writer) }
        case .toolCall(let call):
            if !answer.call(call, hasID: part.native?["$minted"] == nil, into: &writer) {
                context.lose(.semantic, "tool_call.arguments", at: path)
                isBroken = true
            }
        case .media(let media):
            guard case .base64(let mime, let data) = media.source else {
                return context.lose(.degrade, "part", at: path)
            }
            answer.data(mime, data, into: &writer)
        case .other(let value) where GeminiPartKind.isKnown(value): writer.value(value)
        case .toolResult, .other: context.lose(.degrade, "part", at: path)
        }
    }
}

/// Parts of this format that the shared model does not hold.
enum GeminiPartKind {
    private static let names = [
        "executableCode", "codeExecutionResult", "toolCall", "toolResponse", "inlineData", "fileData",
    ]

    static func isKnown(_ value: JSONValue) -> Bool {
        names.contains { value[$0] != nil }
    }
}
