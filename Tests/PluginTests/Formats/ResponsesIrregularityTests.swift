import PatchbayPlugin
import PatchbayWire
import Testing

@testable import CanonicalChat
@testable import FormatAnthropicMessages
@testable import FormatOpenAIChat
@testable import FormatOpenAIResponses

/// What servers of the Responses format are known to do, and what other formats' oddities become for its clients.
@Suite("Irregular streams of the Responses format")
struct ResponsesIrregularityTests {
    private let message = #"{"id":"msg_1","type":"message","role":"assistant","status":"in_progress","content":[]}"#
    private let call =
        #"{"id":"fc_1","type":"function_call","call_id":"call_1","name":"f","arguments":"","status":"in_progress"}"#

    private func added(_ item: String, _ index: Int = 0) -> String {
        #"{"type":"response.output_item.added","output_index":\#(index),"item":\#(item)}"#
    }

    private func done(_ item: String, _ index: Int = 0) -> String {
        #"{"type":"response.output_item.done","output_index":\#(index),"item":\#(item)}"#
    }

    private func text(_ delta: String, _ index: Int = 0, _ content: Int = 0) -> String {
        #"{"type":"response.output_text.delta","item_id":"msg_1","output_index":\#(index),"content_index":\#(content),"delta":"\#(delta)"}"#
    }

    private func arguments(_ delta: String, _ index: Int = 0) -> String {
        #"{"type":"response.function_call_arguments.delta","item_id":"fc_1","output_index":\#(index),"delta":"\#(delta)"}"#
    }

    private func completed(_ output: String = "[]", status: String = "completed", reason: String = "null") -> String {
        #"{"type":"response.\#(status)","response":{"id":"resp_1","model":"m","status":"\#(status)","incomplete_details":\#(reason),"output":\#(output),"usage":{"input_tokens":1,"output_tokens":2}}}"#
    }

    private func finished(_ text: String) -> String {
        #"{"id":"msg_1","type":"message","role":"assistant","status":"completed","content":[{"type":"output_text","text":"\#(text)","annotations":[]}]}"#
    }

    private func parts(_ frames: [String]) -> [CanonicalPart] {
        let fold = Responses.decode(data: frames).folded
        #expect(fold.isClean && fold.error == nil)
        return fold.response.choices[0].parts
    }

    @Test("E-72 an empty output at the end is what the items said")
    func emptyOutput() throws {
        let frames = [added(message), text("Hel"), text("lo"), done(finished("Hello")), completed()]
        #expect(parts(frames) == [.text("Hello")])
        let stream = try Responses.stream(Responses.decode(data: frames))
        #expect(stream.last?["response"]?["output"]?[0]?["content"]?[0]?["text"] == "Hello")
    }

    @Test("E-79 what only the final events say is said once, and what they repeat is not said twice")
    func doneOnly() {
        #expect(parts([done(finished("Hello")), completed()]) == [.text("Hello")])
        #expect(parts([completed("[\(finished("Hello"))]")]) == [.text("Hello")])
        let both = [
            added(message), text("Hel"),
            #"{"type":"response.output_text.done","output_index":0,"content_index":0,"text":"Hello"}"#,
            #"{"type":"response.content_part.done","output_index":0,"content_index":0,"part":{"type":"output_text","text":"Hello","annotations":[]}}"#,
            done(finished("Hello")), completed("[\(finished("Hello"))]"),
        ]
        #expect(parts(both) == [.text("Hello")])
        let whole = #"{"id":"fc_1","type":"function_call","call_id":"call_1","name":"f","arguments":"{\"a\":1}"}"#
        let expected = CanonicalPart(
            .toolCall(CanonicalToolCall(id: "call_1", name: "f", arguments: #"{"a":1}"#)))
        #expect(parts([done(whole), completed()]) == [expected])
        #expect(parts([added(call), arguments(#"{\"a\""#), done(whole), completed()]) == [expected])
        let said = #"{"type":"response.function_call_arguments.done","output_index":0,"arguments":"{\"a\":1}"}"#
        #expect(parts([added(call), said, completed()]) == [expected])
    }

    @Test("Deltas without an announced part, or without output_index, find their item")
    func unannounced() {
        #expect(parts([text("a"), text("b", 1), completed()]) == [.text("a"), .text("b")])
        let bare = #"{"type":"response.output_text.delta","item_id":"msg_1","delta":"x"}"#
        #expect(parts([bare, bare, completed()]) == [.text("xx")])
    }

    @Test("E-80 a call that the limit cut stays open, in every format")
    func cutCall() throws {
        let reason = #"{"reason":"max_output_tokens"}"#
        let item =
            #"{"id":"fc_1","type":"function_call","call_id":"call_1","name":"f","arguments":"{\"a","status":"incomplete"}"#
        for ending in [
            [completed("[\(item)]", status: "incomplete", reason: reason)],
            [done(item), completed("[\(item)]", status: "incomplete", reason: reason)],
            [completed(status: "incomplete", reason: reason)],
        ] {
            let events = Responses.decode(data: [added(call), arguments(#"{\"a"#)] + ending)
            let fold = events.folded
            #expect(fold.isClean && fold.response.choices[0].finish?.reason == .length && !fold.isClosed(0, 0))
            let stream = Responses.encode(events, as: "responses")
            #expect(!stream.contains("arguments.done") && !stream.contains("output_item.done"))
            let last = try #require(try Responses.documents(stream).last)
            #expect(last["type"] == "response.incomplete")
            #expect(last["response"]?["output"]?[0]?["status"] == "incomplete")
            #expect(Responses.encode(events, as: "chat").contains(#""finish_reason":"length""#))
        }
    }

    @Test("A call of another format that the limit cut is not done, and a whole one is")
    func foreignCut() throws {
        for (arguments, isDone) in [(#"{\"a"#, false), (#"{\"a\":1}"#, true)] {
            let events = Formats.decodeChat([
                Formats.chunk(
                    #"{"tool_calls":[{"index":0,"id":"c","function":{"name":"f","arguments":"\#(arguments)"}}]}"#),
                Formats.chunk("{}", finish: "length"), "[DONE]",
            ])
            let stream = Responses.encode(events, as: "responses")
            #expect(stream.contains("response.output_item.done") == isDone)
            #expect(stream.contains("event: response.incomplete\n"))
        }
    }

    @Test("E-43 an error event, nested or flat, and a response that failed are one error and the end")
    func errors() {
        let failures = [
            #"{"type":"error","code":"rate_limit_exceeded","message":"slow","param":null,"sequence_number":3}"#,
            #"{"type":"error","error":{"type":"tokens","code":"rate_limit_exceeded","message":"slow"}}"#,
            #"{"error":{"code":"rate_limit_exceeded","message":"slow"}}"#,
            #"{"type":"response.failed","response":{"id":"resp_1","status":"failed","error":{"code":"rate_limit_exceeded","message":"slow"}}}"#,
        ]
        for failure in failures {
            let events = Responses.decode(data: [text("a"), failure, text("b"), completed()])
            #expect(events.types == [.start, .partOpen, .partDelta, .error, .end])
            #expect(events[3].text == "slow" && events[3].errorValue.category == .rateLimit)
            #expect(events.last?.clean == false)
        }
        let cancelled = Responses.decode(data: [#"{"type":"response.cancelled","response":{"id":"resp_1"}}"#])
        #expect(cancelled.first { $0.type == .error }?.errorValue.category == .cancelled)
    }

    @Test("E-9 a complete response where a stream was expected becomes one, an error stays one")
    func whole() throws {
        let document =
            #"{"id":"resp_1","object":"response","status":"completed","model":"m","output":[\#(finished("Hi"))]}"#
        #expect(
            parts([document])
                == parts([done(finished("Hi")), completed()]).map { part in
                    var part = part
                    part.native = parts([document])[0].native
                    return part
                })
        let failed = #"{"id":"resp_1","object":"response","status":"failed","error":{"message":"no"},"output":[]}"#
        #expect(Responses.decode(data: [failed]).types == [.start, .error, .end])
    }

    @Test("E-13 a surrogate pair cut between deltas is joined, and a lone half replaced")
    func surrogates() {
        #expect(parts([text(#"a\ud83c"#), text(#"\udf0db"#), done(finished("a🌍b")), completed()]) == [.text("a🌍b")])
        #expect(parts([text(#"a\ud83c"#), completed()]) == [.text("a\u{FFFD}")])
    }

    @Test("E-7 the type in the data outweighs the event name, and stands in for a missing one")
    func types() {
        let frames = [
            TestFrame(event: "response.failed", data: text("a")),
            TestFrame(event: "response.output_text.delta", data: #"{"output_index":0,"content_index":0,"delta":"b"}"#),
            TestFrame(data: completed()),
        ]
        #expect(Responses.decode(frames).folded.response.choices[0].parts == [.text("ab")])
    }

    @Test("Events that nobody knows are passed by, and [DONE] is no error")
    func unknown() {
        let events = Responses.decode(data: [
            text("a"), #"{"type":"response.something.new","x":1}"#, "[DONE]", completed(),
        ])
        #expect(events.folded.isClean)
        let native = events.first { $0.type == .native }
        #expect(native?.name == "openai.responses" && native?.id == "response.something.new")
    }

    @Test("E-40 a frame that is no JSON is a fault of the upstream, or a cut if nothing follows")
    func broken() {
        let cut = Responses.decode(data: [text("a"), #"{"type":"resp"#])
        #expect(cut.first { $0.type == .error }?.errorValue.category == .truncated)
        let fault = Responses.decode(data: [text("a"), #"{"type":"resp"#, text("b")])
        #expect(fault.first { $0.type == .error }?.errorValue.category == .upstreamInvalid)
    }

    @Test("E-42 the terminal ends the answer at once")
    func terminal() {
        var decoder = ResponsesStreamDecoder(Formats.context())
        #expect(decoder.take(TestFrame(data: text("a"))).types == [.start, .partOpen, .partDelta])
        #expect(decoder.take(TestFrame(data: completed())).types == [.partClose, .usage, .finish, .end])
        #expect(decoder.take(TestFrame(data: text("b"))).isEmpty)
    }

    @Test("Reasoning of open models, and several segments, become one text")
    func reasoning() {
        let raw = [
            added(#"{"id":"rs_1","type":"reasoning","summary":[]}"#),
            #"{"type":"response.reasoning_text.delta","output_index":0,"content_index":0,"delta":"thinking"}"#,
            #"{"type":"response.reasoning_text.done","output_index":0,"content_index":0,"text":"thinking"}"#,
            done(
                #"{"id":"rs_1","type":"reasoning","summary":[],"content":[{"type":"reasoning_text","text":"thinking"}]}"#
            ),
            completed(),
        ]
        guard case .reasoning(let reasoning)? = parts(raw).first?.content else {
            Issue.record("no reasoning")
            return
        }
        #expect(reasoning.text == "thinking" && reasoning.id == "rs_1" && reasoning.opaque == nil)
    }

    @Test("Hosted tools stay what they are for a client of the format, and are not shown to others")
    func hostedTools() throws {
        let search =
            #"{"id":"ws_1","type":"web_search_call","status":"completed","action":{"type":"search","query":"q"}}"#
        let frames = [
            added(search), #"{"type":"response.web_search_call.searching","output_index":0,"item_id":"ws_1"}"#,
            done(search), added(message, 1), text("found", 1), done(finished("found"), 1), completed(),
        ]
        let events = Responses.decode(data: frames)
        let output = try #require(try Responses.stream(events).last?["response"]?["output"])
        #expect(output[0] == (try JSONValue(parsing: search)) && output[1]?["type"] == "message")
        #expect(!Responses.encode(events, as: "chat").contains("web_search_call"))
        #expect(!Responses.encode(events, as: "messages").contains("web_search_call"))
    }

    @Test("A generated image is an image for other formats, and an item for clients of this one")
    func images() throws {
        let image =
            #"{"id":"ig_1","type":"image_generation_call","status":"completed","result":"iVBORw0KGgoAAAANSUhEUg=="}"#
        let events = Responses.decode(data: [done(image), completed()])
        #expect(Responses.encode(events, as: "chat").contains("data:image/png;base64,iVBORw0KGgoAAAANSUhEUg=="))
        let stream = try Responses.stream(events)
        let item = try #require(stream.last?["response"]?["output"]?[0])
        #expect(item["type"] == "image_generation_call" && item["result"] == "iVBORw0KGgoAAAANSUhEUg==")
    }

    // MARK: - What clients of the format get of other formats' oddities

    @Test("E-30 a complete answer becomes a stream with its whole life cycle")
    func unfolded() throws {
        let response = try ChatResponseReader.read(
            try Fixture.json("turn/chat.response.json"), context: Formats.context())
        let types = try Responses.stream(response.events()).compactMap { $0["type"]?.stringValue }
        for type in [
            "response.created", "response.in_progress", "response.reasoning_summary_part.added",
            "response.reasoning_summary_text.done", "response.content_part.added", "response.output_text.delta",
            "response.output_text.done", "response.function_call_arguments.delta",
            "response.function_call_arguments.done", "response.output_item.done", "response.completed",
        ] { #expect(types.contains(type), "\(type) is missing") }
    }

    @Test("E-26 E-27 interleaved calls and text between them keep their items")
    func interleaved() throws {
        func call(_ index: Int, _ arguments: String, start: Bool = false) -> String {
            let head = start ? #""id":"c\#(index)","# : ""
            let name = start ? #""name":"f\#(index)","# : ""
            return Formats.chunk(
                #"{"tool_calls":[{"index":\#(index),\#(head)"function":{\#(name)"arguments":"\#(arguments)"}}]}"#)
        }
        let events = Formats.decodeChat([
            call(0, "[", start: true), call(1, "{", start: true), call(0, "1"), Formats.chunk(#"{"content":"mid"}"#),
            call(1, "}"), call(0, "]"), Formats.chunk("{}", finish: "tool_calls"), "[DONE]",
        ])
        let frames = try Responses.stream(events)
        var order = ResponsesOrder()
        for frame in frames { order.take(frame) }
        #expect(order.problems.isEmpty, "\(order.problems)")
        let output = try #require(frames.last?["response"]?["output"]?.arrayValue)
        #expect(output.map { $0["type"] } == ["function_call", "function_call", "message"])
        #expect(output[0]["arguments"] == "[1]" && output[1]["arguments"] == "{}")
    }

    @Test("E-31 of several choices the client sees one")
    func choices() throws {
        let events = Formats.decodeChat([
            Formats.chunk(#"{"content":"a"}"#, index: 1), Formats.chunk(#"{"content":"b"}"#, index: 0),
            Formats.chunk("{}", finish: "stop", index: 1), Formats.chunk("{}", finish: "stop", index: 0), "[DONE]",
        ])
        let output = try Responses.stream(events).last?["response"]?["output"]
        #expect(output?.arrayValue?.count == 1 && output?[0]?["content"]?[0]?["text"] == "a")
    }

    @Test("E-33 a refusal has events of its own")
    func refusal() throws {
        let events = Formats.decodeChat([
            Formats.chunk(#"{"refusal":"No"}"#), Formats.chunk(#"{"refusal":"."}"#),
            Formats.chunk("{}", finish: "stop"), "[DONE]",
        ])
        let types = try Responses.stream(events).compactMap { $0["type"]?.stringValue }
        #expect(types.filter { $0 == "response.refusal.delta" }.count == 2 && types.contains("response.refusal.done"))
        let messages = Responses.encode(
            Responses.decode(TestFrame.all(Responses.encode(events, as: "responses"))), as: "messages")
        #expect(messages.contains(#""stop_reason":"refusal""#))
    }

    @Test("E-37 white space is kept to the letter, and nothing becomes an empty item")
    func whiteSpace() throws {
        let events = Formats.decodeChat([
            Formats.chunk(#"{"role":"assistant","content":""}"#), Formats.chunk(#"{"content":"\n"}"#),
            Formats.chunk(#"{"content":"  "}"#), Formats.chunk("{}", finish: "stop"), "[DONE]",
        ])
        let output = try Responses.stream(events).last?["response"]?["output"]
        #expect(output?.arrayValue?.count == 1 && output?[0]?["content"]?[0]?["text"] == "\n  ")
        let calls = Formats.decodeChat([
            Formats.chunk(#"{"role":"assistant","content":""}"#),
            Formats.chunk(#"{"tool_calls":[{"index":0,"id":"c","function":{"name":"f","arguments":""}}]}"#),
            Formats.chunk("{}", finish: "tool_calls"), "[DONE]",
        ])
        let items = try Responses.stream(calls).last?["response"]?["output"]?.arrayValue
        #expect(items?.map { $0["type"] } == ["function_call"])
    }

    @Test("E-39 the client sees one id, time and model")
    func identity() throws {
        let frames = try Responses.stream(try Responses.events(of: "chat"))
        let responses = frames.compactMap { $0["response"] }
        #expect(Set(responses.map { $0["id"] }).count == 1 && Set(responses.map { $0["created_at"] }).count == 1)
        #expect(responses.count == 3)
    }

    @Test("A free-text call comes as such for a client that declared the tool, whatever the upstream knows of it")
    func customTools() throws {
        let request: JSONValue = [
            "model": "m", "input": "go", "tools": [["type": "custom", "name": "patch"]],
        ]
        let (chat, _) = try Responses.converted(request, to: "chat")
        #expect(chat["tools"]?[0]?["type"] == "function")
        let events = Formats.decodeChat([
            Formats.chunk(
                #"{"tool_calls":[{"index":0,"id":"c","function":{"name":"patch","arguments":"{\"input\":\"a\\nb\"}"}}]}"#
            ),
            Formats.chunk("{}", finish: "tool_calls"), "[DONE]",
        ])
        let frames = try Responses.stream(events, for: request)
        let call = try #require(frames.last?["response"]?["output"]?[0])
        #expect(call["type"] == "custom_tool_call" && call["input"] == "a\nb")
        #expect(frames.contains { $0["type"] == "response.custom_tool_call_input.done" && $0["input"] == "a\nb" })
        // The way back: call and result are those of a function again.
        let (second, _) = try Responses.converted(
            [
                "model": "m", "tools": [["type": "custom", "name": "patch"]],
                "input": [call, ["type": "custom_tool_call_output", "call_id": "c", "output": "ok"]],
            ], to: "chat")
        #expect(second["messages"]?[0]?["tool_calls"]?[0]?["function"]?["arguments"] == #"{"input":"a\nb"}"#)
        #expect(second["messages"]?[1]?["tool_call_id"] == "c")
    }
}
