import PatchbayPlugin
import PatchbayWire
import Testing

@testable import CanonicalChat
@testable import FormatAnthropicMessages
@testable import FormatOpenAIChat

/// Irregular Chat streams, numbered as in the list of known edge cases.
@Suite("Irregular Chat streams")
struct ChatStreamIrregularityTests {
    private func fold(_ frames: [String], then ending: StreamEnd = .endOfStream) -> AnswerFold {
        Formats.decodeChat(frames, then: ending).folded
    }

    private func parts(_ frames: [String]) -> [CanonicalPart] {
        fold(frames).response.choices.first?.parts ?? []
    }

    private func calls(_ frames: [String]) -> [CanonicalToolCall] {
        parts(frames).compactMap { if case .toolCall(let call) = $0.content { call } else { nil } }
    }

    private func call(_ members: String) -> String {
        Formats.chunk(#"{"tool_calls":[{\#(members)}]}"#)
    }

    private let end = [Formats.chunk("{}", finish: "tool_calls"), "[DONE]"]

    @Test("E-16 chunks without choices are no content")
    func emptyChoices() {
        let events = Formats.decodeChat([
            #"{"id":"c","model":"m","choices":[],"prompt_filter_results":[{"prompt_index":0}]}"#,
            #"{"choices":null}"#, #"{"id":"c"}"#, Formats.chunk(#"{"content":"a"}"#),
            Formats.chunk("{}", finish: "stop"), #"{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}"#,
            "[DONE]",
        ])
        #expect(events.types == [.start, .partOpen, .partDelta, .usage, .partClose, .finish, .end])
    }

    @Test("E-17 usage on every chunk is a snapshot, and null does not erase it")
    func repeatedUsage() {
        let events = Formats.decodeChat([
            #"{"choices":[{"index":0,"delta":{"content":"a"}}],"usage":{"prompt_tokens":5,"completion_tokens":1}}"#,
            #"""
            {"choices":[{"index":0,"delta":{"content":"b"},"finish_reason":"stop"}],"usage":{"prompt_tokens":5,
            "completion_tokens":2}}
            """#,
            #"{"choices":[],"usage":null}"#, "[DONE]",
        ])
        #expect(events.folded.response.usage == TokenCounts(input: 5, output: 2))
    }

    @Test("E-17 usage inside of a choice and of x_groq counts")
    func misplacedUsage() {
        for frame in [
            #"""
            {"choices":[{"index":0,"delta":{},"finish_reason":"stop","usage":{"prompt_tokens":3,
            "completion_tokens":4}}]}
            """#,
            #"""
            {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"x_groq":{"usage":{"prompt_tokens":3,
            "completion_tokens":4}}}
            """#,
        ] {
            #expect(fold([frame, "[DONE]"]).response.usage == TokenCounts(input: 3, output: 4))
        }
    }

    @Test("E-18 a delta in the chunk of the finish is delivered, and the finish has a chunk of its own")
    func finishWithDelta() throws {
        let events = Formats.decodeChat([Formats.chunk(#"{"content":"all"}"#, finish: "stop"), "[DONE]"])
        #expect(events.folded.response.choices[0].parts == [.text("all")])
        var encoder = ChatStreamEncoder(Formats.context())
        #expect(encoder.text(events).contains(#""delta":{},"finish_reason":"stop""#))
    }

    @Test("E-19 deltas after the finish come before it")
    func lateDeltas() {
        let events = Formats.decodeChat([
            Formats.chunk("{}", finish: "stop"), Formats.chunk(#"{"content":"late"}"#), "[DONE]",
        ])
        #expect(events.folded.response.choices[0].parts == [.text("late")])
        #expect(events.types.suffix(2) == [.finish, .end])
    }

    @Test(
        "E-20 finish reasons in the words of others are understood",
        arguments: [
            ("eos", FinishReason.stop), ("end_turn", .stop), ("max_tokens", .length),
            ("content_filter", .contentFilter),
            ("abort", .other), ("", .stop), ("null", .stop),
        ])
    func finishWords(word: String, reason: FinishReason) {
        let fold = fold([Formats.chunk(#"{"content":"a"}"#, finish: word), "[DONE]"])
        #expect(fold.response.choices[0].finish?.reason == reason)
    }

    @Test("E-20 no client sees a finish reason that its format does not have", arguments: FinishReason.everyone)
    func nativeWords(reason: FinishReason) throws {
        var events: [AnswerEvent] = [.start(id: "x", model: "m"), .open(0, 0, .text), .delta(0, 0, .text, "a")]
        events += [.close(0, 0), .finish(0, CanonicalFinish(reason)), .end(clean: true)]
        var chat = ChatStreamEncoder(Formats.context())
        let words = ["stop", "length", "content_filter", "tool_calls"]
        let text = chat.text(events)
        #expect(words.contains { text.contains("\"finish_reason\":\"\($0)\"") })
        var messages = MessagesStreamEncoder(Formats.context())
        let reasons = ["end_turn", "max_tokens", "refusal", "pause_turn", "compaction"]
        let other = messages.text(events)
        #expect(reasons.contains { other.contains("\"stop_reason\":\"\($0)\"") })
    }

    @Test("E-20 the finish reason error is an error")
    func finishError() {
        let fold = fold([Formats.chunk(#"{"content":"a"}"#, finish: "error"), "[DONE]"])
        #expect(fold.error != nil && !fold.isClean)
    }

    @Test("E-21 calls with stop finish as calls, and calls without any as stop")
    func crossCheck() {
        let withCall = fold([
            call(#""index":0,"id":"a","function":{"name":"f","arguments":"{}"}"#), Formats.chunk("{}", finish: "stop"),
            "[DONE]",
        ])
        #expect(withCall.response.choices[0].finish?.reason == .toolCalls)
        let without = fold([Formats.chunk(#"{"content":"a"}"#, finish: "tool_calls"), "[DONE]"])
        #expect(without.response.choices[0].finish?.reason == .stop)
        let cut = fold([
            call(#""index":0,"id":"a","function":{"name":"f","arguments":"{\"x"}"#),
            Formats.chunk("{}", finish: "length"), "[DONE]",
        ])
        #expect(cut.response.choices[0].finish?.reason == .length)
    }

    @Test(
        "E-22 tool deltas without index get dense indexes",
        arguments: [
            [
                #""id":"a","function":{"name":"f","arguments":"1"}"#,
                #""id":"b","function":{"name":"g","arguments":"2"}"#,
            ],
            [
                #""index":null,"id":"a","function":{"name":"f","arguments":"1"}"#,
                #""index":null,"id":"b","function":{"name":"g","arguments":"2"}"#,
            ],
            [
                #""index":0,"id":"a","function":{"name":"f","arguments":"1"}"#,
                #""index":0,"id":"b","function":{"name":"g","arguments":"2"}"#,
            ],
            [
                #""index":1,"id":"a","function":{"name":"f","arguments":"1"}"#,
                #""index":4,"id":"b","function":{"name":"g","arguments":"2"}"#,
            ],
        ])
    func denseIndexes(deltas: [String]) {
        let events = Formats.decodeChat(deltas.map(call) + end)
        #expect(events.folded.response.choices[0].parts.count == 2)
        var encoder = ChatStreamEncoder(Formats.context())
        let text = encoder.text(events)
        #expect(text.contains(#""index":0,"id":"a""#) && text.contains(#""index":1,"id":"b""#))
    }

    @Test("E-22 a delta with neither index nor id belongs to the newest call")
    func continuation() {
        let found = calls(
            [call(#""id":"a","function":{"name":"f","arguments":"{\"x\""}"#), call(#""function":{"arguments":":1}"}"#)]
                + end)
        #expect(found == [CanonicalToolCall(id: "a", name: "f", arguments: #"{"x":1}"#)])
    }

    @Test("E-23 arguments as object, null or number")
    func argumentTypes() {
        let found = calls(
            [
                call(#""index":0,"id":"a","function":{"name":"f","arguments":{"z":1.0,"a":9007199254740993}}"#),
                call(#""index":1,"id":"b","function":{"name":"g","arguments":null}"#),
                call(#""index":2,"id":"c","function":{"name":"h","arguments":7}"#),
            ] + end)
        #expect(found.map(\.arguments) == [#"{"z":1.0,"a":9007199254740993}"#, "", "7"])
    }

    @Test("E-24 repeated ids and names are sent once, and late ids are waited for")
    func repeatedIdentity() {
        let repeated = calls(
            [
                call(#""index":0,"id":"a","function":{"name":"f","arguments":"{"}"#),
                call(#""index":0,"id":"a","function":{"name":"f","arguments":"}"}"#),
                call(#""index":0,"id":"","function":{"name":null,"arguments":""}"#),
            ] + end)
        #expect(repeated == [CanonicalToolCall(id: "a", name: "f", arguments: "{}")])
        let late = calls(
            [
                call(#""index":0,"function":{"name":"f","arguments":"{"}"#),
                call(#""index":0,"function":{"arguments":"}"}"#),
                call(#""index":0,"id":"a""#),
            ] + end)
        #expect(late == [CanonicalToolCall(id: "a", name: "f", arguments: "{}")])
    }

    @Test("E-24 an id that never comes is minted from the request, the same every time")
    func mintedIdentity() {
        let frames = [call(#""index":0,"function":{"name":"f","arguments":"{}"}"#)] + end
        let id = calls(frames).first?.id ?? ""
        #expect(id.hasPrefix("call_") && id == calls(frames).first?.id)
    }

    @Test("E-25 two calls in one chunk, each with all its arguments")
    func wholeCalls() {
        let frame = Formats.chunk(
            #"""
            {"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{\"x\":1}"}},{"index":1,
            "id":"b","function":{"name":"g","arguments":"{}"}}]}
            """#
        )
        #expect(calls([frame] + end).map(\.arguments) == [#"{"x":1}"#, "{}"])
    }

    @Test("E-27 text between the deltas of a call does not tear it apart")
    func textInCall() {
        let frames =
            [
                call(#""index":0,"id":"a","function":{"name":"f","arguments":"{\"x\""}"#),
                Formats.chunk(#"{"content":""}"#),
                Formats.chunk(#"{"content":"hm"}"#), call(#""index":0,"function":{"arguments":":1}"}"#),
            ] + end
        let events = Formats.decodeChat(frames)
        var encoder = MessagesStreamEncoder(Formats.context())
        let blocks = MessagesBlocks(encoder.text(events))
        #expect(blocks.isWellFormed)
        #expect(blocks.list.map(\.type) == ["tool_use", "text"])
        #expect(blocks.list[0].content == #"{"x":1}"# && blocks.list[1].content == "hm")
    }

    @Test("E-28 odd roles, null contents and missing deltas are tolerated")
    func oddDeltas() {
        let found = parts([
            Formats.chunk(#"{"content":null}"#), Formats.chunk(#"{"role":"assistant","content":"a"}"#),
            #"{"choices":[{"index":0,"delta":null,"finish_reason":null}]}"#,
            Formats.chunk(#"{"role":"assistant","content":"b"}"#), #"{"choices":[{"index":0}]}"#, "[DONE]",
        ])
        #expect(found == [.text("ab")])
    }

    @Test("E-28 a message where a delta should be, and a complete answer in one frame (E-9)")
    func wholeMessage() {
        let body =
            #"""
            {"id":"c","object":"chat.completion","model":"m","choices":[{"index":0,
            "message":{"role":"assistant","content":"hi","tool_calls":[{"id":"a","type":"function",
            "function":{"name":"f","arguments":"{}"}}]},"finish_reason":"tool_calls"}],
            "usage":{"prompt_tokens":1,"completion_tokens":2}}
            """#
        let events = Formats.decodeChat([body])
        #expect(events.folded.isClean)
        #expect(events.folded.response.choices[0].parts.count == 2)
        #expect(events.folded.response.usage == TokenCounts(input: 1, output: 2))
        var encoder = MessagesStreamEncoder(Formats.context())
        #expect(MessagesBlocks(encoder.text(events)).list.map(\.content) == ["hi", "{}"])
    }

    @Test("E-29 a call without arguments shows an empty object to both clients")
    func noArguments() {
        let events = Formats.decodeChat([call(#""index":0,"id":"a","function":{"name":"f"}"#)] + end)
        var chat = ChatStreamEncoder(Formats.context())
        #expect(chat.text(events).contains(#""function":{"arguments":"{}"}"#))
        var messages = MessagesStreamEncoder(Formats.context())
        #expect(MessagesBlocks(messages.text(events)).list.map(\.content) == ["{}"])
    }

    @Test("E-30 a complete answer becomes a stream with its whole life cycle")
    func synthetic() throws {
        let source = try Fixture.json("turn/chat.response.json")
        let events = try ChatResponseReader.read(source, context: Formats.context()).events()
        var encoder = MessagesStreamEncoder(Formats.context())
        let text = encoder.text(events)
        #expect(MessagesBlocks(text).isWellFormed)
        #expect(text.contains("input_json_delta") && text.contains("signature_delta") && text.contains("message_stop"))
        #expect(
            events.folded.response.choices[0].parts
                == (try ChatResponseReader.read(source, context: Formats.context())).choices[0].parts)
    }

    @Test("E-31 several choices keep apart, and the first index may be 1")
    func choices() {
        let fold = fold([
            Formats.chunk(#"{"content":"b"}"#, index: 1), Formats.chunk(#"{"content":"a"}"#, index: 0),
            Formats.chunk(#"{"content":"B"}"#, index: 1), Formats.chunk("{}", finish: "stop", index: 0),
            Formats.chunk("{}", finish: "length", index: 1), "[DONE]",
        ])
        #expect(fold.response.choices.map(\.parts) == [[.text("a")], [.text("bB")]])
        #expect(fold.response.choices.map { $0.finish?.reason } == [.stop, .length])
        let single = Formats.decodeChat([Formats.chunk(#"{"content":"x"}"#, finish: "stop", index: 1), "[DONE]"])
        var encoder = MessagesStreamEncoder(Formats.context())
        #expect(MessagesBlocks(encoder.text(single)).list.map(\.content) == ["x"])
    }

    @Test("E-31 with one choice unfinished the stream is cut")
    func unfinishedChoice() {
        let fold = fold([
            Formats.chunk(#"{"content":"b"}"#, index: 1), Formats.chunk(#"{"content":"a"}"#, finish: "stop"),
        ])
        #expect(!fold.isClean && fold.error?.category == .truncated)
    }

    @Test("E-32 legacy calls are calls, and go back to a client that uses them as such")
    func legacy() {
        let events = Formats.decodeChat([
            Formats.chunk(#"{"function_call":{"name":"f","arguments":""}}"#),
            Formats.chunk(#"{"function_call":{"arguments":"{\"x\":1}"}}"#),
            Formats.chunk("{}", finish: "function_call"), "[DONE]",
        ])
        guard case .toolCall(let call)? = events.folded.response.choices[0].parts.first?.content else {
            Issue.record("no call")
            return
        }
        #expect(call.name == "f" && call.arguments == #"{"x":1}"#)
        var context = Formats.context()
        context.request.legacyFunctions = true
        var encoder = ChatStreamEncoder(context)
        let text = encoder.text(events)
        #expect(text.contains(#""function_call":{"name":"f","arguments":""}"#))
        #expect(text.contains(#""finish_reason":"function_call""#) && !text.contains("tool_calls"))
    }

    @Test("E-33 a refusal stays a refusal")
    func refusal() {
        let events = Formats.decodeChat([
            Formats.chunk(#"{"refusal":"I "}"#), Formats.chunk(#"{"refusal":"won't"}"#, finish: "stop"), "[DONE]",
        ])
        #expect(events.folded.response.choices[0].parts == [CanonicalPart(.refusal("I won't"))])
        #expect(events.folded.response.choices[0].finish?.reason == .refusal)
        var messages = MessagesStreamEncoder(Formats.context())
        #expect(messages.text(events).contains(#""stop_reason":"refusal""#))
        var chat = ChatStreamEncoder(Formats.context())
        let text = chat.text(events)
        #expect(text.contains(#""refusal":"won't""#) && text.contains(#""finish_reason":"stop""#))
    }

    @Test("E-34 reasoning under two names at once is taken once")
    func doubleReasoning() {
        let found = parts([
            Formats.chunk(#"{"reasoning_content":"a","reasoning":"a"}"#),
            Formats.chunk(#"{"reasoning":"b"}"#, finish: "stop"), "[DONE]",
        ])
        #expect(found == [CanonicalPart(.reasoning(CanonicalReasoning(text: "ab")))])
    }

    @Test("E-35 text that equals the reasoning is still text")
    func equalText() {
        let found = parts([
            Formats.chunk(#"{"reasoning_content":"same"}"#), Formats.chunk(#"{"content":"same"}"#, finish: "stop"),
            "[DONE]",
        ])
        #expect(found.count == 2 && found[1] == .text("same"))
    }

    @Test("E-37 white space is kept to the letter")
    func whiteSpace() {
        let found = parts([
            Formats.chunk(#"{"content":"\n"}"#), Formats.chunk(#"{"content":"  "}"#),
            Formats.chunk(#"{"content":"\t\r\n"}"#, finish: "stop"), "[DONE]",
        ])
        #expect(found == [.text("\n  \t\r\n")])
    }

    @Test("E-39 the client sees one id, time and model")
    func stableIdentity() {
        let events = Formats.decodeChat([
            #"{"id":"one","created":"17","model":"","choices":[{"index":0,"delta":{"content":"a"}}]}"#,
            #"""
            {"id":"two","created":18.5,"model":"other","choices":[{"index":0,"delta":{"content":"b"},
            "finish_reason":"stop"}]}
            """#,
            "[DONE]",
        ])
        var encoder = ChatStreamEncoder(Formats.context { $0.requestedModel = "alias" })
        let text = encoder.text(events)
        for frame in text.split(separator: "\n\n").dropLast() {
            #expect(
                frame.contains(#""id":"chatcmpl-req1""#) && frame.contains(#""created":1763690000"#)
                    && frame.contains(#""model":"alias""#))
        }
    }

    @Test("E-41 a finish without [DONE] is complete", arguments: [StreamEnd.endOfStream, .cut])
    func missingDone(ending: StreamEnd) {
        let fold = fold([Formats.chunk(#"{"content":"a"}"#, finish: "stop")], then: ending)
        #expect(fold.isClean)
    }

    @Test("E-42 the terminal ends the answer at once")
    func terminal() {
        var decoder = ChatStreamDecoder(Formats.context())
        _ = decoder.take(TestFrame(data: Formats.chunk(#"{"content":"a"}"#, finish: "stop")))
        #expect(decoder.take(TestFrame(data: "[DONE]")).last?.type == .end)
    }

    @Test(
        "E-43 an error in the stream is one error and the end",
        arguments: [
            #"{"error":{"message":"busy","type":"server_error","code":"server_is_overloaded"}}"#, #"{"error":"busy"}"#,
            #"{"message":"busy","code":503}"#,
        ])
    func streamError(frame: String) {
        let events = Formats.decodeChat([frame, Formats.chunk(#"{"content":"a"}"#), "[DONE]"])
        #expect(events.types == [.start, .error, .end])
        #expect(events[1].text == "busy" && events.last?.clean == false)
    }

    @Test("E-13 a surrogate pair cut between deltas is joined, and a lone half replaced")
    func surrogates() {
        let joined = parts([
            Formats.chunk(#"{"content":"a\ud83c"}"#), Formats.chunk(#"{"content":"\udf0db"}"#, finish: "stop"),
            "[DONE]",
        ])
        #expect(joined == [.text("a🌍b")])
        let lone = parts([
            Formats.chunk(#"{"content":"a\ud83c"}"#), Formats.chunk(#"{"content":"b"}"#, finish: "stop"), "[DONE]",
        ])
        #expect(lone == [.text("a\u{FFFD}b")])
    }

    @Test("A frame that is no JSON is a cut at the end and a fault before")
    func brokenFrame() {
        #expect(fold([Formats.chunk(#"{"content":"a"}"#), #"{"id":"c","cho"#]).error?.category == .truncated)
        let middle = fold(["<html>", Formats.chunk(#"{"content":"a"}"#)])
        #expect(middle.error?.category == .upstreamInvalid && !middle.isClean)
    }

    @Test("A client that left gets no clean end")
    func cancelled() {
        let fold = fold([Formats.chunk(#"{"content":"a"}"#, finish: "stop")], then: .cancelled)
        #expect(!fold.isClean && fold.error?.category == .cancelled)
    }
}

extension FinishReason {
    static let everyone = (1...11).compactMap { FinishReason(rawValue: $0) }
}
