/// A strict parser of HTTP/1 request heads (RFC 9112): what it accepts has one meaning only.
///
/// Refused although the RFC would allow a recipient to repair it: LF without CR, CR without LF, folded fields, blanks
/// before the colon, repeated Content-Length (even if identical), Content-Length beside Transfer-Encoding, any encoding
/// but `chunked`, any version but 1.0 and 1.1. One empty line before the request line is skipped (section 2.2).
package struct HTTPRequestHeadParser: Sendable {
    private let limits: HTTPLimits
    private var boundary = HTTPHeadBoundary()

    package init(limits: HTTPLimits = HTTPLimits()) {
        self.limits = limits
    }

    /// Looks for a complete head at the start of `bytes`.
    ///
    /// Call again with all bytes from the start of the head when more have arrived; they may have moved. `head` is only
    /// meaningful when a length is returned, and its spans count from the first byte of `bytes`.
    /// - Returns: the length of the head, after which ``reset()`` is implied; nil if the head is incomplete.
    package mutating func parse(
        _ bytes: UnsafeRawBufferPointer, into head: inout HTTPRequestHead
    ) throws(HTTPParseError) -> Int? {
        guard let length = try boundary.find(in: bytes, limit: limits.headBytes, toleratesEmptyLine: true)
        else { return nil }
        let start = boundary.start
        boundary = HTTPHeadBoundary()
        let whole = UnsafeRawBufferPointer(rebasing: bytes[..<length])
        let fieldsStart = try HTTPRequestLine(limits: limits).parse(whole, from: start, into: &head)
        var section = HTTPFieldSection()
        try section.parse(whole, from: fieldsStart, limit: limits.fields, into: &head.fields)
        try apply(section, whole, to: &head)
        return length
    }

    /// Forgets a head that was begun.
    package mutating func reset() {
        boundary = HTTPHeadBoundary()
    }

    private func apply(
        _ section: HTTPFieldSection, _ bytes: UnsafeRawBufferPointer, to head: inout HTTPRequestHead
    ) throws(HTTPParseError) {
        if let host = section.host {
            guard HTTPAuthority.isValid(host.bytes(in: bytes)) else { throw HTTPParseError(.invalidHost) }
        } else if head.minorVersion == 1 {
            throw HTTPParseError(.missingHost)
        }
        head.framing = try section.framing(minorVersion: head.minorVersion) ?? .none
        head.keepAlive = section.persists(minorVersion: head.minorVersion)
        head.expectsContinue = section.expectsContinue && head.minorVersion == 1
        if section.hasUnknownExpectation, head.minorVersion == 1 { throw HTTPParseError(.unsupportedExpectation) }
    }
}
