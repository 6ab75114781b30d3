import PatchbayWire
import Testing

struct HTTPRepeatedHeadTests {
    /// Heads that clients send, with a place for the digits of the length.
    private static let heads: [String] = [
        "POST /v1/chat/completions HTTP/1.1\r\nHost: a.b\r\nContent-Length: @\r\nAuthorization: Bearer k\r\n\r\n",
        "POST /v1/messages?beta=true HTTP/1.1\r\ncontent-length:@\r\nhost: a\r\nx-empty:\r\nx-last: v\r\n\r\n",
        "POST /x HTTP/1.1\r\nhost: a\r\nx-number: 17\r\nContent-Length:\t @ \t\r\nConnection: close\r\n\r\n",
        "\r\nPOST /x HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: @\r\n\r\n",
        "POST /x HTTP/1.1\r\nExpect: 100-continue\r\nHost: a\r\nContent-Length: @\r\n\r\n",
    ]
    private static let lengths = ["0", "7", "12", "99", "100", "0005", "1234567", "999999999999999999"]

    private static func bytes(_ head: String, _ length: String) -> [UInt8] {
        Array(head.replacing("@", with: length).utf8)
    }

    /// A connection that has parsed one head and looks at the next.
    private struct Connection {
        var head = HTTPRequestHead()
        var repeated = HTTPRepeatedHead()

        mutating func parse(_ bytes: [UInt8]) throws {
            var parser = HTTPRequestHeadParser()
            let result = bytes.withUnsafeBytes { raw in
                Result { () throws(HTTPParseError) in try parser.parse(raw, into: &head) }
            }
            let length = try #require(try result.get())
            bytes.withUnsafeBytes { repeated.keep(head, UnsafeRawBufferPointer(rebasing: $0[..<length])) }
        }

        /// nil = the parser has to look.
        mutating func match(_ bytes: [UInt8], limit: Int = 65_536) -> ParsedRequest? {
            bytes.withUnsafeBytes { raw in
                repeated.match(raw, limit: limit, into: &head).map { ParsedRequest(head, length: $0, raw) }
            }
        }
    }

    @Test(arguments: heads)
    func saysWhatTheParserSaysOfTheSameHeadWithAnyLength(head: String) throws {
        for first in Self.lengths {
            var connection = Connection()
            try connection.parse(Self.bytes(head, first))
            for next in Self.lengths + Self.lengths.reversed() {
                let bytes = Self.bytes(head, next) + Array("BODY".utf8)
                let expected = try #require(try outcome(bytes).get())
                #expect(connection.match(bytes) == expected)
                #expect(connection.head.expectsContinue == head.contains("Expect"))
            }
        }
    }

    @Test(arguments: heads)
    func leavesAnIncompleteHeadToTheParser(head: String) throws {
        let bytes = Self.bytes(head, "120")
        var connection = Connection()
        try connection.parse(Self.bytes(head, "45"))
        for end in 0..<bytes.count { #expect(connection.match(Array(bytes[..<end])) == nil) }
        #expect(connection.match(bytes) == (try outcome(bytes).get()))
    }

    /// Whatever byte is changed, it is either not recognised or says what the parser says.
    @Test(arguments: heads)
    func anotherByteIsNeverTakenForTheSame(head: String) throws {
        let bytes = Self.bytes(head, "120")
        for position in bytes.indices {
            for byte in [UInt8(ascii: "x"), UInt8(ascii: "3"), 0x20, 0x0d, 0x0a, 0x3a, 0x00] {
                var changed = bytes
                changed[position] = byte
                var connection = Connection()
                try connection.parse(bytes)
                guard let found = connection.match(changed) else { continue }
                #expect(found == (try outcome(changed).get()))
            }
        }
    }

    @Test func refusesNoMoreAndNoLessThanTheParser() throws {
        var connection = Connection()
        let head = Self.heads[0]
        try connection.parse(Self.bytes(head, "5"))
        for length in ["", " ", "-1", "+1", "1 2", "1,2", "0x5", "1234567890123456789", "99999999999999999999999"] {
            #expect(connection.match(Self.bytes(head, length)) == nil)
        }
        let bytes = Self.bytes(head, "123")
        #expect(connection.match(bytes, limit: bytes.count - 1) == nil)
        #expect(connection.match(bytes, limit: bytes.count) != nil)
    }

    @Test(arguments: SmugglingCase.all)
    func theCorpusIsDecidedAsByTheParser(example: SmugglingCase) throws {
        for head in Self.heads {
            var connection = Connection()
            try connection.parse(Self.bytes(head, "5"))
            guard let found = connection.match(example.bytes) else { continue }
            #expect(found == (try outcome(example.bytes).get()))
        }
    }

    @Test(
        "what is not kept",
        arguments: [
            "GET / HTTP/1.1\r\nhost: a\r\n\r\n",
            "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n",
            "POST / HTTP/1.1\r\nhost: a\r\nx: \(String(repeating: "y", count: 5000))\r\ncontent-length: 1\r\n\r\n",
        ])
    func keepsOnlyShortHeadsWithALength(head: String) throws {
        var connection = Connection()
        try connection.parse(Array(head.utf8))
        #expect(!connection.repeated.isKept)
        #expect(connection.match(Array(head.utf8)) == nil)
    }

    @Test func seldomKeepsTheHeadsOfAClientThatNeverRepeatsOne() throws {
        var connection = Connection()
        var kept = 0
        for number in 0..<320 {
            try connection.parse(Array("POST / HTTP/1.1\r\nhost: a\r\nx: \(number)\r\ncontent-length: 1\r\n\r\n".utf8))
            if connection.repeated.isKept { kept += 1 }
        }
        #expect(kept < 30)
        let last = Array("POST / HTTP/1.1\r\nhost: a\r\nx: 320\r\ncontent-length: 1\r\n\r\n".utf8)
        repeat { try connection.parse(last) } while !connection.repeated.isKept
        #expect(connection.match(last) != nil)
    }
}
