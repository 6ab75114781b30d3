import PatchbayPlugin
import PatchbayWire
import Testing

@testable import CanonicalChat
@testable import FormatAnthropicMessages
@testable import FormatOpenAIChat
@testable import FormatOpenAIResponses

@Suite("Answers of the Responses format")
struct ResponsesAnswerTests {
    private static let formats = ["chat", "messages", "responses"]

    private func read(_ format: String) throws -> CanonicalResponse {
        let document = try Fixture.json("turn/\(format).response.json")
        let context = Formats.context()
        let response =
            switch format {
            case "chat": try ChatResponseReader.read(document, context: context)
            case "messages": try MessagesResponseReader.read(document, context: context)
            default: try ResponsesResponseReader.read(document, context: context)
            }
        return try Formats.crossed(response)
    }

    private func write(_ response: CanonicalResponse, as format: String) throws -> JSONValue {
        var context = Formats.context()
        let bytes =
            switch format {
            case "chat": ChatResponseWriter.write(response, context: &context)
            case "messages": MessagesResponseWriter.write(response, context: &context)
            default: ResponsesResponseWriter.write(response, context: &context)
            }
        return try JSONValue(parsing: bytes)
    }

    @Test("A response survives the way through the canonical model")
    func identity() throws {
        let source = try Fixture.json("turn/responses.response.json")
        #expect(
            Fixture.pretty(try write(try read("responses"), as: "responses").sorted) == Fixture.pretty(source.sorted))
    }

    @Test("Every pair carries an answer over as expected", arguments: formats, formats)
    func golden(source: String, target: String) throws {
        guard source != target, source == "responses" || target == "responses" else { return }
        let wire = try write(try read(source), as: target)
        try Fixture.expect(wire, equals: "turn/\(source)-to-\(target).response.json")
    }

    @Test("A complete answer is the fold of the stream of the same turn", arguments: formats)
    func folds(source: String) throws {
        let events = try Responses.events(of: source)
        let whole = try write(events.folded.response, as: "responses")
        let last = try #require(try Responses.documents(Responses.encode(events, as: "responses")).last?["response"])
        #expect(Fixture.pretty(whole) == Fixture.pretty(last))
    }

    @Test("Accounting reads a complete answer without converting it")
    func tap() throws {
        let events = try tap(try Fixture.text("turn/responses.response.json"))
        #expect(events.types == [.start, .usage, .finish])
        #expect(events[1].usage == TokenCounts(input: 100, output: 42, cached: 75, cacheWrite: 5, reasoning: 12))
        #expect(events[2].finishValue.reason == .toolCalls)
    }

    private func tap(_ body: String) throws -> [AnswerEvent] {
        var body = body
        return try body.withUTF8 { try ResponsesFormat.tapResponse(UnsafeRawBufferPointer($0)) }
    }

    @Test("E-114 an error in the clothes of an answer is reported as error")
    func disguised() throws {
        let bodies = [
            #"{"error":{"message":"no","type":"x"}}"#, #"{"code":500,"message":"no"}"#,
            #"{"id":"resp_1","status":"failed","error":{"code":"server_error","message":"no"},"output":[]}"#,
        ]
        for body in bodies {
            let events = try tap(body)
            #expect(events.types == [.start, .error] && events[1].text == "no")
            #expect(throws: ConversionError.self) {
                _ = try ResponsesResponseReader.read(try JSONValue(parsing: body), context: Formats.context())
            }
        }
        for body in ["{}", "[]", "null", #"{"output":{}}"#] {
            #expect(throws: ConversionError.self) { try tap(body) }
        }
    }

    @Test("E-74 ids of other formats never reach the client")
    func ids() throws {
        for source in ["chat", "messages"] {
            let wire = try write(try read(source), as: "responses")
            #expect(wire["id"] == "resp_req1")
            let prefixes = wire["output"]?.arrayValue?.compactMap { $0["id"]?.stringValue?.prefix(3) }
            #expect(prefixes == ["rs_", "msg", "fc_", "fc_"])
        }
    }

    @Test("E-80 an incomplete response is neither an error nor a clean stop")
    func incomplete() throws {
        for (reason, finish, word) in [
            ("max_output_tokens", FinishReason.length, "length"), ("content_filter", .contentFilter, "content_filter"),
        ] {
            let document: JSONValue = [
                "id": "resp_1", "status": "incomplete", "incomplete_details": ["reason": .string(reason)],
                "model": "m", "output": [], "usage": .null,
            ]
            let response = try ResponsesResponseReader.read(document, context: Formats.context())
            #expect(response.choices[0].finish?.reason == finish)
            #expect(try write(response, as: "chat")["choices"]?[0]?["finish_reason"] == .string(word))
            // The way back from another format.
            var foreign = response
            foreign.native = nil
            let wire = try write(foreign, as: "responses")
            #expect(wire["status"] == "incomplete" && wire["incomplete_details"]?["reason"] == .string(reason))
        }
    }

    @Test("E-29 a call without arguments has an empty object as arguments")
    func emptyArguments() throws {
        var response = CanonicalResponse()
        response.choices = [
            CanonicalChoice(
                index: 0, parts: [CanonicalPart(.toolCall(CanonicalToolCall(id: "c", name: "f", arguments: "")))],
                finish: CanonicalFinish(.toolCalls))
        ]
        #expect(try write(response, as: "responses")["output"]?[0]?["arguments"] == "{}")
    }

    @Test("A refusal has a part of its own, whichever way the upstream said it")
    func refusal() throws {
        var response = CanonicalResponse()
        response.choices = [CanonicalChoice(index: 0, parts: [.text("I")], finish: CanonicalFinish(.refusal))]
        let content = try write(response, as: "responses")["output"]?[0]?["content"]
        #expect(content?[0]?["text"] == "I" && content?[1]?["type"] == "refusal")
        response.choices[0].parts = [CanonicalPart(.refusal("No."))]
        let whole = try write(response, as: "responses")
        #expect(whole["output"]?[0]?["content"] == [["type": "refusal", "refusal": "No."]])
        #expect(whole["status"] == "completed")
    }

    @Test("The response repeats what the request said, and has every member that clients demand")
    func echo() throws {
        let request = try Responses.request("codex-turn")
        let answer = try Responses.stream([.start(id: "x", model: "m"), .end(clean: true)], for: request)
        let response = try #require(answer.last?["response"])
        #expect(response["instructions"] == "You are a coding agent." && response["parallel_tool_calls"] == false)
        #expect(response["tools"]?.sorted == request["tools"]?.sorted && response["store"] == false)
        #expect(response["reasoning"] == request["reasoning"] && response["tool_choice"] == "auto")
        #expect(response["text"] == ["format": ["type": "text"], "verbosity": "medium"])
        let bare = try #require(
            try Responses.stream([.start(id: "x", model: "m"), .end(clean: true)]).last?["response"])
        for name in [
            "id", "created_at", "error", "incomplete_details", "instructions", "metadata", "model", "object", "output",
            "parallel_tool_calls", "temperature", "tool_choice", "tools", "top_p",
        ] { #expect(bare[name] != nil, "\(name) is missing") }
        #expect(bare["usage"]?["input_tokens_details"]?["cached_tokens"] == 0)
        #expect(bare["usage"]?["output_tokens_details"]?["reasoning_tokens"] == 0)
    }

    @Test("Errors keep the words that agents act upon")
    func errors() throws {
        var error = CanonicalError(.contextLength, message: "prompt is too long: 210000 tokens > 200000 maximum")
        let body = try JSONValue(parsing: ResponsesFormat.writeError(error).body)
        #expect(body["error"]?["code"] == "context_length_exceeded")
        #expect(body["error"]?["message"]?.stringValue?.contains("maximum context length is 200000") == true)
        error = CanonicalError(.rateLimit, message: "Please try again in 20s.")
        let frames = try Responses.stream([
            .start(id: "x", model: "m"), .open(0, 0, .text), .delta(0, 0, .text, "a"), .error(error),
            .end(clean: false),
        ])
        #expect(frames.last?["type"] == "response.failed")
        #expect(
            frames.last?["response"]?["error"] == [
                "code": "rate_limit_exceeded", "message": "Please try again in 20s.",
            ])
        let early = try Responses.stream([.start(id: "x", model: "m"), .error(error), .end(clean: false)])
        #expect(early.map { $0["type"] } == ["error"] && early[0]["message"] == "Please try again in 20s.")
    }
}
