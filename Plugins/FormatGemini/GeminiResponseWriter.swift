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
        writeParts(choice.parts, path, &isBroken)
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

    private mutating func writeParts(_ parts: [CanonicalPart], _ path: String, _ isBroken: inout Bool) {
        /// The signature that the next call takes.
        var held: String?
        for (index, part) in parts.enumerated() where !part.isSignature("attached") {
            let next = index + 1 < parts.count ? parts[index + 1] : nil
            var signature = next.flatMap { $0.isSignature("attached") ? $0.wireSignature : nil }
            if case .reasoning(let reasoning) = part.content, answer.isHeld(reasoning) {
                if let held { answer.trailing(held, into: &writer) }
                held = reasoning.wireSignature
                continue
            }
            if let waiting = held {
                if case .toolCall = part.content {
                    signature = waiting
                } else {
                    answer.trailing(waiting, into: &writer)
                }
                held = nil
            }
            write(part, signature: signature, path, &isBroken)
        }
        if let held { answer.trailing(held, into: &writer) }
    }

    private mutating func write(
        _ part: CanonicalPart, signature: String?, _ path: String, _ isBroken: inout Bool
    ) {
        switch part.content {
        case .text(let text), .refusal(let text):
            if text.isEmpty, signature == nil, part.native == nil { return }
            writer.beginObject()
            writer.member("text", text)
            writer.member("thoughtSignature", ifPresent: signature)
            writer.endObject()
        case .reasoning(let reasoning):
            if answer.showsReasoning { answer.reasoning(reasoning, into: &writer) }
        case .toolCall(let call):
            if !answer.call(call, hasID: part.native?["$minted"] == nil, signature: signature, into: &writer) {
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
