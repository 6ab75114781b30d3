import PatchbayWire
import Testing

private func parse(
    _ text: String, isHead: Bool = false, ends: [Int]? = nil
) throws(HTTPParseError) -> (head: HTTPResponseHead, length: Int)? {
    let bytes = Array(text.utf8)
    var parser = HTTPResponseHeadParser(requestMethodIsHead: isHead)
    var head = HTTPResponseHead()
    for end in ends ?? [bytes.count] {
        let copy = Array(bytes[..<end])
        let result = copy.withUnsafeBytes { raw in
            Result { () throws(HTTPParseError) in try parser.parse(raw, into: &head) }
        }
        if let length = try result.get() { return (head, length) }
    }
    return nil
}

private func refusal(_ text: String, ends: [Int]? = nil) -> HTTPParseError.Code? {
    do throws(HTTPParseError) {
        _ = try parse(text, ends: ends)
        return nil
    } catch { return error.code }
}

struct HTTPResponseHeadParserTests {
    @Test(arguments: [
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", 200, HTTPBodyFraming.length(5), true),
        ("HTTP/1.1 200 \r\nContent-Length: 5\r\n\r\n", 200, .length(5), true),
        ("HTTP/1.1 200\r\nContent-Length: 5\r\n\r\n", 200, .length(5), true),
        ("HTTP/1.1 200 Tout va bi\u{E9}n\r\nContent-Length: 0\r\n\r\n", 200, .length(0), true),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 200, .chunked, true),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n", 200, .chunked, false),
        ("HTTP/1.1 200 OK\r\n\r\n", 200, .untilClose, false),
        ("HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n", 200, .length(5), false),
        ("HTTP/1.0 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\n", 200, .length(5), true),
        ("HTTP/1.1 204 No Content\r\n\r\n", 204, .none, true),
        ("HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n", 304, .none, true),
        ("HTTP/1.1 100 Continue\r\n\r\n", 100, .none, true),
        ("HTTP/1.1 999 Odd\r\nContent-Length: 1\r\n\r\n", 999, .length(1), true),
    ])
    func findsTheFraming(text: String, status: Int, framing: HTTPBodyFraming, keepAlive: Bool) throws {
        for ends in [nil, Array(0...text.utf8.count)] {
            let (head, length) = try #require(try parse(text, ends: ends))
            #expect(head.status == status)
            #expect(head.framing == framing)
            #expect(head.keepAlive == keepAlive)
            #expect(length == text.utf8.count)
        }
    }

    @Test func expectsNoBodyAfterHead() throws {
        let (head, _) = try #require(try parse("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", isHead: true))
        #expect(head.framing == .none)
        #expect(head.keepAlive)
    }

    @Test(arguments: [
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", HTTPParseError.Code.conflictingLength),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\n", .invalidLength),
        ("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", .invalidLength),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", .lengthAndEncoding),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", .invalidEncoding),
        ("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", .encodingInOldVersion),
        ("HTTP/1.1 200 OK\nContent-Length: 5\n\n", .bareLineFeed),
        ("HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", .obsoleteFolding),
        ("HTTP/1.1 200 OK\r\nA : b\r\n\r\n", .invalidFieldName),
        ("HTTP/1.1 200 OK\r\nA: b\u{1}\r\n\r\n", .invalidFieldValue),
        ("HTTP/1.1 200 O\rK\r\n\r\n", .bareCarriageReturn),
        ("HTTP/1.1 20 OK\r\n\r\n", .badStatusLine),
        ("HTTP/1.1 099 OK\r\n\r\n", .badStatusLine),
        ("HTTP/1.1 2000 OK\r\n\r\n", .badStatusLine),
        ("HTTP/1.1  200 OK\r\n\r\n", .badStatusLine),
        ("HTTP/1.1 2x0 OK\r\n\r\n", .badStatusLine),
        ("HTTP/1.1\r\n\r\n", .badStatusLine),
        ("HTTP/2.0 200 OK\r\n\r\n", .unsupportedVersion),
        ("ICY 200 OK\r\n\r\n", .badStatusLine),
        ("\r\nHTTP/1.1 200 OK\r\n\r\n", .badRequestLine),
        ("SSH-2.0-OpenSSH_9.2\r\n", .badStatusLine),
    ])
    func refusesWhatIsAmbiguous(text: String, code: HTTPParseError.Code) {
        #expect(refusal(text) == code)
        #expect(refusal(text, ends: Array(0...text.utf8.count)) != nil)
    }
}
