/// A parser of HTTP/1 response heads (RFC 9112): as strict as the request parser, except that the reason phrase may be
/// missing together with the space before it, as some servers send it.
package struct HTTPResponseHeadParser: Sendable {
    /// The request was HEAD: the response has no body whatever its fields say.
    package var requestMethodIsHead: Bool
    private let limits: HTTPLimits
    private var boundary = HTTPHeadBoundary()

    package init(limits: HTTPLimits = HTTPLimits(), requestMethodIsHead: Bool = false) {
        self.limits = limits
        self.requestMethodIsHead = requestMethodIsHead
    }

    /// Looks for a complete head at the start of `bytes`; see ``HTTPRequestHeadParser/parse(_:into:)``.
    ///
    /// 1xx responses are returned like any other, with framing `none`; parse again after them.
    package mutating func parse(
        _ bytes: UnsafeRawBufferPointer, into head: inout HTTPResponseHead
    ) throws(HTTPParseError) -> Int? {
        guard let length = try boundary.find(in: bytes, limit: limits.headBytes, toleratesEmptyLine: false) else {
            // What does not speak HTTP at all may never send an empty line.
            guard bytes.prefix(7).elementsEqual("HTTP/1.".utf8.prefix(bytes.count)) else {
                throw HTTPParseError(.badStatusLine)
            }
            return nil
        }
        boundary = HTTPHeadBoundary()
        let whole = UnsafeRawBufferPointer(rebasing: bytes[..<length])
        let fieldsStart = try Self.parseStatusLine(whole, into: &head)
        var section = HTTPFieldSection()
        try section.parse(whole, from: fieldsStart, limit: limits.fields, into: &head.fields)
        try apply(section, to: &head)
        return length
    }

    /// Forgets a head that was begun.
    package mutating func reset() {
        boundary = HTTPHeadBoundary()
    }

    /// - Returns: the offset of the first field line.
    private static func parseStatusLine(
        _ bytes: UnsafeRawBufferPointer, into head: inout HTTPResponseHead
    ) throws(HTTPParseError) -> Int {
        head.minorVersion = try HTTPVersion.parse(bytes, at: 0, failure: .badStatusLine)
        var position = HTTPVersion.count
        // "HTTP/1.1 200" and the head's last CRLF CRLF.
        guard bytes.count >= position + 8, bytes[position] == ASCII.space else { throw HTTPParseError(.badStatusLine) }
        var status = 0
        for index in 1...3 {
            let digit = bytes[position + index]
            guard ASCII.isDigit(digit) else { throw HTTPParseError(.badStatusLine) }
            status = status * 10 + Int(digit &- ASCII.zero)
        }
        guard status >= 100 else { throw HTTPParseError(.badStatusLine) }
        head.status = status
        position += 4
        guard bytes[position] == ASCII.space || bytes[position] == ASCII.carriageReturn else {
            throw HTTPParseError(.badStatusLine)
        }
        while bytes[position] >= 0x20 ? bytes[position] != 0x7F : bytes[position] == ASCII.tab { position += 1 }
        guard bytes[position] == ASCII.carriageReturn else { throw HTTPParseError(.badStatusLine) }
        guard bytes[position + 1] == ASCII.lineFeed else { throw HTTPParseError(.bareCarriageReturn) }
        return position + 2
    }

    /// Message body length, RFC 9112 section 6.3.
    private func apply(_ section: HTTPFieldSection, to head: inout HTTPResponseHead) throws(HTTPParseError) {
        let stated = try section.framing(minorVersion: head.minorVersion)
        let hasNoBody = requestMethodIsHead || head.isInformational || head.status == 204 || head.status == 304
        head.framing = hasNoBody ? .none : stated ?? .untilClose
        head.keepAlive = section.persists(minorVersion: head.minorVersion) && head.framing != .untilClose
    }
}
