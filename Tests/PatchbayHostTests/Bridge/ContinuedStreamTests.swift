import CPatchbay
import PatchbayCore
import Testing

@testable import PatchbayHost

/// What a client gets of an answer that several attempts write, and what stands in the way of going on with one.
struct ContinuedStreamTests {
    /// An event in words, such as `open 0 text`, `text 0 hello`, `finish 0`.
    private struct Event {
        var type: Int
        var part = 0
        var kind = 0
        var field = 0
        var choice = 0
        var text = ""
        var id = ""
        var name = ""
        var usage = TokenUsage()
        var isClean = false
    }

    /// Writes down what it gets.
    private final class Listener: EventConsumer {
        var words: [String] = []
        var text: String { words.filter { $0.hasPrefix("text") }.map { String($0.drop { $0 != ":" }.dropFirst()) }.joined() }

        override init() { super.init() }

        override func take(
            _ events: UnsafePointer<pb_event>, _ count: UInt32, _ sink: UnsafePointer<pb_sink>
        ) -> pb_status {
            StreamEvent.forEach(events, count: count) { record in
                let event = StreamEvent(record)
                switch event.kind {
                case .start: words.append("start \(String(decoding: event.id, as: UTF8.self))")
                case .partOpen: words.append("open \(event.part) \(event.partKind)")
                case .partDelta: words.append("text \(event.part):" + String(decoding: event.text, as: UTF8.self))
                case .partClose: words.append("close \(event.part)")
                case .finish: words.append("finish")
                case .usage: words.append("usage \(event.usage.input ?? 0) \(event.usage.output ?? 0)")
                case .error: words.append("error")
                case .end: words.append(event.isClean ? "end" : "break")
                default: words.append("other")
                }
                return Status.ok
            }
        }
    }

    private static let start = Event(type: PB_EVENT_START, id: "a1", name: "m1")
    private static let opened = Event(type: PB_EVENT_PART_OPEN, kind: PB_PART_TEXT)
    private static let closed = Event(type: PB_EVENT_PART_CLOSE)
    private static let finish = Event(type: PB_EVENT_FINISH)
    private static let end = Event(type: PB_EVENT_END, isClean: true)
    private static let broken = [Event(type: PB_EVENT_ERROR), Event(type: PB_EVENT_END)]

    private static func said(_ text: String, part: Int = 0) -> Event {
        Event(type: PB_EVENT_PART_DELTA, part: part, field: PB_FIELD_TEXT, text: text)
    }

    private func send(_ events: [Event], to stream: EventConsumer) {
        var target = ByteSink()
        for event in events {
            var (text, id, name) = (event.text, event.id, event.name)
            text.withUTF8 { text in
                id.withUTF8 { id in
                    name.withUTF8 { name in
                        var record = pb_event()
                        record.size = UInt32(MemoryLayout<pb_event>.size)
                        record.type = UInt16(event.type)
                        record.part = UInt32(event.part)
                        record.kind = UInt32(event.kind)
                        record.field = UInt32(event.field)
                        record.choice = UInt32(event.choice)
                        record.text = pb_str(UnsafeRawBufferPointer(text))
                        record.id = pb_str(UnsafeRawBufferPointer(id))
                        record.name = pb_str(UnsafeRawBufferPointer(name))
                        record.flags = event.isClean ? PB_EVENT_CLEAN : 0
                        record.input_tokens = event.usage.input ?? .max
                        record.output_tokens = event.usage.output ?? .max
                        (record.cached_tokens, record.cache_write_tokens, record.reasoning_tokens) = (.max, .max, .max)
                        #expect(target.withSink { stream.take(&record, 1, $0) } == Status.ok)
                    }
                }
            }
        }
    }

    private func delivered(_ events: [Event]) -> DeliveredAnswer {
        let stream = ContinuedStream()
        send([Self.start] + events, to: stream)
        return stream.delivered
    }

    // MARK: - Joining

    @Test func nothingTellsThatAnotherAttemptGoesOn() {
        let listener = Listener()
        let stream = ContinuedStream(next: listener)
        send([Self.start, Self.opened, Self.said("Once upon")] + Self.broken, to: stream)
        stream.goOn(after: TokenUsage(input: 5, output: 2))
        send(
            [
                Event(type: PB_EVENT_START, id: "b2", name: "m2"), Event(type: PB_EVENT_PART_OPEN, part: 3, kind: PB_PART_TEXT),
                Self.said(" a time", part: 3), Event(type: PB_EVENT_PART_CLOSE, part: 3),
                Event(type: PB_EVENT_USAGE, usage: TokenUsage(input: 7, output: 3)), Self.finish, Self.end,
            ], to: stream)
        #expect(
            listener.words == [
                "start a1", "open 0 1", "text 0:Once upon", "text 0: a time", "close 0", "usage 12 5", "finish", "end",
            ])
    }

    @Test func aWriterIsBroughtToWhereTheClientIs() {
        let stream = ContinuedStream()
        send([Self.start, Self.opened, Self.said("One."), Self.closed], to: stream)
        send([Event(type: PB_EVENT_PART_OPEN, part: 1, kind: PB_PART_TEXT), Self.said("Two", part: 1)], to: stream)
        let listener = Listener()
        _ = stream.restore(into: listener)
        #expect(
            listener.words == ["start a1", "open 0 1", "text 0:One.", "close 0", "open 1 1", "text 1:Two"])
        stream.goOn(after: TokenUsage())
        send([Self.start, Self.opened, Self.said(" and three"), Self.finish, Self.end], to: stream)
        #expect(listener.words.suffix(4) == ["text 1: and three", "close 1", "finish", "end"])
    }

    @Test func aCallOfTheContinuationGetsAnIndexOfItsOwn() {
        let listener = Listener()
        let stream = ContinuedStream(next: listener)
        send([Self.start, Self.opened, Self.said("Let me look.")], to: stream)
        stream.goOn(after: TokenUsage())
        send(
            [
                Self.start, Event(type: PB_EVENT_PART_OPEN, kind: PB_PART_TOOL_CALL, id: "c", name: "look"),
                Event(type: PB_EVENT_PART_DELTA, field: PB_FIELD_ARGUMENTS, text: "{}"), Self.closed, Self.finish, Self.end,
            ], to: stream)
        #expect(
            listener.words.suffix(6) == ["close 0", "open 1 4", "text 1:{}", "close 1", "finish", "end"])
        #expect(stream.delivered.obstacle == .toolCall)
    }

    @Test func reasoningOfTheContinuationIsLeftOut() {
        let listener = Listener()
        let stream = ContinuedStream(next: listener)
        send([Self.start, Self.opened, Self.said("One")], to: stream)
        stream.goOn(after: TokenUsage())
        send(
            [
                Self.start, Event(type: PB_EVENT_PART_OPEN, kind: PB_PART_REASONING), Self.said("hm"), Self.closed,
                Event(type: PB_EVENT_PART_OPEN, part: 1, kind: PB_PART_TEXT), Self.said(" two", part: 1), Self.finish, Self.end,
            ], to: stream)
        #expect(listener.text == "One two")
        #expect(listener.words.suffix(3) == ["close 0", "finish", "end"])
    }

    @Test func itGoesOnAsOftenAsItBreaks() {
        let listener = Listener()
        let stream = ContinuedStream(next: listener)
        send([Self.start, Self.opened, Self.said("One ")] + Self.broken, to: stream)
        for word in ["two ", "three "] {
            stream.goOn(after: TokenUsage())
            send([Self.start, Self.opened, Self.said(" " + word)] + Self.broken, to: stream)
        }
        stream.goOn(after: TokenUsage())
        send([Self.start, Self.opened, Self.said("four"), Self.closed, Self.finish, Self.end], to: stream)
        #expect(listener.text == "One two three four")
        #expect(!listener.words.contains("error") && !listener.words.contains("break"))
    }

    // MARK: - Obstacles

    @Test func plainTextHasNoObstacle() {
        let answer = delivered([Self.opened, Self.said("Grüße \n")])
        #expect(answer.obstacle == nil)
        #expect(answer.characters == 7)
        #expect(String(decoding: answer.beginning, as: UTF8.self) == "Grüße")
        #expect(Array(answer.trailingSpace) == [0x20, 0x0a])
    }

    @Test func openReasoningBeforeTheTextIsNone() {
        let thought = [Event(type: PB_EVENT_PART_OPEN, kind: PB_PART_REASONING), Self.said("hm"), Self.closed]
        let text = [Event(type: PB_EVENT_PART_OPEN, part: 1, kind: PB_PART_TEXT), Self.said("So", part: 1)]
        #expect(delivered(thought + text).obstacle == nil)
        #expect(delivered(thought).obstacle == .noText)
        let signature = [Event(type: PB_EVENT_PART_DELTA, field: PB_FIELD_OPAQUE, text: "sealed")]
        #expect(delivered(Array(thought.dropLast()) + signature + text).obstacle == .reasoning)
        let hidden = [Event(type: PB_EVENT_PART_OPEN, kind: PB_PART_REASONING_REDACTED)]
        #expect(delivered(hidden + text).obstacle == .reasoning)
        #expect(delivered([Self.opened, Self.said("So")] + [Event(type: PB_EVENT_PART_OPEN, part: 1, kind: PB_PART_REASONING)]).obstacle == .reasoning)
    }

    @Test func whatIsNotPlainTextIsAnObstacle() {
        let text = [Self.opened, Self.said("So")]
        #expect(delivered([]).obstacle == .noText)
        #expect(delivered([Self.opened, Self.said(" \n")]).obstacle == .noText)
        #expect(delivered(text + [Event(type: PB_EVENT_PART_OPEN, part: 1, kind: PB_PART_TOOL_CALL)]).obstacle == .toolCall)
        #expect(delivered(text + [Event(type: PB_EVENT_PART_OPEN, part: 1, kind: PB_PART_IMAGE)]).obstacle == .otherContent)
        #expect(delivered(text + [Event(type: PB_EVENT_PART_OPEN, part: 1, kind: PB_PART_REFUSAL)]).obstacle == .otherContent)
        #expect(delivered(text + [Event(type: PB_EVENT_PART_OPEN, kind: PB_PART_TEXT, choice: 1)]).obstacle == .severalChoices)
        #expect(delivered(text + [Event(type: PB_EVENT_PART_NOTE)]).obstacle == .annotations)
        #expect(delivered(text + [Event(type: PB_EVENT_NATIVE, id: "logprobs", name: "canon")]).obstacle == .annotations)
        #expect(delivered(text + [Self.closed]).obstacle == nil)
        #expect(delivered(text + [Self.finish]).obstacle == .finished)
    }

    @Test func whatIsKeptIsBounded() {
        let piece = String(repeating: "word ", count: 2_000)
        let answer = delivered([Self.opened] + (0..<30).map { _ in Self.said(piece) })
        #expect(answer.obstacle == .tooLong)
        #expect(answer.text.isEmpty)
    }
}
