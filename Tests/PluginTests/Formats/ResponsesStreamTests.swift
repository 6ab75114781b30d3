import PatchbayPlugin
import PatchbayWire
import Testing

@testable import CanonicalChat
@testable import FormatAnthropicMessages
@testable import FormatOpenAIChat
@testable import FormatOpenAIResponses

@Suite("Streams of the Responses format")
struct ResponsesStreamTests {
    private static let formats = ["chat", "messages", "responses"]

    @Test("A Responses stream folds to the complete answer of the same turn")
    func fold() throws {
        let fold = try Responses.turn("responses").folded
        var expected = try ResponsesResponseReader.read(
            try Fixture.json("turn/responses.response.json"), context: Formats.context())
        expected.native = nil
        expected.created = nil
        expected.serviceTier = nil
        for index in expected.choices[0].parts.indices { expected.choices[0].parts[index].native = nil }
        #expect(fold.response == expected)
        #expect(fold.isClean && fold.isEnded && fold.error == nil)
    }

    @Test("Every pair of formats carries a stream over", arguments: formats, formats)
    func pairs(source: String, target: String) throws {
        let original = try Responses.events(of: source).folded.response
        let stream = Responses.encode(try Responses.events(of: source), as: target)
        let frames = TestFrame.all(stream)
        let fold =
            switch target {
            case "chat": Formats.decodeChat(frames.map(\.data)).folded
            case "messages": Formats.decodeMessages(frames.map(\.data)).folded
            default: Responses.decode(frames).folded
            }
        #expect(fold.isClean && fold.error == nil)
        #expect(fold.response.usage == original.usage)
        #expect(fold.response.choices[0].finish?.reason == .toolCalls)
        #expect(plain(fold.response) == plain(original))
    }

    /// What every format can say of the turn: text of reasoning and answer, and the calls.
    private func plain(_ response: CanonicalResponse) -> [CanonicalPart] {
        response.choices[0].parts.map { part in
            switch part.content {
            case .reasoning(let reasoning): return CanonicalPart(.reasoning(CanonicalReasoning(text: reasoning.text)))
            case .toolCall(var call):
                if call.arguments.isEmpty { call.arguments = "{}" }
                return CanonicalPart(.toolCall(call))
            case let content: return CanonicalPart(content)
            }
        }
    }

    @Test("Sealed reasoning finds its way back through a client of another format", arguments: formats, formats)
    func sealedReasoning(source: String, client: String) throws {
        let events = try Responses.events(of: source)
        let original = try #require(opaque(in: events))
        let stream = Responses.encode(events, as: client)
        let frames = TestFrame.all(stream)
        let decoded =
            switch client {
            case "chat": Formats.decodeChat(frames.map(\.data))
            case "messages": Formats.decodeMessages(frames.map(\.data))
            default: Responses.decode(frames)
            }
        let kept = try #require(opaque(in: decoded))
        // Clients of Messages send back the text of the signature, which the reader of their requests takes apart.
        let found = OpaqueCarrier.unwrapped(kept.data)?.opaque ?? kept
        #expect(found.data == original.data && found.provider == original.provider)
    }

    private func opaque(in events: [AnswerEvent]) -> CanonicalOpaque? {
        for part in events.folded.response.choices[0].parts {
            if case .reasoning(let reasoning) = part.content { return reasoning.opaque }
        }
        return nil
    }

    @Test("The encoded streams are the expected bytes", arguments: formats)
    func goldenBytes(source: String) throws {
        let events = try Responses.events(of: source)
        let targets = source == "responses" ? Self.formats : ["responses"]
        var members = JSONObject()
        for target in targets {
            let text = Responses.encode(events, as: target) { $0.requestedModel = "alias" }
            members.append(target, .array(text.split(separator: "\n\n").map { .string(String($0)) }))
        }
        try Fixture.expect(.object(members), equals: "turn/\(source)-with-responses.encoded.json")
    }

    @Test("Frames in one batch and frames one by one give the same events")
    func batches() throws {
        let frames = TestFrame.all(try Fixture.text("turn/responses.sse"))
        var decoder = ResponsesStreamDecoder(Formats.context())
        var single: [AnswerEvent] = []
        for frame in frames { single += decoder.take(frame) }
        #expect(single == Responses.decode(frames))
    }

    @Test("E-1 E-2 split at every byte, with every kind of line end, the events are the same")
    func splits() throws {
        let stream = try Fixture.text("turn/responses.sse")
        let expected = try Responses.turn("responses")
        for ending in ["\n", "\r\n", "\r"] {
            let bytes = Array((": hello\n\n" + stream).replacing("\n", with: ending).utf8)
            for size in [1, 2, 17, 64] { #expect(try decode(bytes, by: size) == expected) }
        }
    }

    private func decode(_ bytes: [UInt8], by size: Int) throws -> [AnswerEvent] {
        var splitter = SSEFrameSplitter()
        var decoder = ResponsesStreamDecoder(Formats.context())
        var events: [AnswerEvent] = []
        let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
        for start in stride(from: 0, to: bytes.count, by: size) {
            try Array(bytes[start..<min(start + size, bytes.count)]).withUnsafeBytes { chunk in
                var position = 0
                while let frame = try splitter.next(in: chunk, at: &position) {
                    guard let data = frame.data else { continue }
                    decoder.frame(event: frame.event ?? nothing, data: data, into: &events)
                }
            }
        }
        decoder.finish(.endOfStream, into: &events)
        return events
    }

    @Test(
        "E-40 a cut stream ends with an error, never clean, and completes no call",
        arguments: ["cut-at-frame", "cut-mid-frame"], [StreamEnd.endOfStream, .cut, .timeout])
    func cut(kind: String, ending: StreamEnd) throws {
        let events = try Responses.turn("responses." + kind, then: ending)
        let fold = events.folded
        #expect(fold.isEnded && !fold.isClean)
        #expect(fold.error?.category == (ending == .timeout ? .timeout : .truncated))
        #expect(!events.types.contains(.finish) && !fold.isClosed(0, 2))
        for target in Self.formats { expectBroken(Responses.encode(events, as: target), target) }
    }

    @Test("E-40 cut streams of other formats break for a client of this one", arguments: ["chat", "messages"])
    func foreignCut(source: String) throws {
        for kind in ["cut-at-frame", "cut-mid-frame"] {
            let frames = TestFrame.all(try Fixture.text("turn/\(source).\(kind).sse")).map(\.data)
            let events = source == "chat" ? Formats.decodeChat(frames) : Formats.decodeMessages(frames)
            expectBroken(Responses.encode(events, as: "responses"), "responses")
        }
    }

    private func expectBroken(_ stream: String, _ format: String) {
        switch format {
        case "chat": #expect(!stream.contains("[DONE]") && stream.contains(#"data: {"error":{"message":"#))
        case "messages": #expect(!stream.contains("message_stop") && stream.contains("event: error\n"))
        default:
            #expect(!stream.contains("response.completed") && !stream.contains("response.incomplete"))
            #expect(!stream.contains("function_call_arguments.done"))
            #expect(stream.contains("event: response.failed\n") || stream.contains("event: error\n"))
            #expect(!stream.contains(#""type":"function_call","status":"completed""#))
        }
    }

    @Test("E-40 no prefix of a stream passes for a whole one")
    func prefixes() throws {
        let stream = try Fixture.text("turn/responses.sse")
        let bytes = Array(stream.utf8)
        let mark = try #require(stream.range(of: "event: response.completed"))
        let terminal = stream.utf8.distance(from: stream.startIndex, to: mark.upperBound)
        for count in stride(from: 0, to: terminal, by: 7) {
            let events = Responses.decode(TestFrame.all(String(decoding: bytes[..<count], as: UTF8.self)))
            #expect(events.last?.type == .end && events.last?.clean == false)
            #expect(events.count { $0.type == .end } == 1)
            #expect(events.first?.type == .start)
        }
    }

    @Test("Accounting mode reports start, usage, finish and end, and that content came")
    func tapMode() throws {
        let events = try Responses.turn("responses", tap: true)
        let fold = events.folded
        #expect(fold.isClean)
        #expect(fold.response.usage == TokenCounts(input: 100, output: 42, cached: 75, cacheWrite: 5, reasoning: 12))
        #expect(fold.response.choices[0].finish?.reason == .toolCalls)
        #expect(events.types == [.start, .partOpen, .usage, .finish, .end])
        for kind in ["cut-at-frame", "cut-mid-frame"] {
            let events = try Responses.turn("responses.\(kind)", tap: true)
            #expect(events.last?.clean == false && events.contains { $0.type == .error })
        }
    }

    @Test("Items and contents follow the order of the format, and numbers are dense", arguments: formats)
    func order(source: String) throws {
        var validator = ResponsesOrder()
        for frame in try Responses.documents(Responses.encode(try Responses.events(of: source), as: "responses")) {
            validator.take(frame)
        }
        #expect(validator.problems.isEmpty, "\(validator.problems)")
        #expect(validator.isOver)
    }
}

/// Checks a stream against the order that clients demand.
struct ResponsesOrder {
    private(set) var problems: [String] = []
    private(set) var isOver = false
    private var count = 0
    private var open: [Int: Set<Int>] = [:]
    private var items = 0

    mutating func take(_ frame: JSONValue) {
        let type = frame["type"]?.stringValue ?? ""
        if isOver { problems.append("\(type) after the end") }
        if frame["sequence_number"]?.intValue != count { problems.append("\(type) has the wrong number") }
        if count == 0, type != "response.created", type != "error" { problems.append("begins with \(type)") }
        count += 1
        let index = frame["output_index"]?.intValue ?? -1
        let content = frame["content_index"]?.intValue ?? frame["summary_index"]?.intValue ?? -1
        switch type {
        case "response.output_item.added":
            if index != items { problems.append("item \(index) is not dense") }
            items += 1
            open[index] = []
        case "response.output_item.done":
            if open.removeValue(forKey: index) == nil { problems.append("item \(index) ends twice") }
        case "response.content_part.added", "response.reasoning_summary_part.added":
            if open[index]?.insert(content).inserted != true { problems.append("part \(content) begins out of place") }
        case "response.output_text.delta", "response.refusal.delta", "response.reasoning_summary_text.delta":
            if open[index]?.contains(content) != true { problems.append("\(type) out of place") }
        case "response.completed", "response.incomplete":
            isOver = true
            if !open.isEmpty { problems.append("items are open at the end") }
            if frame["response"]?["output"]?.arrayValue?.count != items { problems.append("output is not complete") }
        case "response.failed", "error": isOver = true
        default: break
        }
    }
}
