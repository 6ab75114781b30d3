import PatchbayPlugin
import PatchbayWire
import Testing

@testable import CanonicalChat
@testable import FormatAnthropicMessages
@testable import FormatGemini
@testable import FormatOpenAIChat

@Suite("Gemini streams")
struct GeminiStreamTests {
    @Test("A stream folds to the complete answer of the same turn")
    func fold() throws {
        let fold = try Gemini.turn("gemini").folded
        var expected = try GeminiResponseReader.read(
            try Fixture.json("turn/gemini.response.json"), context: Formats.context())
        expected.native = nil
        for index in expected.choices[0].parts.indices { expected.choices[0].parts[index].native = nil }
        expected.choices[0].native = nil
        #expect(fold.response == expected)
        #expect(fold.isClean && fold.isEnded && fold.error == nil)
    }

    @Test("E-42 an answer settles with its reasons to finish, and no longer when another begins", arguments: [true, false])
    func settled(tap: Bool) {
        func frame(_ index: Int, finish: String? = nil) -> TestFrame {
            let reason = finish.map { ",\"finishReason\":\"\($0)\"" } ?? ""
            return TestFrame(
                data: #"{"candidates":[{"index":\#(index),"content":{"parts":[{"text":"a"}]}\#(reason)}]}"#)
        }
        var context = Formats.context()
        context.tap = tap
        var decoder = GeminiStreamDecoder(context)
        func settling(_ frame: TestFrame) -> [Bool] { decoder.take(frame).compactMap(\.isSettled) }
        #expect(settling(frame(0)).isEmpty)
        #expect(settling(frame(0, finish: "STOP")) == [true])
        #expect(settling(TestFrame(data: #"{"usageMetadata":{"totalTokenCount":3}}"#)).isEmpty)
        #expect(settling(frame(1)) == [false])
        #expect(settling(frame(1, finish: "MAX_TOKENS")) == [true])
        #expect(settling(TestFrame(data: #"{"error":{"code":500,"message":"x"}}"#)).isEmpty)
        var refused = GeminiStreamDecoder(Formats.context())
        let events = refused.take(TestFrame(data: #"{"promptFeedback":{"blockReason":"SAFETY"}}"#))
        #expect(events.compactMap(\.isSettled) == [true])
    }

    @Test("Every pair of formats carries a stream over", arguments: ["chat", "messages", "gemini"])
    func pairs(source: String) throws {
        let original = try events(source)
        var encoder = GeminiStreamEncoder(Formats.context())
        let text = encoder.text(original)
        var decoder = GeminiStreamDecoder(Formats.context())
        let fold = decoder.takeAll(TestFrame.all(text.replacing("\r\n", with: "\n"))).folded
        #expect(fold.isClean)
        #expect(texts(fold.response) == texts(original.folded.response))
        #expect(calls(fold.response) == calls(original.folded.response))
        #expect(fold.response.choices[0].finish?.reason == .toolCalls)
        var expected = original.folded.response.usage
        // The format does not count what is written to a cache.
        expected.cacheWrite = nil
        #expect(fold.response.usage == expected)
    }

    private func events(_ source: String) throws -> [AnswerEvent] {
        let frames = TestFrame.all(try Fixture.text("turn/\(source).sse"))
        switch source {
        case "chat":
            var decoder = ChatStreamDecoder(Formats.context())
            return decoder.takeAll(frames)
        case "messages":
            var decoder = MessagesStreamDecoder(Formats.context())
            return decoder.takeAll(frames)
        default: return try Gemini.turn(source)
        }
    }

    private func texts(_ response: CanonicalResponse) -> [String] {
        response.choices[0].parts.compactMap {
            switch $0.content {
            case .text(let text): text
            case .reasoning(let reasoning): reasoning.text.isEmpty ? nil : reasoning.text
            default: nil
            }
        }
    }

    private func calls(_ response: CanonicalResponse) -> [[String]] {
        response.choices[0].parts.compactMap {
            guard case .toolCall(let call) = $0.content else { return nil }
            return [call.id, call.name, call.arguments.isEmpty ? "{}" : call.arguments]
        }
    }

    @Test("The encoded stream is the expected bytes", arguments: ["chat", "messages", "gemini"])
    func goldenBytes(source: String) throws {
        var encoder = GeminiStreamEncoder(Formats.context { $0.requestedModel = "alias" })
        let text = encoder.text(try events(source))
        let frames = text.split(separator: "\r\n\r\n").map { JSONValue.string(String($0)) }
        try Fixture.expect(.array(frames), equals: "turn/\(source).encoded-gemini.json")
        #expect(text.hasSuffix("\r\n\r\n"))
        // The official client fails on anything but one space after the colon.
        #expect(frames.allSatisfy { $0.stringValue?.hasPrefix("data: {") == true })
    }

    @Test("E-1 E-2 E-5 bytes cut anywhere, with any line end, give the same events", arguments: ["\n", "\r\n", "\r"])
    func splitAnywhere(lineEnd: String) throws {
        let stream = try Fixture.text("turn/gemini.sse")
        let expected = try Gemini.turn("gemini")
        let bytes = Array(stream.replacing("\n", with: lineEnd).utf8)
        for split in 0...bytes.count {
            var splitter = SSEFrameSplitter()
            var decoder = GeminiStreamDecoder(Formats.context())
            var events: [AnswerEvent] = []
            for piece in [bytes[..<split], bytes[split...]] {
                Array(piece).withUnsafeBytes { raw in
                    var position = 0
                    while let frame = try? splitter.next(in: raw, at: &position) {
                        guard let data = frame.data else { continue }
                        decoder.frame(event: UnsafeRawBufferPointer(start: nil, count: 0), data: data, into: &events)
                    }
                }
            }
            if let last = splitter.finish()?.data {
                decoder.frame(event: UnsafeRawBufferPointer(start: nil, count: 0), data: last, into: &events)
            }
            decoder.finish(.endOfStream, into: &events)
            guard events == expected else {
                Issue.record("cut at byte \(split)")
                return
            }
        }
    }

    @Test("The array form gives the same events, cut anywhere")
    func arrays() throws {
        let frames = TestFrame.all(try Fixture.text("turn/gemini.sse")).map(\.data)
        let bytes = Array("[\(frames.joined(separator: ",\r\n"))\n]\n".utf8)
        let expected = try Gemini.turn("gemini")
        for split in 0...bytes.count {
            var splitter = JSONArraySplitter()
            var decoder = GeminiStreamDecoder(Formats.context())
            var events: [AnswerEvent] = []
            for piece in [bytes[..<split], bytes[split...]] {
                try Array(piece).withUnsafeBytes { raw in
                    try splitter.feed(raw) { element in
                        decoder.frame(event: UnsafeRawBufferPointer(start: nil, count: 0), data: element, into: &events)
                    }
                }
            }
            decoder.finish(.endOfStream, into: &events)
            guard events == expected, splitter.isComplete else {
                Issue.record("cut at byte \(split)")
                return
            }
        }
        // A whole array in one frame means the same.
        #expect(Gemini.decode([String(decoding: bytes, as: UTF8.self)]) == expected)
    }

    @Test("Frames in one batch and frames one by one give the same events")
    func batches() throws {
        var decoder = GeminiStreamDecoder(Formats.context())
        var single: [AnswerEvent] = []
        for frame in TestFrame.all(try Fixture.text("turn/gemini.sse")) { single += decoder.take(frame) }
        decoder.finish(.endOfStream, into: &single)
        #expect(single == (try Gemini.turn("gemini")))
    }

    @Test(
        "E-40 a cut stream ends with an error, never clean, and completes no call",
        arguments: ["cut-at-frame", "cut-mid-frame"], [StreamEnd.endOfStream, .cut, .timeout, .cancelled])
    func cut(kind: String, ending: StreamEnd) throws {
        for tap in [false, true] {
            let events = try Gemini.turn("gemini." + kind, tap: tap, then: ending)
            let fold = events.folded
            #expect(fold.isEnded && !fold.isClean && fold.error != nil)
            #expect(!events.types.contains(.finish))
        }
        let events = try Gemini.turn("gemini." + kind, then: ending)
        #expect(!events.contains { $0.kind == .toolCall })
        var encoder = GeminiStreamEncoder(Formats.context())
        let shown = encoder.text(events)
        #expect(!shown.contains("finishReason") && !shown.contains("functionCall"))
        let last = try #require(TestFrame.all(shown.replacing("\r\n", with: "\n")).last)
        #expect(last.data.hasPrefix(#"{"error":{"code":"#))
    }

    @Test("E-40 a call of another format that was cut is never shown")
    func cutCall() throws {
        for source in ["chat", "messages"] {
            for kind in ["cut-at-frame", "cut-mid-frame"] {
                let events = try events(source, cut: kind)
                var encoder = GeminiStreamEncoder(Formats.context())
                let shown = encoder.text(events)
                #expect(!shown.contains("functionCall") && !shown.contains("finishReason"))
                #expect(shown.contains(#"data: {"error":{"#))
            }
        }
    }

    private func events(_ source: String, cut kind: String) throws -> [AnswerEvent] {
        let frames = TestFrame.all(try Fixture.text("turn/\(source).\(kind).sse"))
        if source == "chat" {
            var decoder = ChatStreamDecoder(Formats.context())
            return decoder.takeAll(frames)
        }
        var decoder = MessagesStreamDecoder(Formats.context())
        return decoder.takeAll(frames)
    }

    @Test("E-40 no prefix of a stream passes for a whole one")
    func prefixes() throws {
        let stream = try Fixture.text("turn/gemini.sse")
        let bytes = Array(stream.utf8)
        let mark = try #require(stream.range(of: #""finishReason""#)).lowerBound
        let terminal = stream.utf8.distance(from: stream.startIndex, to: mark)
        for count in 0..<terminal {
            let events = Gemini.decode(
                TestFrame.all(String(decoding: bytes[..<count], as: UTF8.self)).map(\.data))
            guard events.last?.type == .end, events.last?.clean == false, events.first?.type == .start,
                events.count(where: { $0.type == .end }) == 1
            else {
                Issue.record("cut at byte \(count)")
                return
            }
        }
    }

    @Test("Accounting mode reports start, usage, finish and end, and that content came")
    func tapMode() throws {
        let events = try Gemini.turn("gemini", tap: true)
        let fold = events.folded
        #expect(fold.isClean)
        #expect(fold.response.usage == TokenCounts(input: 100, output: 42, cached: 75, reasoning: 12))
        #expect(fold.response.choices[0].finish?.reason == .stop)
        #expect(fold.response.model == "gemini-3-flash")
        #expect(events.types.filter { $0 == .partOpen }.count == 1)
        #expect(events.count < 10)
    }

    @Test("Nothing follows the end of a stream")
    func afterEnd() {
        var decoder = GeminiStreamDecoder(Formats.context())
        var events = decoder.takeAll(data: [Gemini.frame(#"{"text":"a"}"#, #","finishReason":"STOP""#)])
        let count = events.count
        events += decoder.take(TestFrame(data: Gemini.frame(#"{"text":"b"}"#)))
        decoder.finish(.endOfStream, into: &events)
        #expect(events.count == count)
    }
}
