import Foundation
import PatchbayPlugin
import PatchbayWire
import Testing

@testable import CanonicalChat
@testable import FormatAnthropicMessages
@testable import FormatOpenAIChat

@Suite("Streams of conversation formats")
struct FormatStreamTests {
    private func chat(_ file: String, tap: Bool = false, then ending: StreamEnd = .endOfStream) throws -> [AnswerEvent]
    {
        var decoder = ChatStreamDecoder(Formats.context { $0.tap = tap })
        return decoder.takeAll(TestFrame.all(try Fixture.text("turn/\(file).sse")), then: ending)
    }

    private func messages(_ file: String, tap: Bool = false, then ending: StreamEnd = .endOfStream) throws
        -> [AnswerEvent]
    {
        var decoder = MessagesStreamDecoder(Formats.context { $0.tap = tap })
        return decoder.takeAll(TestFrame.all(try Fixture.text("turn/\(file).sse")), then: ending)
    }

    @Test("A Chat stream folds to the complete answer of the same turn")
    func chatFold() throws {
        let fold = try chat("chat").folded
        var expected = try ChatResponseReader.read(
            try Fixture.json("turn/chat.response.json"), context: Formats.context())
        expected.native = nil
        expected.created = nil
        expected.choices[0].native = nil
        if case .toolCall(var call) = expected.choices[0].parts[3].content {
            call.arguments = ""
            expected.choices[0].parts[3].content = .toolCall(call)
        }
        #expect(fold.response == expected)
        #expect(fold.isClean && fold.isEnded && fold.error == nil)
    }

    @Test("A Messages stream folds to the complete answer of the same turn")
    func messagesFold() throws {
        let fold = try messages("messages").folded
        var expected = try MessagesResponseReader.read(
            try Fixture.json("turn/messages.response.json"), context: Formats.context())
        expected.native = nil
        if case .toolCall(var call) = expected.choices[0].parts[3].content {
            call.arguments = ""
            expected.choices[0].parts[3].content = .toolCall(call)
        }
        #expect(fold.response == expected)
        #expect(fold.isClean && fold.isEnded && fold.error == nil)
    }

    @Test("Every pair of formats carries a stream over", arguments: ["chat", "messages"])
    func pairs(source: String) throws {
        let events = source == "chat" ? try chat("chat") : try messages("messages")
        let original = events.folded.response
        var context = Formats.context()
        context.request.includeUsage = true
        var chatEncoder = ChatStreamEncoder(context)
        var messagesEncoder = MessagesStreamEncoder(context)
        var chatDecoder = ChatStreamDecoder(context)
        var messagesDecoder = MessagesStreamDecoder(context)
        let overChat = chatDecoder.takeAll(TestFrame.all(chatEncoder.text(events))).folded
        let overMessages = messagesDecoder.takeAll(TestFrame.all(messagesEncoder.text(events))).folded
        for fold in [overChat, overMessages] {
            #expect(fold.isClean)
            #expect(fold.response.usage == original.usage)
            #expect(fold.response.choices[0].finish?.reason == .toolCalls)
            #expect(completed(fold.response) == completed(original))
        }
    }

    /// Parts with empty arguments spelled as the object they mean.
    private func completed(_ response: CanonicalResponse) -> [CanonicalPart] {
        response.choices[0].parts.map { part in
            guard case .toolCall(var call) = part.content, call.arguments.isEmpty else { return part }
            call.arguments = "{}"
            return CanonicalPart(.toolCall(call))
        }
    }

    @Test("The encoded streams are the expected bytes", arguments: ["chat", "messages"])
    func goldenBytes(source: String) throws {
        let events = source == "chat" ? try chat("chat") : try messages("messages")
        var context = Formats.context { $0.requestedModel = "alias" }
        context.request.includeUsage = true
        var chatEncoder = ChatStreamEncoder(context)
        var messagesEncoder = MessagesStreamEncoder(context)
        let lines: JSONValue = [
            "chat": .array(chatEncoder.text(events).split(separator: "\n\n").map { .string(String($0)) }),
            "messages": .array(messagesEncoder.text(events).split(separator: "\n\n").map { .string(String($0)) }),
        ]
        try Fixture.expect(lines, equals: "turn/\(source).encoded.json")
    }

    @Test("Frames in one batch and frames one by one give the same events")
    func batches() throws {
        for source in ["chat", "messages"] {
            let frames = TestFrame.all(try Fixture.text("turn/\(source).sse"))
            var whole: [AnswerEvent] = []
            var single: [AnswerEvent] = []
            if source == "chat" {
                var first = ChatStreamDecoder(Formats.context())
                var second = ChatStreamDecoder(Formats.context())
                whole = first.takeAll(frames)
                for frame in frames { single += second.take(frame) }
            } else {
                var first = MessagesStreamDecoder(Formats.context())
                var second = MessagesStreamDecoder(Formats.context())
                whole = first.takeAll(frames)
                for frame in frames { single += second.take(frame) }
            }
            #expect(whole == single)
        }
    }

    @Test(
        "E-40 a cut stream ends with an error, never clean, and completes no call",
        arguments: ["cut-at-frame", "cut-mid-frame"], [StreamEnd.endOfStream, .cut, .timeout])
    func cut(kind: String, ending: StreamEnd) throws {
        for events in [try chat("chat." + kind, then: ending), try messages("messages." + kind, then: ending)] {
            let fold = events.folded
            #expect(fold.isEnded && !fold.isClean)
            #expect(fold.error?.category == (ending == .timeout ? .timeout : .truncated))
            #expect(!events.types.contains(.finish))
            #expect(!fold.isClosed(0, 2))
            expectError(events)
        }
    }

    /// Both encoders say the error in their own way and complete nothing.
    private func expectError(_ events: [AnswerEvent]) {
        var chatEncoder = ChatStreamEncoder(Formats.context())
        let chat = chatEncoder.text(events)
        #expect(!chat.contains("[DONE]") && !chat.contains(#""finish_reason":""#))
        #expect(chat.hasSuffix("\n\n") && chat.contains(#"data: {"error":{"message":"#))
        var messagesEncoder = MessagesStreamEncoder(Formats.context())
        let messages = messagesEncoder.text(events)
        #expect(!messages.contains("message_stop") && !messages.contains("message_delta"))
        #expect(messages.contains("event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":"))
        let starts = messages.components(separatedBy: "event: content_block_start").count
        let stops = messages.components(separatedBy: "event: content_block_stop").count
        #expect(starts >= stops)
        if let call = messages.range(of: "tool_use") {
            #expect(!messages[call.upperBound...].contains("content_block_stop"))
        }
    }

    @Test("E-40 no prefix of a stream passes for a whole one")
    func prefixes() throws {
        for source in ["chat", "messages"] {
            let stream = try Fixture.text("turn/\(source).sse")
            let bytes = Array(stream.utf8)
            let mark = source == "chat" ? #""finish_reason":"tool_calls""# : #""stop_reason":"tool_use""#
            let terminal = stream.utf8.distance(
                from: stream.startIndex, to: try #require(stream.range(of: mark)).upperBound)
            for count in stride(from: 0, to: terminal, by: 7) {
                let frames = TestFrame.all(String(decoding: bytes[..<count], as: UTF8.self))
                var events: [AnswerEvent] = []
                if source == "chat" {
                    var decoder = ChatStreamDecoder(Formats.context())
                    events = decoder.takeAll(frames)
                } else {
                    var decoder = MessagesStreamDecoder(Formats.context())
                    events = decoder.takeAll(frames)
                }
                #expect(events.last?.type == .end && events.last?.clean == false)
                #expect(events.count { $0.type == .end } == 1)
                #expect(events.first?.type == .start)
            }
        }
    }

    @Test("Accounting mode reports start, usage, finish and end, and that content came")
    func tapMode() throws {
        for events in [try chat("chat", tap: true), try messages("messages", tap: true)] {
            let fold = events.folded
            #expect(fold.isClean)
            #expect(
                fold.response.usage == TokenCounts(input: 100, output: 42, cached: 75, cacheWrite: 5, reasoning: 12))
            #expect(fold.response.choices[0].finish?.reason == .toolCalls)
            #expect(events.types.filter { $0 == .partOpen }.count == 1)
            #expect(events.count < 10)
        }
        for events in [
            try chat("chat.cut-at-frame", tap: true), try messages("messages.cut-at-frame", tap: true),
            try chat("chat.cut-mid-frame", tap: true), try messages("messages.cut-mid-frame", tap: true),
        ] {
            #expect(events.last?.clean == false)
            #expect(events.contains { $0.type == .error })
        }
    }

    @Test("The usage chunk goes only to a client that asked for it")
    func includeUsage() throws {
        let events = try chat("chat")
        for asked in [true, false] {
            var context = Formats.context()
            context.request.includeUsage = asked
            var encoder = ChatStreamEncoder(context)
            let text = encoder.text(events)
            #expect(text.contains(#""choices":[],"usage":{"#) == asked)
            #expect(text.contains(#""usage":null"#) == asked)
            #expect(text.hasSuffix("data: [DONE]\n\n"))
        }
    }

    @Test("Nothing follows the end of a stream")
    func afterEnd() throws {
        var decoder = ChatStreamDecoder(Formats.context())
        var events = decoder.takeAll(data: [Formats.chunk(#"{"content":"a"}"#, finish: "stop"), "[DONE]"])
        let count = events.count
        events += decoder.take(TestFrame(data: Formats.chunk(#"{"content":"b"}"#)))
        decoder.finish(.endOfStream, into: &events)
        #expect(events.count == count)
    }
}
