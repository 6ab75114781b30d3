import PatchbayPlugin
import PatchbayWire
import Testing

@testable import CanonicalChat
@testable import FormatAnthropicMessages
@testable import FormatOpenAIChat

@Suite("Irregular Messages streams")
struct MessagesStreamIrregularityTests {
    private let start =
        #"""
        {"type":"message_start","message":{"id":"msg_1","model":"m","content":[],"usage":{"input_tokens":0,
        "output_tokens":0}}}
        """#
    private let stop = #"{"type":"message_stop"}"#

    private func delta(_ reason: String, _ usage: String = "{}") -> String {
        #"{"type":"message_delta","delta":{"stop_reason":"\#(reason)","stop_sequence":null},"usage":\#(usage)}"#
    }

    private func text(_ text: String, _ index: Int = 0) -> [String] {
        [
            #"{"type":"content_block_start","index":\#(index),"content_block":{"type":"text","text":""}}"#,
            #"{"type":"content_block_delta","index":\#(index),"delta":{"type":"text_delta","text":"\#(text)"}}"#,
            #"{"type":"content_block_stop","index":\#(index)}"#,
        ]
    }

    @Test("Frames without event names are read by the type in their data")
    func namelessFrames() {
        let fold = Formats.decodeMessages([start] + text("a") + [delta("end_turn"), stop]).folded
        #expect(fold.isClean && fold.response.choices[0].parts == [.text("a")])
    }

    @Test("E-7 the type in the data outweighs the event name")
    func conflictingName() {
        var decoder = MessagesStreamDecoder(Formats.context())
        _ = decoder.take(TestFrame(data: start))
        let events = decoder.take(TestFrame(event: "ping", data: text("a")[0]))
        #expect(events.types == [.partOpen])
    }

    @Test("E-22 the block index of the upstream is not the index of a Chat call")
    func blockIndex() {
        let events = Formats.decodeMessages(
            [start] + text("a") + [
                #"""
                {"type":"content_block_start","index":5,"content_block":{"type":"tool_use","id":"t","name":"f",
                "input":{}}}
                """#,
                #"{"type":"content_block_stop","index":5}"#, delta("tool_use"), stop,
            ])
        var encoder = ChatStreamEncoder(Formats.context())
        #expect(encoder.text(events).contains(#""tool_calls":[{"index":0,"id":"t""#))
    }

    @Test("Input that comes whole with the start of a block is delivered")
    func wholeInput() {
        let fold = Formats.decodeMessages([
            start,
            #"""
            {"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"t","name":"f",
            "input":{"b":1.0,"a":2}}}
            """#,
            #"{"type":"content_block_stop","index":0}"#, delta("tool_use"), stop,
        ]).folded
        #expect(
            fold.response.choices[0].parts.first?.content
                == .toolCall(CanonicalToolCall(id: "t", name: "f", arguments: #"{"b":1.0,"a":2}"#)))
    }

    @Test("Deltas win over the input of the start, and blocks nobody announced are opened")
    func oddBlocks() {
        let fold = Formats.decodeMessages([
            start,
            #"""
            {"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"t","name":"f",
            "input":{"x":1}}}
            """#,
            #"{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{}"}}"#,
            #"{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"late"}}"#,
            delta("end_turn"), stop,
        ]).folded
        #expect(
            fold.response.choices[0].parts == [
                CanonicalPart(.toolCall(CanonicalToolCall(id: "t", name: "f", arguments: "{}"))), .text("late"),
            ])
        #expect(fold.response.choices[0].finish?.reason == .toolCalls)
    }

    @Test("Usage takes the last known value of each counter")
    func usage() {
        let fold = Formats.decodeMessages([
            #"""
            {"type":"message_start","message":{"id":"m","usage":{"input_tokens":10,"cache_read_input_tokens":5,
            "output_tokens":1}}}
            """#,
            delta("end_turn", #"{"input_tokens":0,"cache_creation_input_tokens":null,"output_tokens":7}"#), stop,
        ]).folded
        #expect(fold.response.usage == TokenCounts(input: 15, output: 7, cached: 5))
        let late = Formats.decodeMessages([start, delta("end_turn", #"{"input_tokens":9,"output_tokens":3}"#), stop])
            .folded
        #expect(late.response.usage == TokenCounts(input: 9, output: 3))
    }

    @Test("E-41 a stop reason without message_stop is complete, anything less is cut")
    func missingStop() {
        #expect(Formats.decodeMessages([start] + text("a") + [delta("end_turn")]).folded.isClean)
        let cut = Formats.decodeMessages([start] + text("a")).folded
        #expect(!cut.isClean && cut.error?.category == .truncated)
        #expect(Formats.decodeMessages([]).types == [.start, .error, .end])
    }

    @Test("E-43 an error event ends the stream")
    func streamError() {
        let events = Formats.decodeMessages([
            start, #"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#, stop,
        ])
        #expect(events.types == [.start, .error, .end])
        #expect(events[1].errorValue.category == .overloaded)
        var encoder = MessagesStreamEncoder(Formats.context())
        #expect(
            encoder.text(events)
                == "event: error\ndata: "
                + #"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"# + "\n\n"
        )
        var chat = ChatStreamEncoder(Formats.context())
        #expect(
            chat.text(events)
                == #"data: {"error":{"message":"Overloaded","type":"server_error","param":null,"#
                + #""code":"server_is_overloaded"}}"# + "\n\n"
        )
    }

    @Test("E-60 a signature without text is kept")
    func signatureOnly() {
        let events = Formats.decodeMessages(
            [
                start,
                #"""
                {"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"",
                "signature":""}}
                """#,
                #"{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"c2ln"}}"#,
                #"{"type":"content_block_stop","index":0}"#,
                #"{"type":"content_block_start","index":1,"content_block":{"type":"redacted_thinking","data":"cmVk"}}"#,
                #"{"type":"content_block_stop","index":1}"#,
            ] + text("a", 2) + [delta("end_turn"), stop])
        var encoder = MessagesStreamEncoder(Formats.context())
        let shown = encoder.text(events)
        let blocks = MessagesBlocks(shown)
        #expect(blocks.isWellFormed && blocks.list.map(\.type) == ["thinking", "redacted_thinking", "text"])
        #expect(blocks.list[0].signature == "c2ln" && shown.contains(#""data":"cmVk""#))
        var chat = ChatStreamEncoder(Formats.context())
        var back = ChatStreamDecoder(Formats.context())
        let again = back.takeAll(TestFrame.all(chat.text(events))).folded
        #expect(again.response.choices[0].parts == events.folded.response.choices[0].parts)
    }

    @Test("What another provider sealed reaches a Messages client wrapped only")
    func foreignSignature() {
        let sealed = CanonicalOpaque(kind: "encrypted_content", provider: "openai", data: "x")
        let events: [AnswerEvent] = [
            .start(id: "a", model: "m"), .open(0, 0, .reasoning), .opaque(0, 0, sealed), .close(0, 0),
            .open(0, 1, .reasoningRedacted), .opaque(0, 1, sealed), .close(0, 1), .open(0, 2, .text),
            .delta(0, 2, .text, "t"), .close(0, 2), .finish(0, CanonicalFinish(.stop)), .end(clean: true),
        ]
        var encoder = MessagesStreamEncoder(Formats.context())
        let text = encoder.text(events)
        let blocks = MessagesBlocks(text)
        #expect(blocks.isWellFormed && blocks.list.map(\.type) == ["thinking", "redacted_thinking", "text"])
        #expect(!text.contains(#""signature":"x""#) && !text.contains(#""data":"x""#))
    }

    @Test("Blocks that only this format has pass between its decoder and its encoder")
    func serverBlocks() {
        let block =
            #"{"type":"web_search_tool_result","tool_use_id":"s","content":[{"type":"web_search_result","url":"u"}]}"#
        let events = Formats.decodeMessages([
            start, #"{"type":"content_block_start","index":0,"content_block":\#(block)}"#,
            #"{"type":"content_block_stop","index":0}"#, delta("end_turn"), stop,
        ])
        var encoder = MessagesStreamEncoder(Formats.context())
        #expect(encoder.text(events).contains(block))
        var chat = ChatStreamEncoder(Formats.context())
        #expect(!chat.text(events).contains("web_search"))
    }

    @Test("An unknown event is handed on as native")
    func unknownEvent() {
        let events = Formats.decodeMessages([start, #"{"type":"rate_limit","left":1}"#, delta("end_turn"), stop])
        let native = events.first { $0.type == .native }
        #expect(native?.name == "anthropic.messages" && native?.id == "rate_limit")
    }

    @Test("E-9 a complete answer where a stream was expected becomes one")
    func wholeAnswer() throws {
        let body = try Fixture.json("turn/messages.response.json").description
        let events = Formats.decodeMessages([body])
        #expect(events.folded.isClean && events.folded.response.choices[0].parts.count == 4)
    }

    @Test("A stop sequence keeps its value in its own format and is a stop in the other")
    func stopSequence() {
        let events = Formats.decodeMessages(
            [start] + text("a") + [
                #"{"type":"message_delta","delta":{"stop_reason":"stop_sequence","stop_sequence":"END"},"usage":{}}"#,
                stop,
            ])
        var encoder = MessagesStreamEncoder(Formats.context())
        #expect(encoder.text(events).contains(#""stop_reason":"stop_sequence","stop_sequence":"END""#))
        var chat = ChatStreamEncoder(Formats.context())
        #expect(chat.text(events).contains(#""finish_reason":"stop""#))
    }

    @Test("A refusal after text is shown as refusal to a Chat client, and one without text as filtered")
    func refusal() {
        let some = Formats.decodeMessages([start] + text("Well") + [delta("refusal"), stop])
        var chat = ChatStreamEncoder(Formats.context())
        let shown = chat.text(some)
        #expect(shown.contains(#""refusal":"The model"#) && shown.contains(#""finish_reason":"stop""#))
        let none = Formats.decodeMessages([start, delta("refusal"), stop])
        var second = ChatStreamEncoder(Formats.context())
        #expect(second.text(none).contains(#""finish_reason":"content_filter""#))
    }

    @Test("Empty text opens no block, and an answer without parts is complete")
    func nothing() {
        let events = Formats.decodeChat([
            Formats.chunk(#"{"role":"assistant","content":""}"#), Formats.chunk("{}", finish: "stop"), "[DONE]",
        ])
        var encoder = MessagesStreamEncoder(Formats.context())
        let shown = encoder.text(events)
        #expect(MessagesBlocks(shown).list.isEmpty && shown.contains("message_start") && shown.contains("message_stop"))
    }
}
