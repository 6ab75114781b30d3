import PatchbayPlugin
import PatchbayWire
import Testing

@testable import CanonicalChat
@testable import FormatAnthropicMessages
@testable import FormatOpenAIChat

/// Answers at the edges, numbered as in docs/edge-cases.md.
@Suite("Answers at the edges")
struct AnswerEdgeTests {
    @Test("E-3 separators of Unicode within a text come through as they are")
    func separators() {
        let text = "a\u{2028}b\u{2029}c\u{85}d"
        let events = Formats.decodeChat([
            Formats.chunk(#"{"content":"\#(text)"}"#), Formats.chunk("{}", finish: "stop"), "[DONE]",
        ])
        #expect(events.folded.response.choices[0].parts.map(\.content) == [.text(text)])
        var encoder = MessagesStreamEncoder(Formats.context())
        #expect(encoder.text(events).contains(text))
    }

    @Test("E-14 bytes that are no UTF-8, and control characters, end no stream")
    func invalidBytes() throws {
        var frame = Array(#"{"id":"c","choices":[{"index":0,"delta":{"content":"a"#.utf8)
        frame += [0xFF, 0xE2, 0x82] + Array(#"\u0000\u001bb"}}]}"#.utf8)
        var decoder = ChatStreamDecoder(Formats.context())
        var events: [AnswerEvent] = []
        frame.withUnsafeBytes {
            decoder.frame(event: UnsafeRawBufferPointer(start: nil, count: 0), data: $0, into: &events)
        }
        events += decoder.takeAll(data: [Formats.chunk("{}", finish: "stop"), "[DONE]"])
        let fold = events.folded
        #expect(fold.isClean)
        guard case .text(let text)? = fold.response.choices[0].parts.first?.content else {
            Issue.record("no text")
            return
        }
        #expect(text.hasPrefix("a\u{FFFD}") && text.hasSuffix("\u{0}\u{1B}b"))
        var encoder = MessagesStreamEncoder(Formats.context())
        #expect(encoder.text(events).contains(#"\u0000\u001bb"#))
    }

    @Test(
        "E-15 numbers that JSON does not have are a fault of the upstream", arguments: ["NaN", "Infinity", "-Infinity"])
    func nonNumbers(word: String) {
        let fold = Formats.decodeChat([
            Formats.chunk(#"{"content":"a"}"#),
            #"{"id":"c","choices":[{"index":0,"delta":{"content":"b"},"logprobs":{"content":[{"logprob":\#(word)}]}}]}"#,
            Formats.chunk("{}", finish: "stop"), "[DONE]",
        ]).folded
        #expect(fold.error != nil && !fold.isClean)
        let document = #"{"id":"c","choices":[{"index":0,"message":{"content":"a"},"x":\#(word)}]}"#
        #expect(throws: JSONError.self) { try JSONValue(parsing: document) }
    }

    @Test("E-64 an answer that pauses says so to clients of its format, and is a plain stop to others")
    func pause() throws {
        let answer =
            #"""
            {"id":"msg_1","type":"message","role":"assistant","model":"m","content":[{"type":"text","text":"a"}],
            "stop_reason":"pause_turn","usage":{"input_tokens":1,"output_tokens":1}}
            """#
        var context = Formats.context()
        let response = try MessagesResponseReader.read(try JSONValue(parsing: answer), context: context)
        #expect(response.choices[0].finish?.reason == .pause)
        let messages = try JSONValue(parsing: MessagesResponseWriter.write(response, context: &context))
        #expect(messages["stop_reason"] == "pause_turn")
        let chat = try JSONValue(parsing: ChatResponseWriter.write(response, context: &context))
        #expect(chat["choices"]?[0]?["finish_reason"] == "stop")
    }

    @Test(
        "E-59 E-69 a refusal of sealed reasoning is known as such, in the words of every vendor",
        arguments: [
            "messages.1.content.0: Invalid `signature` in `thinking` block",
            "`thinking` or `redacted_thinking` blocks cannot be modified",
            "Item 'rs_1' of type 'reasoning' was not found", "Thought signature is not valid",
            "Function call is missing a thought_signature in functionCall parts",
        ])
    func refusedReasoning(sentence: String) {
        let body: JSONValue = ["error": ["message": .string(sentence), "type": "invalid_request_error"]]
        let error = body.serialised().withUnsafeBytes { MessagesErrors.read(status: 400, $0) }
        #expect(error.category == .invalidReasoningState)
    }
}
