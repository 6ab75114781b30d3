import CanonicalChat
import PatchbayPlugin
import PatchbayWire

/// Complete answers of the Completions format.
enum CompletionsResponse {
    /// - Throws: if the document is no answer of this format, or an error in the shape of one.
    static func read(_ document: JSONValue) throws(ConversionError) -> CanonicalResponse {
        guard let list = document["choices"]?.arrayValue else {
            if document["error"]?.nonNull != nil {
                throw .invalid("the answer is an error: \(ErrorBody(document).message)")
            }
            throw .invalid("`choices` must be an array in an answer of openai.completions")
        }
        var response = CanonicalResponse()
        var native = JSONObject()
        for member in document.objectValue ?? JSONObject() {
            switch member.key {
            case "id": response.id = member.value.stringValue ?? ""
            case "model": response.model = member.value.stringValue ?? ""
            case "created": response.created = member.value.intValue
            case "choices", "object": break
            case "usage": response.usage = ChatUsage(member.value).counts
            default: native.append(member.key, member.value)
            }
        }
        for (position, item) in list.enumerated() {
            var choice = CanonicalChoice(index: item["index"]?.intValue ?? position)
            choice.parts = [.text(item["text"]?.stringValue ?? "")]
            choice.finish = CompletionsFormat.finish(item["finish_reason"]?.stringValue ?? "stop")
            choice.logprobs = CompletionsLogprobs.read(item["logprobs"])
            response.choices.append(choice)
        }
        if !native.isEmpty { response.native = CanonicalNative(format: CompletionsFormat.id, members: native) }
        return response
    }

    static func write(_ response: CanonicalResponse, context: inout ConversionContext) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("id", CompletionsFormat.answerID(response.id, requestID: context.requestID))
        writer.member("object", literal: "text_completion")
        writer.member("created", response.created ?? context.created)
        writer.member("model", context.answerModel(response.model))
        writer.key("choices")
        writer.beginArray()
        for (position, choice) in response.choices.enumerated() {
            write(choice, position, &context, into: &writer)
        }
        writer.endArray()
        if !response.usage.isEmpty {
            writer.key("usage")
            response.usage.writeChat(into: &writer)
        }
        if let native = response.native, native.format == CompletionsFormat.id { writer.members(native.members) }
        writer.endObject()
        return writer.bytes
    }

    private static func write(
        _ choice: CanonicalChoice, _ position: Int, _ context: inout ConversionContext, into writer: inout JSONWriter
    ) {
        var text = ""
        for part in choice.parts {
            switch part.content {
            case .text(let piece), .refusal(let piece): text += piece
            case .reasoning: context.lose(.info, "parts.reasoning", at: "/choices/\(position)")
            default: context.lose(.semantic, "parts", at: "/choices/\(position)")
            }
        }
        writer.beginObject()
        writer.member("text", text)
        writer.member("index", choice.index)
        CompletionsLogprobs.write(choice.logprobs, into: &writer)
        writer.member("finish_reason", literal: CompletionsFormat.word(choice.finish?.reason ?? .stop))
        writer.endObject()
    }

    /// What accounting needs, without building a tree of the whole.
    static func tap(_ body: UnsafeRawBufferPointer) throws(ConversionError) -> [AnswerEvent] {
        var tape = JSONTape()
        do throws(JSONError) {
            try tape.parse(body)
        } catch {
            throw .invalid("the answer is not valid JSON: \(error.message)")
        }
        let root = tape.root
        guard let choices = tape.present(root, named: "choices"), tape.kind(choices) == .array,
            tape.first(choices) != nil || tape.present(root, named: "error") == nil
        else { return try failure(tape) }
        var events: [AnswerEvent] = [
            .start(
                id: tape.member(root, named: "id").flatMap { tape.string($0) } ?? "",
                model: tape.member(root, named: "model").flatMap { tape.string($0) } ?? "")
        ]
        if let usage = tape.present(root, named: "usage") {
            let counts = ChatUsage(JSONValue(tape, usage)).counts
            if !counts.isEmpty { events.append(.usage(counts)) }
        }
        for (position, choice) in tape.elements(of: choices).enumerated() {
            let index = tape.member(choice, named: "index").flatMap { tape.int($0) } ?? position
            let word = tape.member(choice, named: "finish_reason").flatMap { tape.string($0) } ?? "stop"
            events.append(.finish(index, CompletionsFormat.finish(word)))
        }
        return events
    }

    private static func failure(_ tape: borrowing JSONTape) throws(ConversionError) -> [AnswerEvent] {
        let names: [StaticString] = ["error", "message", "msg", "detail", "errors"]
        guard names.contains(where: { tape.present(tape.root, named: $0) != nil }) else {
            throw .invalid("`choices` must be an array in an answer of openai.completions")
        }
        let body = ErrorBody(JSONValue(tape, tape.root))
        return [
            .start(id: "", model: ""), .error(CanonicalError(format: CompletionsFormat.id, status: nil, body: body)),
        ]
    }
}
