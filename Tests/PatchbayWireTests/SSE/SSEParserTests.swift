import PatchbayWire
import Testing

@Suite("Event stream parser and writer")
struct SSEParserTests {
    @Test("Only frames with data are events")
    func events() throws {
        var parser = SSEParser()
        var events: [RecordedFrame] = []
        func note(_ event: UnsafeRawBufferPointer, _ data: UnsafeRawBufferPointer) {
            let name = event.baseAddress == nil ? nil : String(decoding: event, as: UTF8.self)
            events.append(RecordedFrame(name, String(decoding: data, as: UTF8.self)))
        }
        for piece in [": hi\n\nevent: a\nda", "ta: 1\n\nevent: ping\n\ndata: 2\n\ndata: 3"] {
            try Array(piece.utf8).withUnsafeBytes { try parser.feed($0, note) }
        }
        #expect(events == [RecordedFrame("a", "1"), RecordedFrame(nil, "2")])
        let hadTail = parser.finish(note)
        #expect(hadTail)
        #expect(events.last == RecordedFrame(nil, "3"))
        let hadMore = parser.finish(note)
        #expect(!hadMore)
    }

    @Test("An error of the body stops the feed")
    func bodyError() {
        struct Stop: Error {}
        var parser = SSEParser()
        Array("data: 1\n\ndata: 2\n\n".utf8).withUnsafeBytes { bytes in
            _ = #expect(throws: Stop.self) { try parser.feed(bytes) { _, _ in throw Stop() } }
        }
    }

    @Test("A left-over comment or event name is no event")
    func leftOvers() throws {
        for tail in [": comment", "event: x\n", "\n", "dat"] {
            var parser = SSEParser()
            try Array(tail.utf8).withUnsafeBytes { try parser.feed($0) { _, _ in } }
            #expect(parser.finish().map(RecordedFrame.init) == nil)
        }
    }

    @Test("Terminators are recognised")
    func terminators() throws {
        var parser = SSEParser()
        try Array("data: [DONE]\n\ndata: [DONE] \n\n".utf8).withUnsafeBytes { bytes in
            var position = 0
            var answers: [Bool] = []
            while let frame = try parser.next(in: bytes, at: &position) { answers.append(frame.dataEquals("[DONE]")) }
            #expect(answers == [true, false])
        }
    }

    @Test(
        "The writer's frames are read back",
        arguments: ["", "x", "a\nb", "a\r\nb\rc\n", "\n", "{\"k\":\"v\"}", " lead", "é"])
    func roundTrip(_ data: String) {
        var writer = SSEWriter()
        writer.event("name", data: Array(data.utf8))
        writer.comment("alive")
        writer.data(Array(data.utf8))
        let expected = data.replacing("\r\n", with: "\n").replacing("\r", with: "\n")
        let recorded = RecordedStream(writer.bytes, cuts: [])
        #expect(recorded.events == [RecordedFrame("name", expected), RecordedFrame(nil, expected)])
        #expect(recorded.frames.count == 3)
    }

    @Test("The bytes are those clients expect")
    func golden() {
        var writer = SSEWriter(appendingTo: Array("head\n".utf8))
        writer.event("message_stop", data: Array(#"{"type":"message_stop"}"#.utf8))
        writer.data("[DONE]")
        writer.comment("ka\nkb")
        let injected = Array("evil\ndata: x".utf8)
        injected.withUnsafeBytes { writer.event($0, data: UnsafeRawBufferPointer(start: nil, count: 0)) }
        #expect(
            String(decoding: writer.bytes, as: UTF8.self)
                == "head\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\ndata: [DONE]\n\n: ka\n: kb\n\n"
                + "event: evil\ndata: \n\n")
        writer.removeAll()
        #expect(writer.bytes.isEmpty)
    }

    @Test(
        "The kind of a body is judged by its first byte",
        arguments: [
            ("", nil), (" \r\n", nil), ("\u{FEFF}", nil), ("data: x", .eventStream), ("event", .eventStream),
            ("\n: ka", .eventStream), ("id", .eventStream), ("retry", .eventStream), (" {", .json),
            ("\u{FEFF}[", .json),
            ("<html>", .other), ("<!doctype", .other),
        ] as [(String, SSEBodyKind?)])
    func bodyKind(_ text: String, _ kind: SSEBodyKind?) {
        #expect(Array(text.utf8).withUnsafeBytes { SSEBodyKind(sniffing: $0) } == kind)
    }
}
