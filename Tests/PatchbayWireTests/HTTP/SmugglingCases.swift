import PatchbayWire
import Testing

/// A request head that somebody might understand differently, and what is made of it.
struct SmugglingCase: Sendable, CustomTestStringConvertible {
    var name: String
    var bytes: [UInt8]
    /// nil = accepted.
    var refusal: HTTPParseError.Code?
    /// Whether NIO's decoder accepts it.
    var isAcceptedByNIO: Bool

    var testDescription: String { name }

    /// - Parameters:
    ///   - stricter: NIO accepts what we refuse.
    ///   - milder: NIO refuses what we accept.
    init(_ name: String, _ text: String, _ refusal: HTTPParseError.Code?, stricter: Bool = false, milder: Bool = false)
    {
        self.name = name
        bytes = Array(text.utf8)
        self.refusal = refusal
        isAcceptedByNIO = (refusal == nil) != (stricter || milder)
    }

    /// `POST / HTTP/1.1` with a Host field and these lines.
    static func fields(
        _ name: String, _ lines: String..., refusal: HTTPParseError.Code?, stricter: Bool = false,
        milder: Bool = false
    ) -> SmugglingCase {
        let text = lines.map { $0 + "\r\n" }.joined()
        return SmugglingCase(
            name, "POST / HTTP/1.1\r\nHost: a\r\n\(text)\r\n", refusal, stricter: stricter, milder: milder)
    }

    /// `GET target HTTP/1.1` with a Host field.
    static func target(_ target: String, refusal: HTTPParseError.Code?, stricter: Bool = false) -> SmugglingCase {
        SmugglingCase("target \(target)", "GET \(target) HTTP/1.1\r\nHost: a\r\n\r\n", refusal, stricter: stricter)
    }

    /// `GET / HTTP/1.1` with this Host value.
    static func host(_ host: String, refusal: HTTPParseError.Code?, stricter: Bool = false) -> SmugglingCase {
        SmugglingCase("host \(host)", "GET / HTTP/1.1\r\nHost: \(host)\r\n\r\n", refusal, stricter: stricter)
    }
}

extension SmugglingCase {
    static let all = lengths + encodings + lineEndings + names + values + requestLines + targets + hosts

    static let lengths: [SmugglingCase] = [
        .fields("one length", "Content-Length: 5", refusal: nil),
        .fields("length zero", "Content-Length: 0", refusal: nil),
        .fields("length with leading zeros", "Content-Length: 005", refusal: nil),
        // A tab is a blank too (RFC 9110 section 5.6.3).
        .fields("length with blanks around", "Content-Length: \t 5 \t", refusal: nil, milder: true),
        .fields("length with spaces around", "Content-Length:   5  ", refusal: nil),
        .fields("two different lengths", "Content-Length: 5", "Content-Length: 6", refusal: .conflictingLength),
        .fields("two equal lengths", "Content-Length: 5", "Content-Length: 5", refusal: .conflictingLength),
        .fields("two lengths in other case", "content-length: 5", "CONTENT-LENGTH: 6", refusal: .conflictingLength),
        .fields("list of lengths", "Content-Length: 5, 5", refusal: .invalidLength),
        .fields("list of different lengths", "Content-Length: 5,6", refusal: .invalidLength),
        .fields("signed length", "Content-Length: +5", refusal: .invalidLength),
        .fields("negative length", "Content-Length: -5", refusal: .invalidLength),
        .fields("hexadecimal length", "Content-Length: 0x5", refusal: .invalidLength),
        .fields("empty length", "Content-Length:", refusal: .invalidLength),
        .fields("blank inside length", "Content-Length: 5 5", refusal: .invalidLength),
        .fields("fraction", "Content-Length: 5.0", refusal: .invalidLength),
        .fields("length with suffix", "Content-Length: 5;x", refusal: .invalidLength),
        .fields("length beyond 64 bits", "Content-Length: 18446744073709551621", refusal: .invalidLength),
        .fields("length of 2^63", "Content-Length: 9223372036854775808", refusal: .invalidLength, stricter: true),
        .fields("quoted length", "Content-Length: \"5\"", refusal: .invalidLength),
    ]

    static let encodings: [SmugglingCase] = [
        .fields("chunked", "Transfer-Encoding: chunked", refusal: nil),
        .fields("chunked in other case", "Transfer-Encoding: ChunkeD", refusal: nil),
        .fields("chunked, then length", "Transfer-Encoding: chunked", "Content-Length: 5", refusal: .lengthAndEncoding),
        .fields("length, then chunked", "Content-Length: 5", "Transfer-Encoding: chunked", refusal: .lengthAndEncoding),
        .fields(
            "chunked with length zero", "Content-Length: 0", "Transfer-Encoding: chunked", refusal: .lengthAndEncoding),
        .fields("identity", "Transfer-Encoding: identity", refusal: .invalidEncoding),
        .fields("identity, chunked", "Transfer-Encoding: identity, chunked", refusal: .invalidEncoding, stricter: true),
        .fields("chunked, identity", "Transfer-Encoding: chunked, identity", refusal: .invalidEncoding),
        .fields("gzip, chunked", "Transfer-Encoding: gzip, chunked", refusal: .invalidEncoding, stricter: true),
        .fields("chunked twice", "Transfer-Encoding: chunked, chunked", refusal: .invalidEncoding),
        .fields("two encodings", "Transfer-Encoding: chunked", "Transfer-Encoding: chunked", refusal: .invalidEncoding),
        .fields(
            "two encodings, one false", "Transfer-Encoding: chunked", "Transfer-Encoding: x",
            refusal: .invalidEncoding),
        .fields("xchunked", "Transfer-Encoding: xchunked", refusal: .invalidEncoding),
        .fields("chunked in quotes", "Transfer-Encoding: \"chunked\"", refusal: .invalidEncoding),
        .fields("chunked with parameter", "Transfer-Encoding: chunked;q=1", refusal: .invalidEncoding),
        .fields("leading comma", "Transfer-Encoding: ,chunked", refusal: .invalidEncoding, stricter: true),
        .fields("empty encoding", "Transfer-Encoding:", refusal: .invalidEncoding, stricter: true),
        .fields("vertical tab before chunked", "Transfer-Encoding: \u{B}chunked", refusal: .invalidFieldValue),
        .fields("blank before the colon", "Transfer-Encoding : chunked", refusal: .invalidFieldName),
        .fields("tab before the colon", "Transfer-Encoding\t: chunked", refusal: .invalidFieldName),
        SmugglingCase(
            "chunked in 1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", .encodingInOldVersion,
            stricter: true),
    ]

    static let lineEndings: [SmugglingCase] = [
        SmugglingCase("only line feeds", "GET / HTTP/1.1\nHost: a\n\n", .bareLineFeed),
        SmugglingCase("line feed after the request line", "GET / HTTP/1.1\nHost: a\r\n\r\n", .bareLineFeed),
        SmugglingCase("line feed after a field", "GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n", .bareLineFeed),
        SmugglingCase("line feed as last line", "GET / HTTP/1.1\r\nHost: a\r\n\n", .bareLineFeed),
        SmugglingCase("only carriage returns", "GET / HTTP/1.1\rHost: a\r\r\n\r\n", .bareCarriageReturn),
        SmugglingCase(
            "carriage return in a value", "GET / HTTP/1.1\r\nHost: a\r\nX: y\rZ: w\r\n\r\n", .bareCarriageReturn),
        SmugglingCase("carriage return before CRLF", "GET / HTTP/1.1\r\nHost: a\r\r\n\r\n", .bareCarriageReturn),
        SmugglingCase(
            "carriage return before a name", "GET / HTTP/1.1\r\nHost: a\r\n\rX: y\r\n\r\n", .bareCarriageReturn),
        SmugglingCase("folded field", "GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n z\r\n\r\n", .obsoleteFolding),
        SmugglingCase("folded with a tab", "GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n\tz\r\n\r\n", .obsoleteFolding),
        SmugglingCase("blank first field", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", .obsoleteFolding),
        SmugglingCase("folded length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n 5\r\n\r\n", .invalidLength),
        SmugglingCase("one empty line first", "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", nil),
        SmugglingCase(
            "two empty lines first", "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", .badRequestLine, stricter: true),
        SmugglingCase("line feed first", "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", .bareLineFeed, stricter: true),
    ]

    static let names: [SmugglingCase] = [
        .fields("empty name", ": x", refusal: .invalidFieldName),
        .fields("no colon", "Content-Length", refusal: .invalidFieldName),
        .fields("blank in a name", "Content Length: 5", refusal: .invalidFieldName),
        .fields("slash in a name", "Content/Length: 5", refusal: .invalidFieldName),
        .fields("brackets in a name", "Content[Length]: 5", refusal: .invalidFieldName),
        .fields("quote in a name", "\"Content-Length\": 5", refusal: .invalidFieldName),
        .fields("NUL in a name", "Content-Length\0: 5", refusal: .invalidFieldName),
        .fields("letters beyond ASCII", "Content-L\u{E9}ngth: 5", refusal: .invalidFieldName),
        .fields("underscores are another name", "Content_Length: 5", refusal: nil),
        .fields("every token character", "!#$%&'*+-.^_`|~aZ09: x", refusal: nil),
    ]

    static let values: [SmugglingCase] = [
        .fields("NUL in a value", "X: a\0b", refusal: .invalidFieldValue),
        .fields("DEL in a value", "X: a\u{7F}b", refusal: .invalidFieldValue),
        .fields("escape in a value", "X: a\u{1B}b", refusal: .invalidFieldValue),
        .fields("tab in a value", "X: a\tb", refusal: nil),
        .fields("UTF-8 in a value", "X: \u{E9}\u{20AC}", refusal: nil),
        .fields("unknown expectation", "Expect: 200-ok", refusal: .unsupportedExpectation, stricter: true),
    ]

    static let requestLines: [SmugglingCase] = [
        SmugglingCase("version 0.9", "GET /\r\n\r\n", .badRequestLine),
        SmugglingCase("version 2.0", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", .unsupportedVersion),
        SmugglingCase("HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", .unsupportedVersion),
        SmugglingCase("version 1.2", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", .unsupportedVersion),
        SmugglingCase("version 1.10", "GET / HTTP/1.10\r\nHost: a\r\n\r\n", .badRequestLine),
        SmugglingCase("version 01.1", "GET / HTTP/01.1\r\nHost: a\r\n\r\n", .badRequestLine),
        SmugglingCase("lower-case version", "GET / http/1.1\r\nHost: a\r\n\r\n", .badRequestLine),
        SmugglingCase("ICY", "GET / ICY/1.1\r\nHost: a\r\n\r\n", .badRequestLine),
        SmugglingCase(
            "two blanks before the target", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", .badRequestLine, stricter: true),
        SmugglingCase(
            "two blanks after the target", "GET /  HTTP/1.1\r\nHost: a\r\n\r\n", .badRequestLine, stricter: true),
        SmugglingCase("blank after the version", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", .badRequestLine),
        SmugglingCase("blank before the method", " GET / HTTP/1.1\r\nHost: a\r\n\r\n", .badRequestLine),
        SmugglingCase("tab as separator", "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", .badRequestLine),
        SmugglingCase("method with brackets", "GE(T / HTTP/1.1\r\nHost: a\r\n\r\n", .badRequestLine),
        // Any token is a method; NIO has a list of those it knows.
        SmugglingCase("lower-case method", "get / HTTP/1.1\r\nHost: a\r\n\r\n", nil, milder: true),
        SmugglingCase("no target", "GET HTTP/1.1\r\nHost: a\r\n\r\n", .badRequestLine),
    ]

    static let targets: [SmugglingCase] = [
        .target("/v1/chat?x=1&y[]=%5B", refusal: nil),
        .target("http://other/v1", refusal: nil),
        .target("HTTPS://other:8443?x", refusal: nil),
        .target("http://u:p@other/", refusal: .invalidHost, stricter: true),
        .target("http:///v1", refusal: .invalidHost, stricter: true),
        .target("ftp://other/", refusal: .invalidTarget, stricter: true),
        .target("v1/models", refusal: .invalidTarget),
        .target("*", refusal: .invalidTarget, stricter: true),
        .target("a:443", refusal: .invalidTarget),
        .target("/v1#x", refusal: .invalidTarget, stricter: true),
        .target("/v1\\..\\x", refusal: .invalidTarget, stricter: true),
        .target("/%", refusal: .invalidTarget, stricter: true),
        .target("/%4", refusal: .invalidTarget, stricter: true),
        .target("/%zz", refusal: .invalidTarget, stricter: true),
        .target("/a\u{7F}", refusal: .invalidTarget),
        .target("/\u{E9}", refusal: .invalidTarget),
        .target("/a\0b", refusal: .badRequestLine),
        .target("/a\tb", refusal: .badRequestLine),
    ]

    static let hosts: [SmugglingCase] = [
        SmugglingCase("no host", "GET / HTTP/1.1\r\n\r\n", .missingHost, stricter: true),
        SmugglingCase("no host in 1.0", "GET / HTTP/1.0\r\n\r\n", nil),
        SmugglingCase("two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", .duplicateHost, stricter: true),
        SmugglingCase(
            "two hosts in 1.0", "GET / HTTP/1.0\r\nHost: a\r\nhost: b\r\n\r\n", .duplicateHost, stricter: true),
        .host("", refusal: .invalidHost, stricter: true),
        .host("example.com:8080", refusal: nil),
        .host("[::1]:80", refusal: nil),
        .host("x/?", refusal: .invalidHost, stricter: true),
        .host("x/#", refusal: .invalidHost, stricter: true),
        .host("u@x", refusal: .invalidHost, stricter: true),
        .host("a b", refusal: .invalidHost, stricter: true),
        .host("a, b", refusal: .invalidHost, stricter: true),
        .host("a:b", refusal: .invalidHost, stricter: true),
        .host("a:123456", refusal: .invalidHost, stricter: true),
        .host("[::1", refusal: .invalidHost, stricter: true),
        .host("[::1%25eth0]", refusal: .invalidHost, stricter: true),
        .host("%61", refusal: .invalidHost, stricter: true),
    ]
}
