import CPatchbay
import PatchbayPlugin
import Testing

@testable import FormatOpenAIAudio
@testable import FormatOpenAIEmbeddings
@testable import FormatOpenAIImages
@testable import FormatOpenAIModerations
@testable import FormatRerank

/// A task format behind its C records.
private final class TaskUnderTest {
    private let plugin: PluginUnderTest
    private let codec: UnsafePointer<pb_codec>

    init(_ entry: UnsafeRawPointer?) throws {
        plugin = try PluginUnderTest(entry)
        codec = try #require(plugin.table(PB_CODEC_ID, as: pb_codec.self))
    }

    private func withParameters<Result>(_ body: (UnsafePointer<pb_codec_parameters>) -> Result) -> Result {
        var parameters = pb_codec_parameters()
        parameters.size = UInt32(MemoryLayout<pb_codec_parameters>.size)
        parameters.flags = UInt32(PB_CODEC_STREAM | PB_CODEC_TAP)
        return body(&parameters)
    }

    /// The events of a document, or nil if it is no answer.
    func tap(_ document: String) -> [String]? {
        let events = EventList()
        let status = events.withSink { sink in
            withText(document) { text in
                withParameters { codec.pointee.response_tap(plugin.instance, text, $0, sink) }
            }
        }
        return status == 0 ? events.lines : nil
    }

    func stream(_ frames: [(String?, String)], then ending: Int = PB_END_OF_STREAM) -> [String] {
        let events = EventList()
        var decoder: UnsafeMutableRawPointer?
        _ = withParameters { codec.pointee.decoder_open(plugin.instance, $0, &decoder) }
        defer { codec.pointee.decoder_close(decoder) }
        events.withSink { sink in
            for frame in frames {
                withTexts([frame.0, frame.1]) { texts in
                    var record = pb_frame(event: texts[0], data: texts[1])
                    #expect(codec.pointee.decoder_frames(decoder, &record, 1, sink) == 0)
                }
            }
            #expect(codec.pointee.decoder_finish(decoder, UInt32(ending), sink) == 0)
        }
        return events.lines
    }
}

@Suite struct TaskCodecTests {
    private func embeddings() throws -> TaskUnderTest {
        try TaskUnderTest(patchbay_entry_v1__format_openai_embeddings(nil))
    }
    private func images() throws -> TaskUnderTest {
        try TaskUnderTest(patchbay_entry_v1__format_openai_images(nil))
    }
    private func audio() throws -> TaskUnderTest { try TaskUnderTest(patchbay_entry_v1__format_openai_audio(nil)) }
    private func rerank() throws -> TaskUnderTest { try TaskUnderTest(patchbay_entry_v1__format_rerank(nil)) }

    @Test func embeddingsTellTheirTokens() throws {
        let answer = #"{"object":"list","data":[],"model":"m","usage":{"prompt_tokens":7,"total_tokens":7}}"#
        #expect(try embeddings().tap(answer) == ["start m  in=? out=?", "usage in=7 out=?", "finish 1 "])
    }

    @Test func imagesTellTheirTokensAndTheirNumber() throws {
        let answer =
            #"{"created":1,"data":[{"b64_json":""},{"url":""}],"usage":{"input_tokens":9,"output_tokens":272}}"#
        #expect(
            try images().tap(answer)
                == ["start   in=? out=?", #"usage in=9 out=272 {"images":2}"#, "finish 1 "])
    }

    @Test(arguments: [
        (#"{"text":"hi","usage":{"type":"duration","seconds":9}}"#, #"usage in=? out=? {"seconds":9.0}"#),
        (#"{"text":"hi","duration":8.47,"segments":[]}"#, #"usage in=? out=? {"seconds":8.47}"#),
        (#"{"text":"hi","usage":{"type":"tokens","input_tokens":14,"output_tokens":45}}"#, "usage in=14 out=45"),
    ])
    func transcriptsTellTokensOrSeconds(answer: String, usage: String) throws {
        let written = try #require(try audio().tap(answer))[1]
        #expect(written.hasPrefix(usage))
    }

    /// E-113
    @Test(arguments: ["Hello.\n", "1\n00:00:00,000 --> 00:00:01,000\nHi\n", "\"quoted\"", "42", "[1, 2]", ""])
    func transcriptsMayBeText(answer: String) throws {
        #expect(try audio().tap(answer) == ["start   in=? out=?"])
    }

    @Test(arguments: ["<!DOCTYPE html><p>", "\n <html>", "<HTML>"])
    func aPageIsNoTranscript(answer: String) throws {
        #expect(try audio().tap(answer) == nil)
    }

    @Test(arguments: [
        (#"{"results":[],"meta":{"billed_units":{"search_units":2}}}"#, #"usage in=? out=? {"searches":2}"#),
        (#"{"model":"j","results":[],"usage":{"total_tokens":30}}"#, "usage in=30 out=?"),
        (#"{"data":[],"usage":{"total_tokens":31}}"#, "usage in=31 out=?"),
        (#"{"results":[],"meta":{"tokens":{"input_tokens":32,"output_tokens":0}}}"#, "usage in=32 out=0"),
    ])
    func rerankersTellSearchesOrTokens(answer: String, usage: String) throws {
        #expect(try rerank().tap(answer)?[1] == usage)
    }

    @Test func aBareListOfScoresIsAnAnswer() throws {
        #expect(try rerank().tap(#"[{"index":0,"score":0.5}]"#)?.first == "start   in=? out=?")
    }

    @Test func errorsInDisguiseAreFound() throws {
        let moderations = try TaskUnderTest(patchbay_entry_v1__format_openai_moderations(nil))
        for task in [moderations, try embeddings(), try images(), try rerank(), try audio()] {
            let found = task.tap(#"{"error":{"message":"quota is used up","code":"insufficient_quota"}}"#)
            #expect(found?.last == "error 7 insufficient_quota quota is used up")
            #expect(task.tap(#"{"detail":"Not Found"}"#)?.last?.hasPrefix("error") == true)
        }
        #expect(moderations.tap(#"{"id":"x"}"#) == nil)
        #expect(moderations.tap("nonsense") == nil)
    }

    // MARK: - Streams

    private static let partial = ("image_generation.partial_image", #"{"type":"image_generation.partial_image"}"#)
    private static let completed: (String?, String) = (
        nil, #"{"type":"image_generation.completed","usage":{"input_tokens":9,"output_tokens":272}}"#
    )

    @Test func aStreamOfImagesIsCompleteWhenItEndsBehindACompletion() throws {
        let events = try images().stream([Self.partial, Self.partial, Self.completed, Self.completed])
        #expect(
            events == [
                "start   in=? out=?", "open 8", #"usage in=9 out=272 {"images":1}"#,
                #"usage in=9 out=272 {"images":2}"#, "finish 1 ", "end 1",
            ])
    }

    @Test(arguments: [PB_END_OF_STREAM, PB_END_CUT, PB_END_TIMEOUT, PB_END_CANCELLED])
    func aStreamWithoutItsCompletionIsCut(ending: Int) throws {
        let events = try images().stream([Self.partial], then: ending)
        #expect(events.last == "end 0")
        #expect(events.dropLast().last?.hasPrefix("error") == true)
        #expect(try images().stream([Self.partial, Self.completed], then: PB_END_CUT).last == "end 0")
    }

    @Test func transcriptsAndSpeechEndWithDone() throws {
        let events = try audio().stream([
            (nil, #"{"type":"transcript.text.delta","delta":"hi"}"#),
            (nil, #"{"type":"transcript.text.done","text":"hi","usage":{"input_tokens":14,"output_tokens":45}}"#),
            (nil, #"{"type":"transcript.text.delta","delta":"late"}"#),
        ])
        #expect(events == ["start   in=? out=?", "open 8", "usage in=14 out=45", "finish 1 ", "end 1"])
    }

    @Test(arguments: [
        [(nil, #"{"error":{"message":"slow down","code":"rate_limit_exceeded"}}"#)],
        [("error", #"{"message":"slow down","code":"rate_limit_exceeded"}"#)],
    ])
    func errorsOfStreamsAreFound(frames: [(String?, String)]) throws {
        #expect(
            try audio().stream(frames)
                == ["start   in=? out=?", "error 12 rate_limit_exceeded slow down", "end 0"])
    }
}
