import Foundation
import PatchbayPlugin
import PatchbayWire
import Testing

@testable import CanonicalChat
@testable import FormatAnthropicMessages
@testable import FormatGemini
@testable import FormatOpenAIChat
@testable import FormatOpenAICompletions
@testable import FormatOpenAIResponses

/// Frames that go the short way lead to the same bytes and the same events as those that go the long way.
@Suite("Shortcuts through a stream")
struct FrameShortcutTests {
    private func compare<Decoder: AnswerDecoder, Encoder: AnswerEncoder>(
        _ stream: [UInt8], cuts: [Int], _ decoder: Decoder, _ encoder: Encoder?, _ what: String
    ) throws -> Int {
        var long = ShortcutStream(decoder, encoder, takesShortcuts: false)
        var short = ShortcutStream(decoder, encoder, takesShortcuts: true)
        try long.takeAll(stream, cuts: cuts)
        try short.takeAll(stream, cuts: cuts)
        #expect(String(decoding: long.output, as: UTF8.self) == String(decoding: short.output, as: UTF8.self), "\(what)")
        #expect(long.output == short.output && long.events == short.events, "\(what)")
        if encoder != nil { #expect(long.textBytes == short.textBytes, "\(what)") }
        #expect(long.framesTaken == 0)
        return short.framesTaken
    }

    /// - Returns: how many frames went the short way, of those that were passed on and of those that were converted.
    @discardableResult
    private func compareAll(_ stream: String, isChat: Bool, cuts: [Int]) throws -> (passed: Int, converted: Int) {
        let bytes = Array(stream.utf8)
        let context = Formats.context { $0.request.includeUsage = true }
        let tap = Formats.context { $0.tap = true }
        if isChat {
            let none: ChatStreamEncoder? = nil
            let passed = try compare(bytes, cuts: cuts, ChatStreamDecoder(tap), none, stream)
            return (passed, try convert(bytes, cuts: cuts, ChatStreamDecoder(context), context, stream))
        }
        let none: MessagesStreamEncoder? = nil
        let passed = try compare(bytes, cuts: cuts, MessagesStreamDecoder(tap), none, stream)
        return (passed, try convert(bytes, cuts: cuts, MessagesStreamDecoder(context), context, stream))
    }

    /// Into every format that says what stands around a text.
    private func convert<Decoder: AnswerDecoder>(
        _ bytes: [UInt8], cuts: [Int], _ decoder: Decoder, _ context: ConversionContext, _ stream: String
    ) throws -> Int {
        try compare(bytes, cuts: cuts, decoder, ChatStreamEncoder(context), stream)
            + compare(bytes, cuts: cuts, decoder, MessagesStreamEncoder(context), stream)
            + compare(bytes, cuts: cuts, decoder, GeminiStreamEncoder(context), stream)
            + compare(bytes, cuts: cuts, decoder, CompletionsStreamEncoder(context), stream)
    }

    @Test("Streams of Responses and Completions that are passed on")
    func passedOn() throws {
        var maker = StreamMaker(seed: 6)
        let tap = Formats.context { $0.tap = true }
        var taken = 0
        for _ in 0..<100 {
            let frames = TestFrame.all(maker.chatStream())
            var decoder = ChatStreamDecoder(Formats.context())
            let events = decoder.takeAll(frames)
            var responses = ResponsesStreamEncoder(Formats.context())
            var completions = CompletionsStreamEncoder(Formats.context())
            let noEncoder: ChatStreamEncoder? = nil
            for (stream, isResponses) in [(responses.text(events), true), (completions.text(events), false)] {
                let bytes = Array(stream.utf8)
                let cuts = maker.cuts(bytes.count)
                taken += isResponses
                    ? try compare(bytes, cuts: cuts, ResponsesStreamDecoder(tap), noEncoder, stream)
                    : try compare(bytes, cuts: cuts, CompletionsStreamDecoder(tap), noEncoder, stream)
            }
        }
        #expect(taken > 200, "\(taken)")
    }

    @Test("Recorded streams, cut at every byte", arguments: ["chat", "messages"])
    func recorded(source: String) throws {
        let stream = try Fixture.text("turn/\(source).sse")
        try compareAll(stream, isChat: source == "chat", cuts: [])
        for cut in 0...stream.utf8.count { try compareAll(stream, isChat: source == "chat", cuts: [cut]) }
    }

    @Test("Made streams with everything that servers send", arguments: [true, false])
    func made(isChat: Bool) throws {
        var maker = StreamMaker(seed: isChat ? 1 : 2)
        var counts = (passed: 0, converted: 0)
        for _ in 0..<150 {
            let stream = isChat ? maker.chatStream() : maker.messagesStream()
            let taken = try compareAll(stream, isChat: isChat, cuts: maker.cuts(stream.utf8.count))
            counts.passed += taken.passed
            counts.converted += taken.converted
        }
        // Otherwise nothing has been compared.
        #expect(counts.passed > 150 && counts.converted > 500, "\(counts)")
    }

    @Test("Made streams, one byte at a time and cut at every byte", arguments: [true, false])
    func madeAndCut(isChat: Bool) throws {
        var maker = StreamMaker(seed: isChat ? 3 : 4)
        for _ in 0..<2 {
            let stream = isChat ? maker.chatStream() : maker.messagesStream()
            try compareAll(stream, isChat: isChat, cuts: Array(0...stream.utf8.count))
            for cut in stride(from: 0, through: stream.utf8.count, by: 7) {
                try compareAll(stream, isChat: isChat, cuts: [cut])
            }
        }
    }

    @Test("A chunk that is read in one pass tells what the same chunk tells that is read in full")
    func chunks() {
        var maker = StreamMaker(seed: 5)
        for _ in 0..<300 {
            var frames = TestFrame.all(maker.chatStream())
            if maker.chance(4) { frames.removeFirst() }
            var short = ChatStreamDecoder(Formats.context { $0.tap = true })
            var full = ChatStreamDecoder(Formats.context { $0.tap = true })
            for frame in frames where frame.data != "{}" {
                // A member without a meaning that is not expected.
                let unusual = TestFrame(event: frame.event, data: frame.data.replacing(/^\{/, with: #"{"x_groq":{},"#))
                #expect(short.take(frame) == full.take(unusual), "\(frame.data)")
            }
        }
    }

    @Test("Invalid UTF-8 is repaired as ever")
    func invalidText() throws {
        let frame = Array((Formats.chunk(#"{"content":"@"}"#)).utf8).split(separator: UInt8(ascii: "@")).map(Array.init)
        var stream: [UInt8] = []
        for text in [Array("a".utf8), Array("b".utf8), [0xFF], Array("c".utf8), [0xE2, 0x82], Array("d".utf8)] {
            stream += Array("data: ".utf8) + frame[0] + text + frame[1] + Array("\n\n".utf8)
        }
        let context = Formats.context()
        let taken = try compare(
            stream, cuts: [], ChatStreamDecoder(context), MessagesStreamEncoder(context), "invalid text")
        #expect(taken == 1)
    }

    @Test("All frames of a plain stream but the first and the last go the short way", arguments: [true, false])
    func plain(isChat: Bool) throws {
        var stream = ""
        for number in 0..<20 {
            let delta = #"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"w\#(number)"}}"#
            stream += isChat
                ? "data: \(Formats.chunk(#"{"content":"w\#(number)"}"#))\n\n"
                : "event: content_block_delta\ndata: \(delta)\n\n"
        }
        let counts = try compareAll(stream, isChat: isChat, cuts: [])
        // The first frame of all is read by the rules of event streams, with its byte order mark.
        #expect(counts.passed == 19 && counts.converted == 4 * 19)
    }
}
