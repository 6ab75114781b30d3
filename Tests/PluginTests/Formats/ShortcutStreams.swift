import PatchbayPlugin
import PatchbayWire

@testable import CanonicalChat

/// Reads a stream as the host does: frames that are known go the short way, where it is open.
struct ShortcutStream<Decoder: AnswerDecoder, Encoder: AnswerEncoder> {
    var decoder: Decoder
    /// Nil = the stream is passed on as it is.
    var encoder: Encoder?
    let takesShortcuts: Bool
    private(set) var output: [UInt8] = []
    /// Events that the decoder has made, deltas left out where it was spared some of them.
    private(set) var events: [AnswerEvent] = []
    private(set) var textBytes = 0
    private(set) var framesTaken = 0
    private var splitter = SSEFrameSplitter()
    private var shortcut: FrameShortcut?

    init(_ decoder: Decoder, _ encoder: Encoder?, takesShortcuts: Bool) {
        self.decoder = decoder
        self.encoder = encoder
        self.takesShortcuts = takesShortcuts
    }

    /// Takes a stream that arrives in pieces which end at `cuts`.
    mutating func takeAll(_ stream: [UInt8], cuts: [Int]) throws {
        var start = 0
        for end in cuts.sorted() + [stream.count] where end > start {
            try Array(stream[start..<end]).withUnsafeBytes { try take($0) }
            start = end
        }
        if let frame = splitter.finish() { take(frame) }
        var rest: [AnswerEvent] = []
        decoder.finish(.endOfStream, into: &rest)
        note(rest)
    }

    private mutating func take(_ chunk: UnsafeRawBufferPointer) throws {
        var position = 0
        while true {
            if let shortcut, splitter.isBetweenFrames {
                let run = shortcut.take(chunk, from: &position, into: &output)
                framesTaken += run.frames
                textBytes += run.textBytes
            }
            guard let frame = try splitter.next(in: chunk, at: &position) else { return }
            take(frame)
            if takesShortcuts, let data = frame.data { shortcut = learned(frame, data) }
        }
    }

    private mutating func take(_ frame: SSEFrame) {
        if let data = frame.data {
            var made: [AnswerEvent] = []
            decoder.frame(event: frame.event ?? UnsafeRawBufferPointer(start: nil, count: 0), data: data, into: &made)
            note(made)
        }
        if encoder == nil { output.append(contentsOf: frame.raw) }
    }

    private mutating func note(_ made: [AnswerEvent]) {
        for event in made {
            encoder?.encode(event, into: &output)
            if event.type == .partDelta {
                textBytes += event.text.utf8.count
            } else {
                events.append(event)
            }
        }
    }

    private mutating func learned(_ frame: SSEFrame, _ data: UnsafeRawBufferPointer) -> FrameShortcut? {
        let name = frame.event ?? UnsafeRawBufferPointer(start: nil, count: 0)
        guard let pattern = decoder.pattern(event: name, data: data), let start = data.baseAddress,
            let first = frame.raw.baseAddress
        else { return nil }
        let holes = pattern.holes.map { hole in
            let kind: FrameHole.Kind =
                switch hole.kind {
                case .string: .string
                case .digits: .digits
                case .text: .text
                }
            return FrameHole(
                kind, hole.range.lowerBound + (start - first)..<hole.range.upperBound + (start - first))
        }
        guard let encoder else { return FrameShortcut(passing: frame.raw, holes) }
        guard let sides = encoder.sides(choice: pattern.choice, part: pattern.part, pattern.field) else { return nil }
        return FrameShortcut(converting: frame.raw, holes, before: sides.before, behind: sides.behind)
    }
}

/// Makes streams with what servers are known to send, and what they are not.
struct StreamMaker {
    private var random: SeededRandom

    init(seed: UInt64) {
        random = SeededRandom(seed: seed)
    }

    /// The inside of a JSON string.
    mutating func lexeme() -> String {
        let odd = [
            #"\n"#, #"\""#, #"\\"#, "é", "漢字", "😀", #"\u00e9"#, #"\ud83d"#, #"\ude00"#, #"\/"#, "", #"\t\r\b\f"#, "\u{7F}",
            "\u{2028}", #"\u0000"#,
        ]
        return (0..<Int.random(in: 0...4, using: &random)).map { _ in
            Int.random(in: 0..<5, using: &random) == 0
                ? odd.randomElement(using: &random) ?? "" : [" word", "a", "Hello there", "1"].randomElement(using: &random) ?? ""
        }.joined()
    }

    /// Cuts of a stream of so many bytes.
    mutating func cuts(_ count: Int) -> [Int] {
        (0..<Int.random(in: 0...12, using: &random)).map { _ in Int.random(in: 0...count, using: &random) }
    }

    mutating func pick<Element>(_ elements: [Element]) -> Element {
        elements[Int.random(in: elements.indices, using: &random)]
    }

    mutating func chance(_ one: Int) -> Bool { Int.random(in: 0..<one, using: &random) == 0 }

    // MARK: - Chat

    /// A stream in which one kind of chunk follows another for a while.
    mutating func chatStream() -> String {
        var stream = chatFrame(#"{"role":"assistant","content":""}"#)
        for _ in 0..<Int.random(in: 2...6, using: &random) {
            let kind = Int.random(in: 0...11, using: &random)
            let call = Int.random(in: 0...1, using: &random)
            for position in 0..<Int.random(in: 1...8, using: &random) {
                stream += chatFrame(chatDelta(kind, call, isFirst: position == 0), index: kind == 9 ? position % 2 : 0)
                if chance(12) { stream += pick([": ka\n\n", "event: ping\ndata: {}\n\n", "\n", chatUsage()]) }
            }
        }
        if chance(10) { stream += pick(["data: {\"error\":{\"message\":\"x\"}}\n\n", "data: {\"broken\n\n", "data: {"]) }
        stream += chatFrame("{}", finish: #""stop""#)
        stream += chatUsage() + "data: [DONE]\n\n"
        return chance(6) ? stream.replacing("\n", with: "\r\n") : stream
    }

    private mutating func chatDelta(_ kind: Int, _ call: Int, isFirst: Bool) -> String {
        let text = lexeme()
        switch kind {
        case 0...3, 9: return #"{"content":"\#(text)"}"#
        case 4: return #"{"reasoning_content":"\#(text)"}"#
        case 5: return #"{"content":null,"reasoning":"\#(text)","role":"assistant"}"#
        case 6: return #"{"refusal":"\#(text)"}"#
        case 7, 8:
            let name = isFirst ? #""name":"f\#(call)","# : ""
            let id = isFirst || chance(4) ? #""id":"call_\#(call)","# : ""
            let index = kind == 7 ? #""index":\#(call),"# : ""
            return #"{"tool_calls":[{\#(index)\#(id)"type":"function","function":{\#(name)"arguments":"\#(text)"}}]}"#
        case 10:
            return #"{"content":"\#(text)","reasoning_details":[{"type":"reasoning.text","text":"\#(lexeme())"}]}"#
        default: return #"{"content":"\#(text)","annotations":[]}"#
        }
    }

    private mutating func chatFrame(_ delta: String, finish: String = "null", index: Int = 0) -> String {
        let created = chance(3) ? Int.random(in: 0...99, using: &random) : 7
        let noise = chance(2) ? #","obfuscation":"\#(lexeme())""# : ""
        let logprobs = chance(20) ? #""logprobs":{"content":[]},"# : ""
        let choice = #"{"index":\#(index),"delta":\#(delta),\#(logprobs)"finish_reason":\#(finish)}"#
        return #"data: {"id":"c","created":\#(created),"model":"m","choices":[\#(choice)]\#(noise)}"# + "\n\n"
    }

    private mutating func chatUsage() -> String {
        let count = Int.random(in: 1...9, using: &random)
        return "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":\(count)}}\n\n"
    }

    // MARK: - Messages

    mutating func messagesStream() -> String {
        let start = #"{"type":"message_start","message":{"id":"m","model":"x","usage":{"input_tokens":3}}}"#
        var stream = "event: message_start\ndata: \(start)\n\n"
        for index in 0..<Int.random(in: 1...5, using: &random) {
            let kind = Int.random(in: 0...2, using: &random)
            let content = [
                #"{"type":"text","text":""}"#, #"{"type":"thinking","thinking":"","signature":""}"#,
                #"{"type":"tool_use","id":"t\#(index)","name":"f","input":{}}"#,
            ]
            if !chance(15) { stream += block("start", index, #""content_block":\#(content[kind])"#) }
            for _ in 0..<Int.random(in: 0...8, using: &random) {
                stream += block("delta", index, #""delta":\#(messagesDelta(kind))"#)
                if chance(12) { stream += pick([": ka\n\n", "event: ping\ndata: {\"type\":\"ping\"}\n\n", "\n"]) }
            }
            if !chance(10) { stream += block("stop", index, nil) }
        }
        if chance(10) { stream += pick(["event: error\ndata: {\"type\":\"error\"}\n\n", "data: {\"broken\n\n", "data: {"]) }
        let delta = #"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":9}}"#
        stream += "event: message_delta\ndata: \(delta)\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"
        return chance(6) ? stream.replacing("\n", with: "\r\n") : stream
    }

    private mutating func messagesDelta(_ kind: Int) -> String {
        let text = lexeme()
        if chance(15) { return #"{"type":"signature_delta","signature":"s\#(text.count)"}"# }
        switch kind {
        case 0: return #"{"type":"text_delta","text":"\#(text)"}"#
        case 1: return #"{"type":"thinking_delta","thinking":"\#(text)"}"#
        default: return #"{"type":"input_json_delta","partial_json":"\#(text)"}"#
        }
    }

    private mutating func block(_ word: String, _ index: Int, _ member: String?) -> String {
        let data = #"{"type":"content_block_\#(word)","index":\#(index)\#(member.map { "," + $0 } ?? "")}"#
        return chance(20) ? "data: \(data)\n\n" : "event: content_block_\(word)\ndata: \(data)\n\n"
    }
}
