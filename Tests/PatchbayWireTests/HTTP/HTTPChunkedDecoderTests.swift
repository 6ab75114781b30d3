import PatchbayWire
import Testing

private struct ChunkReading {
    var decoder = HTTPChunkedDecoder()
    var body: [UInt8] = []
    /// Bytes that belonged to the body.
    var consumed = 0

    /// Returns true at the end of the body.
    mutating func take(_ bytes: UnsafeRawBufferPointer) throws(HTTPParseError) -> Bool {
        var rest = bytes
        while true {
            switch try decoder.decode(rest) {
            case .needMore(let count):
                consumed += count
                return false
            case .data(let range, let count):
                body += Array(rest[range])
                consumed += count
                rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            case .end(let count):
                consumed += count
                return true
            }
        }
    }
}

/// Decodes `text` in pieces that end at `ends`.
private func decode(
    _ text: String, ends: [Int]? = nil
) throws(HTTPParseError) -> (body: String, consumed: Int, isComplete: Bool) {
    let bytes = Array(text.utf8)
    var reading = ChunkReading()
    for end in ends ?? [bytes.count] {
        let piece = Array(bytes[reading.consumed..<end])
        let result = piece.withUnsafeBytes { raw in
            Result { () throws(HTTPParseError) in try reading.take(raw) }
        }
        if try result.get() { break }
    }
    return (String(decoding: reading.body, as: UTF8.self), reading.consumed, reading.decoder.isComplete)
}

private func refusal(_ text: String, ends: [Int]? = nil) -> HTTPParseError.Code? {
    do throws(HTTPParseError) {
        _ = try decode(text, ends: ends)
        return nil
    } catch { return error.code }
}

struct HTTPChunkedDecoderTests {
    @Test(arguments: [
        ("5\r\nhello\r\n0\r\n\r\n", "hello"),
        ("5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", "hello world"),
        ("0\r\n\r\n", ""),
        ("a\r\n0123456789\r\nA\r\n0123456789\r\n000\r\n\r\n", "01234567890123456789"),
        ("5;name=value;q=\"x y\"\r\nhello\r\n0;last\r\n\r\n", "hello"),
        ("00005\r\nhello\r\n0\r\nX-One: 1\r\nX-Two:\r\n\r\n", "hello"),
        ("2\r\n\r\n\r\n0\r\n\r\n", "\r\n"),
    ])
    func joinsTheChunks(text: String, body: String) throws {
        let surplus = text + "GET / HTTP/1.1"
        let count = surplus.utf8.count
        var splits: [[Int]?] = (0..<count).map { [$0, count] }
        splits += [nil, Array(0...count)]
        for ends in splits {
            let result = try decode(surplus, ends: ends)
            #expect(result.body == body)
            #expect(result.consumed == text.utf8.count)
            #expect(result.isComplete)
        }
    }

    @Test(arguments: [
        ("\r\nhello\r\n", HTTPParseError.Code.invalidChunk), (" 5\r\nhello\r\n", .invalidChunk),
        ("5 \r\nhello\r\n", .invalidChunk), ("+5\r\nhello\r\n", .invalidChunk), ("-5\r\nhello\r\n", .invalidChunk),
        ("0x5\r\nhello\r\n", .invalidChunk), ("5\nhello\r\n", .invalidChunk), ("5\r\r\nhello\r\n", .invalidChunk),
        ("5\r\nhello\n", .invalidChunk), ("5\r\nhelloX\r\n", .invalidChunk), ("5\r\nhello0\r\n\r\n", .invalidChunk),
        ("g\r\n", .invalidChunk), ("5;a\nb\r\nhello\r\n", .invalidChunk), ("5;\u{0}\r\nhello\r\n", .invalidChunk),
        ("5,5\r\nhello\r\n", .invalidChunk), (";x\r\n\r\n", .invalidChunk),
        ("ffffffffffffffff\r\n", .chunkTooLarge), ("10000000000000005\r\n", .chunkTooLarge),
        ("0000000000000000\r\n", .chunkTooLarge),
        ("0\r\nX Y: z\r\n\r\n", .invalidTrailer), ("0\r\n: z\r\n\r\n", .invalidTrailer),
        ("0\r\nX: a\nY: b\r\n\r\n", .invalidTrailer), ("0\r\nX: a\r\n b\r\n\r\n", .invalidTrailer),
        ("0\r\n\rX", .invalidTrailer), ("0\r\nX\r\n\r\n", .invalidTrailer), ("0\r\n\n", .invalidTrailer),
    ])
    func refusesWhatIsNotTheChunkedCoding(text: String, code: HTTPParseError.Code) {
        #expect(refusal(text) == code)
        #expect(refusal(text, ends: Array(0...text.utf8.count)) == code)
    }

    @Test func boundsExtensionsAndTrailers() {
        let long = String(repeating: "x", count: 20_000)
        #expect(refusal("5;\(long)\r\nhello\r\n") == .chunkTooLarge)
        #expect(refusal("0\r\nX: \(long)\r\n\r\n") == .invalidTrailer)
        let many = String(repeating: "1;\(long.prefix(1_000))\r\nx\r\n", count: 20)
        #expect(refusal(many) == .chunkTooLarge)
    }

    @Test func countsAnUnfinishedBodyAsIncomplete() throws {
        let text = Array("5\r\nhello\r\n0\r\n\r\n".utf8)
        for end in text.indices {
            #expect(try decode(String(decoding: text[..<end], as: UTF8.self)).isComplete == false)
        }
    }
}
