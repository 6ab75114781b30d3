import PatchbayWire
import Testing

/// A head as values that can be compared.
struct ParsedRequest: Equatable {
    var length: Int
    var method: String
    var path: String
    var query: String?
    var minorVersion: UInt8
    var fields: [[String]]
    var framing: HTTPBodyFraming
    var keepAlive: Bool

    /// Presents `bytes` up to each of `ends` in turn; nil = incomplete.
    static func parse(
        _ bytes: [UInt8], ends: [Int]? = nil, limits: HTTPLimits = HTTPLimits()
    ) throws(HTTPParseError) -> ParsedRequest? {
        var parser = HTTPRequestHeadParser(limits: limits)
        var head = HTTPRequestHead()
        for end in ends ?? [bytes.count] {
            // A fresh copy each time: the bytes may move between calls.
            let copy = Array(bytes[..<end])
            let result = copy.withUnsafeBytes { raw in
                Result { () throws(HTTPParseError) in
                    try parser.parse(raw, into: &head).map { ParsedRequest(head, length: $0, raw) }
                }
            }
            if let parsed = try result.get() { return parsed }
        }
        return nil
    }

    init(_ head: HTTPRequestHead, length: Int, _ bytes: UnsafeRawBufferPointer) {
        self.length = length
        method = head.methodSpan.text(in: bytes)
        path = head.path.text(in: bytes)
        query = head.query?.text(in: bytes)
        minorVersion = head.minorVersion
        fields = head.fields.map { [$0.name.text(in: bytes), $0.value.text(in: bytes)] }
        framing = head.framing
        keepAlive = head.keepAlive
    }
}

/// The outcome of a parse as a value: what was parsed, nil for incomplete, or the refusal.
func outcome(_ bytes: [UInt8], ends: [Int]? = nil) -> Result<ParsedRequest?, HTTPParseError> {
    Result { () throws(HTTPParseError) in try ParsedRequest.parse(bytes, ends: ends) }
}

struct HTTPRequestHeadParserTests {
    @Test(arguments: SmugglingCase.all)
    func decidesAsTheCorpusSays(example: SmugglingCase) throws {
        switch MessageReading.read(example.bytes) {
        case .refused(let code): #expect(code == example.refusal)
        case .whole(let body, let end):
            #expect(example.refusal == nil)
            #expect(String(decoding: body, as: UTF8.self) == example.body)
            #expect(end == example.bytes.count)
        case .incomplete: Issue.record("the message is not complete")
        }
    }

    @Test func hasTwoHundredCases() {
        #expect(SmugglingCase.all.count >= 200)
    }

    @Test(arguments: SmugglingCase.all)
    func decidesTheSameWhereverTheBytesAreSplit(example: SmugglingCase) {
        let bytes = example.bytes
        let whole = MessageReading.read(bytes)
        for split in bytes.indices {
            let parts = MessageReading.read(bytes, ends: [split, bytes.count])
            switch (whole, parts) {
            // Which of two faults is seen first may depend on what has arrived.
            case (.refused, .refused): break
            default: #expect(whole == parts, "split at \(split)")
            }
        }
        let bytewise = MessageReading.read(bytes, ends: Array(0...bytes.count))
        if case .refused = whole, case .refused = bytewise { return }
        #expect(whole == bytewise)
    }

    @Test(arguments: SmugglingCase.all)
    func whatFollowsAMessageDoesNotChangeIt(example: SmugglingCase) {
        let next = Array("GET /next HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
        #expect(MessageReading.read(example.bytes + next) == MessageReading.read(example.bytes))
    }

    @Test func understandsAnOrdinaryRequest() throws {
        let text =
            "POST /v1/chat/completions?beta=true HTTP/1.1\r\nHost: localhost:4000\r\nAuthorization: Bearer k\r\n"
            + "X-Api-Key:k2\r\nContent-Type: application/json\r\nContent-Length: 2\r\nX-Custom:  a  b \r\nEmpty:\r\n"
            + "Expect: 100-Continue\r\n\r\n{}"
        let bytes = Array(text.utf8)
        var parser = HTTPRequestHeadParser()
        var head = HTTPRequestHead()
        try bytes.withUnsafeBytes { raw in
            let length = try parser.parse(raw, into: &head)
            #expect(length == bytes.count - 2)
            #expect(head.method == .post)
            #expect(head.target.text(in: raw) == "/v1/chat/completions?beta=true")
            #expect(head.path.text(in: raw) == "/v1/chat/completions")
            #expect(head.query?.text(in: raw) == "beta=true")
            #expect(head.framing == .length(2))
            #expect(head.keepAlive)
            #expect(head.expectsContinue)
            #expect(
                head.fields.map(\.known) == [
                    .host, .authorization, .xAPIKey, .contentType, .contentLength, .other, .other, .expect,
                ])
            #expect(head.fields.first(.authorization)?.text(in: raw) == "Bearer k")
            #expect(head.fields.first(.xAPIKey)?.text(in: raw) == "k2")
            #expect(head.fields.first(named: "x-custom", in: raw)?.text(in: raw) == "a  b")
            #expect(head.fields.first(named: "empty", in: raw)?.isEmpty == true)
            #expect(head.fields.first(.cookie) == nil)
        }
    }

    @Test(
        arguments: [
            ("http://other/v1?x", "/v1", "x"), ("http://other", "/", nil), ("https://other?x", "/", "x"),
            ("/?", "/", ""), ("/a?b?c", "/a", "b?c"), ("//a//", "//a//", nil),
        ] as [(String, String, String?)])
    func takesThePathOutOfTheTarget(target: String, path: String, query: String?) throws {
        let head = try #require(try ParsedRequest.parse(Array("GET \(target) HTTP/1.1\r\nHost: a\r\n\r\n".utf8)))
        #expect(head.path == path)
        #expect(head.query == query)
    }

    @Test(arguments: [
        ("HTTP/1.1", "", true), ("HTTP/1.1", "Connection: close\r\n", false),
        ("HTTP/1.1", "Connection: x, CLOSE ,y\r\n", false),
        ("HTTP/1.1", "Connection: x\r\nConnection: close\r\n", false),
        ("HTTP/1.0", "", false), ("HTTP/1.0", "Connection: Keep-Alive\r\n", true),
        ("HTTP/1.0", "Connection: keep-alive, close\r\n", false), ("HTTP/1.1", "Connection: closed\r\n", true),
    ])
    func knowsWhetherTheConnectionStaysOpen(version: String, fields: String, keepAlive: Bool) throws {
        let head = try ParsedRequest.parse(Array("GET / \(version)\r\nHost: a\r\n\(fields)\r\n".utf8))
        #expect(head?.keepAlive == keepAlive)
    }

    @Test func acceptsTheAsteriskForOptionsOnly() throws {
        #expect(try ParsedRequest.parse(Array("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n".utf8))?.path == "*")
    }

    @Test func parsesPipelinedHeadsOneAfterTheOther() throws {
        let bytes = Array("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: b\r\n\r\n".utf8)
        var parser = HTTPRequestHeadParser()
        var head = HTTPRequestHead()
        var paths: [String] = []
        try bytes.withUnsafeBytes { raw in
            var rest = raw
            while !rest.isEmpty {
                let length = try #require(try parser.parse(rest, into: &head))
                paths.append(head.path.text(in: rest))
                rest = UnsafeRawBufferPointer(rebasing: rest[length...])
            }
        }
        #expect(paths == ["/1", "/2"])
    }
}

struct HTTPRequestHeadBoundsTests {
    private func code(_ text: String, _ limits: HTTPLimits) -> HTTPParseError.Code? {
        do throws(HTTPParseError) {
            _ = try ParsedRequest.parse(Array(text.utf8), limits: limits)
            return nil
        } catch { return error.code }
    }

    @Test func boundsTheHead() {
        let head = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
        #expect(code(head, HTTPLimits(headBytes: head.utf8.count)) == nil)
        #expect(code(head, HTTPLimits(headBytes: head.utf8.count - 1)) == .headTooLarge)
        #expect(
            code("GET / HTTP/1.1\r\nX: " + String(repeating: "a", count: 100), HTTPLimits(headBytes: 100))
                == .headTooLarge)
    }

    @Test func boundsTheFields() {
        let fields = String(repeating: "X: y\r\n", count: 4)
        #expect(code("GET / HTTP/1.1\r\nHost: a\r\n\(fields)\r\n", HTTPLimits(fields: 5)) == nil)
        #expect(code("GET / HTTP/1.1\r\nHost: a\r\n\(fields)\r\n", HTTPLimits(fields: 4)) == .tooManyFields)
    }

    @Test func boundsTheTarget() {
        #expect(code("GET /12345 HTTP/1.1\r\nHost: a\r\n\r\n", HTTPLimits(targetBytes: 6)) == nil)
        #expect(code("GET /12345 HTTP/1.1\r\nHost: a\r\n\r\n", HTTPLimits(targetBytes: 5)) == .targetTooLong)
    }

    @Test func everyRefusalHasAStatusAndASentence() {
        for code in HTTPParseError.Code.allCases {
            let error = HTTPParseError(code)
            #expect([400, 414, 417, 431, 501, 505].contains(error.statusCode))
            #expect(error.sentence.hasSuffix("."))
        }
    }
}

struct HTTPRoundTripTests {
    @Test func parsesWhatWasWritten() throws {
        var random = SeededGenerator(seed: 7)
        for _ in 0..<500 {
            let expected = Self.randomHead(&random)
            let bytes = Self.write(expected, &random)
            var wanted = expected
            wanted.length = bytes.count
            #expect(try ParsedRequest.parse(bytes) == wanted)
            #expect(try ParsedRequest.parse(bytes, ends: Array(0...bytes.count)) == wanted)
        }
    }

    private static let token = Array("!#$%&'*+-.^_`|~abcXYZ019")
    private static let value = Array("abc XYZ\t019!\"(),/:;<=>?@[\\]{}é€")

    private static func word(_ characters: [Character], _ random: inout SeededGenerator, max: Int) -> String {
        String(
            (0..<Int.random(in: 1...max, using: &random)).map { _ in characters.randomElement(using: &random) ?? "a" })
    }

    private static func randomHead(_ random: inout SeededGenerator) -> ParsedRequest {
        var head = HTTPRequestHead()
        head.keepAlive = true
        var parsed = ParsedRequest(head, length: 0, UnsafeRawBufferPointer(start: nil, count: 0))
        parsed.method = word(token, &random, max: 9)
        parsed.path = "/" + word(Array("ab-._~!$&'()*+,;=:@/"), &random, max: 40)
        parsed.query = Bool.random(using: &random) ? word(Array("ab=&?/[]{}|%"), &random, max: 20) : nil
        parsed.fields = [["Host", "h.example"]]
        for _ in 0..<Int.random(in: 0...20, using: &random) {
            let name = "x-" + word(token, &random, max: 20)
            let value = "v" + word(Self.value, &random, max: 60) + "v"
            parsed.fields.append([name, value])
        }
        if Bool.random(using: &random) {
            let length = Int.random(in: 0...1_000_000, using: &random)
            parsed.framing = .length(length)
            parsed.fields.append(["CONTENT-length", "\(length)"])
        } else if Bool.random(using: &random) {
            parsed.framing = .chunked
            parsed.fields.append(["transfer-Encoding", "chunked"])
        }
        return parsed
    }

    private static func write(_ head: ParsedRequest, _ random: inout SeededGenerator) -> [UInt8] {
        var text = "\(head.method) \(head.path)\(head.query.map { "?" + $0 } ?? "") HTTP/1.1\r\n"
        for field in head.fields {
            let before = ["", " ", "\t", "  \t "].randomElement(using: &random) ?? ""
            let after = ["", " ", "\t"].randomElement(using: &random) ?? ""
            text += "\(field[0]):\(before)\(field[1])\(after)\r\n"
        }
        return Array((text + "\r\n").utf8)
    }
}

/// A small deterministic generator (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
