import PatchbayCore
import PatchbayWire
import Testing

@testable import PatchbayHost

@Suite("Frames that the plugins need not see")
struct StreamShortcutTests {
    private let workshop: Workshop
    private let registry: PluginRegistry
    private let codec: FormatCodec

    init() throws {
        workshop = try Workshop()
        try workshop.build(
            manifest: Workshop.manifest(kinds: "\"format\"", #","formats":[{"id":"test.format","framing":"sse"}]"#),
            codec: true)
        registry = try workshop.registry()
        registry.scan()
        codec = try #require(registry.codec(for: WireFormat(rawValue: "test.format")))
    }

    /// What the shortcut learned from `text` makes of `stream`; nil if there is none.
    private func taken(
        learning text: String, from stream: String, encode: Bool = true, changed: ChangedFrame? = nil
    ) throws -> String? {
        let decoder = try codec.openDecoder(CodecParameters())
        let encoder = encode ? try codec.openEncoder(CodecParameters()) : nil
        // The first frame of a stream is read with its byte order mark.
        return try Array((": begin\n\n" + text).utf8).withUnsafeBytes { chunk in
            var splitter = SSEFrameSplitter()
            var position = 0
            _ = try splitter.next(in: chunk, at: &position)
            let frame = try #require(try splitter.next(in: chunk, at: &position))
            var output: [UInt8] = []
            var tap = StreamTap()
            let data = try #require(frame.data)
            try decoder.frame(StreamFrame(data: data), to: encoder, output: &output, tap: &tap)
            guard let shortcut = decoder.shortcut(like: frame, to: encoder, changed: changed) else { return nil }
            var taken: [UInt8] = []
            var at = 0
            _ = Array(stream.utf8).withUnsafeBytes { shortcut.take($0, from: &at, into: &taken) }
            return taken.text
        }
    }

    @Test("The bytes of a converted delta are those around the text of the encoder and the text of the frame")
    func converts() throws {
        let stream = "data: {\"t\":\"b\"}\n\ndata: {\"t\":\"c\\n\"}\n\ndata: {\"u\":\"d\"}\n\n"
        #expect(try taken(learning: "data: {\"t\":\"a\"}\n\n", from: stream) == "[3]b[3]c\\n")
        #expect(try taken(learning: "event: e\ndata: {\"t\":\"a\"}\n\n", from: stream) == "")
        #expect(try taken(learning: "event: e\ndata: {\"t\":\"a\"}\n\n", from: "event: e\n" + stream) == "[3]b")
    }

    @Test("There is none where the decoder promises nothing, or the wrong thing")
    func none() throws {
        #expect(try taken(learning: "data: text\n\n", from: "data: text\n\n") == nil)
        #expect(try taken(learning: "data: {\"t\":\"lie\"}\n\n", from: "data: {\"t\":\"lie\"}\n\n") == nil)
        // Its text has to go to somebody.
        #expect(try taken(learning: "data: {\"t\":\"a\"}\n\n", from: "data: {\"t\":\"a\"}\n\n", encode: false) == nil)
        // Data of several lines is no piece of the frame.
        #expect(try taken(learning: "data: {\"t\":\"a\"\ndata: }\n\n", from: "data: {\"t\":\"a\"\ndata: }\n\n") == nil)
    }

    @Test("A frame that is passed on keeps what varies, and gets the value that was changed", arguments: [true, false])
    func passesOn(isChangedInFront: Bool) throws {
        func frame(_ noise: String, _ model: String) -> String {
            let members = [#""m":"\#(model)""#, #""n":"\#(noise)""#]
            return "{" + (isChangedInFront ? members : members.reversed()).joined(separator: ",") + "}"
        }
        let stream = "data:\(frame("b b", "up"))\n\ndata:\(frame("", "up"))\n\ndata:\(frame("c", "other"))\n\n"
        let learned = "data:\(frame("up", "up"))\n\n"
        let passed = try taken(learning: learned, from: stream, encode: false)
        #expect(passed == "data:\(frame("b b", "up"))\n\ndata:\(frame("", "up"))\n\n")
        for model in ["a-long-name", "", "up", "u"] {
            let changed = ChangedFrame(
                before: Array("data: ".utf8), data: Array(frame("up", model).utf8), behind: Array("\n\n".utf8))
            let written = try taken(learning: learned, from: stream, encode: false, changed: changed)
            #expect(written == "data: \(frame("b b", model))\n\ndata: \(frame("", model))\n\n")
        }
    }

    @Test("Deltas that the plugins have not seen are counted")
    func counted() {
        var tap = StreamTap()
        tap.observeDeltas(3, bytes: 12)
        #expect(tap.events == 3 && tap.contentBytes == 12 && tap.sawContent)
    }
}
