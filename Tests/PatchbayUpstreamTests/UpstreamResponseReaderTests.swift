import PatchbayWire
import Testing

@testable import PatchbayUpstream

/// What a reader makes of bytes that arrive in pieces.
private struct Reading: Equatable {
    var statuses: [Int] = []
    var body = ""
    var isComplete = false
    var surplus = 0
    var keepAlive = false
    var isRefused = false

    init(_ text: String, ends: [Int], requestIsHead: Bool = false) {
        var reader = UpstreamResponseReader(limits: HTTPLimits())
        reader.begin(requestIsHead: requestIsHead)
        let bytes = Array(text.utf8)
        var position = 0
        for end in ends where !isComplete && !isRefused {
            position += take(Array(bytes[position..<end]), &reader)
        }
        if !isComplete, reader.inputClosed() == .complete { isComplete = true }
        surplus = bytes.count - position
        keepAlive = reader.keepAlive
    }

    /// Returns the number of bytes that need not be presented again.
    private mutating func take(_ bytes: [UInt8], _ reader: inout UpstreamResponseReader) -> Int {
        var head = HTTPResponseHead()
        var position = 0
        while true {
            let rest = Array(bytes[position...])
            let result = rest.withUnsafeBytes { raw in
                Result { () throws(HTTPParseError) in try reader.next(raw, head: &head) }
            }
            guard let step = try? result.get() else {
                isRefused = true
                return position
            }
            switch step {
            case .needMore: return bytes.count
            case .headIncomplete: return position
            case .informational(let length), .head(let length):
                statuses.append(head.status)
                position += length
            case .body(let range, let consumed):
                body += String(decoding: rest[range], as: UTF8.self)
                position += consumed
            case .end(let consumed):
                isComplete = true
                return position + consumed
            }
        }
    }
}

struct UpstreamResponseReaderTests {
    @Test(arguments: [
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", [200], "hello", 0),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP", [200], "hello", 4),
        ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", [100, 200], "", 0),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\nT: 1\r\n\r\n!", [200],
            "abcde", 1
        ),
        ("HTTP/1.0 200 OK\r\n\r\nto the end", [200], "to the end", 0),
        ("HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\n", [204], "", 0),
    ])
    func readsTheSameWhereverTheBytesAreSplit(text: String, statuses: [Int], body: String, surplus: Int) {
        let count = text.utf8.count
        for ends in (0...count).map({ [$0, count] }) + [Array(0...count)] {
            let reading = Reading(text, ends: ends)
            #expect(reading.statuses == statuses)
            #expect(reading.body == body)
            #expect(reading.isComplete)
            #expect(reading.surplus <= surplus)
        }
        #expect(Reading(text, ends: [count]).surplus == surplus)
    }

    @Test func anythingButTheWholeResponseIsIncomplete() {
        for text in [
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        ] {
            for end in 0..<text.utf8.count { #expect(!Reading(text, ends: [end]).isComplete) }
        }
    }

    @Test func anEndlessSeriesOfInformationalHeadsIsRefused() {
        let text = String(repeating: "HTTP/1.1 103 Early Hints\r\n\r\n", count: 17)
        #expect(Reading(text, ends: [text.utf8.count]).isRefused)
    }
}
