import PatchbayWire
import Testing

@Suite("Event stream frames")
struct SSEFrameSplitterTests {
    private func frames(_ stream: String, cuts: [Int] = []) -> [RecordedFrame] {
        RecordedStream(Array(stream.utf8), cuts: cuts).frames
    }

    /// E-2
    @Test("LF, CR and CRLF end lines, also mixed")
    func lineEnds() {
        let expected = [RecordedFrame("e", "1"), RecordedFrame(nil, "2")]
        #expect(frames("event: e\ndata: 1\n\ndata: 2\n\n") == expected)
        #expect(frames("event: e\r\ndata: 1\r\n\r\ndata: 2\r\n\r\n") == expected)
        #expect(frames("event: e\rdata: 1\r\rdata: 2\r\r") == expected)
        #expect(frames("event: e\r\ndata: 1\n\rdata: 2\r\n\n") == expected)
    }

    /// E-3
    @Test("Other separators of Unicode end nothing")
    func otherSeparators() {
        let data = "a\u{2028}b\u{2029}c\u{85}d\u{B}e\u{C}f"
        #expect(frames("data: \(data)\n\n") == [RecordedFrame(nil, data)])
    }

    /// E-4
    @Test("One byte order mark at the start is ignored, later ones are data")
    func byteOrderMark() {
        #expect(
            frames("\u{FEFF}data: 1\n\ndata: \u{FEFF}2\n\n")
                == [RecordedFrame(nil, "1"), RecordedFrame(nil, "\u{FEFF}2")])
        #expect(frames("\u{FEFF}\u{FEFF}data: 1\n\n") == [RecordedFrame(nil, nil)])
        #expect(frames("data: 1\n\n\u{FEFF}data: 2\n\n") == [RecordedFrame(nil, "1"), RecordedFrame(nil, nil)])
        #expect(frames("\u{FEFF}\ndata: 1\n\n") == [RecordedFrame(nil, "1")])
    }

    /// E-6
    @Test("One space behind the colon is removed, no more, no tab")
    func spaces() {
        #expect(frames("data:x\n\n") == [RecordedFrame(nil, "x")])
        #expect(frames("data:  x \n\n") == [RecordedFrame(nil, " x ")])
        #expect(frames("data:\tx\n\n") == [RecordedFrame(nil, "\tx")])
        #expect(frames("event:e\ndata:x:y\n\n") == [RecordedFrame("e", "x:y")])
    }

    /// E-6
    @Test("Data of several lines is joined by LF")
    func multiLine() {
        #expect(frames("data: a\r\ndata:\r\ndata: b\r\n\r\n") == [RecordedFrame(nil, "a\n\nb")])
        #expect(frames("data\ndata\n\n") == [RecordedFrame(nil, "\n")])
        #expect(
            frames("data: a\n: c\nevent: e\ndata: b\n\ndata: c\ndata: d\n\n")
                == [RecordedFrame("e", "a\nb"), RecordedFrame(nil, "c\nd")])
    }

    @Test("Empty data is data, unknown and longer names are not")
    func fieldNames() {
        #expect(frames("data:\n\n") == [RecordedFrame(nil, "")])
        #expect(frames("data\n\n") == [RecordedFrame(nil, "")])
        #expect(frames("datax: 1\n Data: 2\nDATA: 3\ndat: 4\n\n") == [RecordedFrame(nil, nil)])
        #expect(frames("event: a\nevent: b\nevents: c\nid: 7\nretry: 1\ndata: 1\n\n") == [RecordedFrame("b", "1")])
        #expect(frames("event\ndata: 1\n\n") == [RecordedFrame("", "1")])
    }

    /// E-5
    @Test("Comments, keep-alives and events without data are frames without data")
    func noData() {
        #expect(
            frames(": ping\n\n\nevent: ping\n\nid: 1\n\n") == [
                RecordedFrame(nil, nil), RecordedFrame(nil, nil), RecordedFrame("ping", nil), RecordedFrame(nil, nil),
            ])
    }

    /// E-8
    @Test("What is left at the end of the stream is a cut frame")
    func end() {
        #expect(frames("data: 1\n\ndata: 2") == [RecordedFrame(nil, "1"), RecordedFrame(nil, "2", isComplete: false)])
        #expect(frames("data: 2\n") == [RecordedFrame(nil, "2", isComplete: false)])
        #expect(frames("data: 2\r\n\r") == [RecordedFrame(nil, "2")])
        #expect(frames("").isEmpty)
    }

    static let streams = [
        "\u{FEFF}event: message_start\r\ndata: {\"a\":\"é😀\"}\r\n\r\n: c\r\n\r\ndata: [DONE]\r\n\r\n",
        "data: a\ndata: b\n\n\n\nevent:x\rdata:y\r\rdata:tail", ":\n\ndata\n\ndata:\r\n\nid\r\r\n\ndata: \n\n",
    ]

    /// E-1, E-2, E-4
    @Test("Every pair of cuts gives the same events and the same raw bytes", arguments: streams)
    func everyCut(_ text: String) {
        let stream = Array(text.utf8)
        let whole = RecordedStream(stream, cuts: [])
        #expect(whole.raw == stream)
        for first in 0...stream.count {
            for second in first...stream.count {
                let cut = RecordedStream(stream, cuts: [first, second])
                #expect(cut.raw == stream)
                #expect(cut.events == whole.events, "cut at \(first) and \(second)")
            }
        }
        let bytewise = RecordedStream(stream, cuts: Array(0..<stream.count))
        #expect(bytewise.events == whole.events)
        #expect(bytewise.raw == stream)
    }

    @Test("Random streams agree with a line by line reading, however cut", arguments: 0..<150 as Range<UInt64>)
    func agreesWithReference(_ seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let parts = [
            "data", ":", " ", "event", "\n", "\r", "\r\n", "\n\n", "x", "id: 3", "\u{FEFF}", "é", "data: {}\n\n",
        ]
        let text = (0..<random.below(60)).map { _ in parts[random.below(parts.count)] }.joined()
        let stream = Array(text.utf8)
        let cuts = (0..<random.below(8)).map { _ in random.below(stream.count + 1) }.sorted()
        let recorded = RecordedStream(stream, cuts: cuts)
        #expect(recorded.raw == stream)
        #expect(recorded.events.map { [$0.event, $0.data] } == Self.reference(stream))
    }

    /// The algorithm of the specification, one line after the other.
    private static func reference(_ stream: [UInt8]) -> [[String?]] {
        let text = stream.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(stream.dropFirst(3)) : stream
        var events: [[String?]] = []
        var event: String?
        var data: [String] = []
        for line in lines(text) + [ArraySlice()] {
            let colon = line.firstIndex(of: UInt8(ascii: ":")) ?? line.endIndex
            var value = line[colon...].dropFirst()
            if value.first == 0x20 { value = value.dropFirst() }
            switch String(decoding: line[..<colon], as: UTF8.self) {
            case "data": data.append(String(decoding: value, as: UTF8.self))
            case "event": event = String(decoding: value, as: UTF8.self)
            case "" where line.isEmpty:
                if !data.isEmpty { events.append([event, data.joined(separator: "\n")]) }
                data = []
                event = nil
            default: break
            }
        }
        return events
    }

    private static func lines(_ text: [UInt8]) -> [ArraySlice<UInt8>] {
        var lines: [ArraySlice<UInt8>] = []
        var start = 0
        var index = 0
        while index < text.count {
            defer { index += 1 }
            guard text[index] == 0x0A || text[index] == 0x0D else { continue }
            lines.append(text[start..<index])
            if text[index] == 0x0D, index + 1 < text.count, text[index + 1] == 0x0A { index += 1 }
            start = index + 1
        }
        return lines + [text[start...]]
    }

    /// E-12
    @Test("A frame above the bound is an error in one piece and in many, and stays one")
    func bound() {
        let stream = Array("data: 12345678\n\ndata: 123456789\n\n".utf8)
        for cuts in [[], Array(0..<stream.count), [20]] {
            let recorded = RecordedStream(stream, cuts: cuts, maxFrameBytes: 16)
            #expect(recorded.frames == [RecordedFrame(nil, "12345678")])
            #expect(recorded.error == SSEError(.frameTooLarge, limit: 16))
        }
        var splitter = SSEFrameSplitter(maxFrameBytes: 4)
        Array("data: 1\n\n".utf8).withUnsafeBytes { bytes in
            for _ in 0..<2 {
                var position = 0
                #expect(throws: SSEError.self) { try splitter.next(in: bytes, at: &position) }
            }
            #expect(splitter.finish().map(RecordedFrame.init) == nil)
        }
    }

    @Test("A frame within one chunk is not copied, and only the tail is kept")
    func zeroCopy() throws {
        var splitter = SSEFrameSplitter()
        try Array("data: 1\n\ndata: 2".utf8).withUnsafeBytes { bytes in
            var position = 0
            let frame = try #require(try splitter.next(in: bytes, at: &position))
            #expect(frame.raw.baseAddress == bytes.baseAddress)
            #expect(frame.raw.count == 9)
            #expect(splitter.pendingBytes == 0)
            #expect(try splitter.next(in: bytes, at: &position).map(RecordedFrame.init) == nil)
            #expect(splitter.pendingBytes == 7)
        }
    }

    @Test("A copy of a splitter goes its own way")
    func copies() throws {
        var first = SSEFrameSplitter()
        try feed(&first, "data: a")
        var second = first
        try feed(&second, "b")
        #expect(first.finish().map(RecordedFrame.init) == RecordedFrame(nil, "a", isComplete: false))
        #expect(second.finish().map(RecordedFrame.init) == RecordedFrame(nil, "ab", isComplete: false))
    }

    private func feed(_ splitter: inout SSEFrameSplitter, _ text: String) throws {
        try Array(text.utf8).withUnsafeBytes { bytes in
            var position = 0
            while try splitter.next(in: bytes, at: &position) != nil {}
        }
    }
}
