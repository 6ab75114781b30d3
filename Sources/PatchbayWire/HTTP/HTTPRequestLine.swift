/// Parses `METHOD SP request-target SP HTTP-version CRLF` of a complete head (RFC 9112 section 3).
struct HTTPRequestLine {
    let limits: HTTPLimits

    /// - Returns: the offset of the first field line.
    func parse(
        _ bytes: UnsafeRawBufferPointer, from start: Int, into head: inout HTTPRequestHead
    ) throws(HTTPParseError) -> Int {
        guard let base = bytes.baseAddress else { throw HTTPParseError(.badRequestLine) }
        var position = start
        while HTTPCharacters.token.contains(base.byte(position)) { position += 1 }
        head.methodSpan = ByteSpan(start: start, count: position - start)
        guard position > start, base.byte(position) == ASCII.space else { throw HTTPParseError(.badRequestLine) }
        position += 1
        let targetStart = position
        while base.byte(position) &- 0x21 < 0x5E { position += 1 }
        head.target = ByteSpan(start: targetStart, count: position - targetStart)
        if base.byte(position) > 0x7E { throw HTTPParseError(.invalidTarget) }
        guard position > targetStart, base.byte(position) == ASCII.space else { throw HTTPParseError(.badRequestLine) }
        head.minorVersion = try HTTPVersion.parse(bytes, at: position + 1, failure: .badRequestLine)
        position += 1 + HTTPVersion.count
        guard base.byte(position) == ASCII.carriageReturn else { throw HTTPParseError(.badRequestLine) }
        guard base.byte(position + 1) == ASCII.lineFeed else { throw HTTPParseError(.bareCarriageReturn) }
        guard head.target.count <= limits.targetBytes else { throw HTTPParseError(.targetTooLong) }
        head.method = HTTPMethod(token: head.methodSpan.bytes(in: bytes))
        try HTTPTarget.split(bytes, into: &head)
        return position + 2
    }
}

enum HTTPVersion {
    /// Length of `HTTP/1.1`.
    static let count = 8

    /// The minor version of `HTTP/1.1` or `HTTP/1.0` at an offset.
    @inline(__always)
    static func parse(
        _ bytes: UnsafeRawBufferPointer, at offset: Int, failure: HTTPParseError.Code
    ) throws(HTTPParseError) -> UInt8 {
        // Two bytes must follow: the caller looks at them.
        guard offset + count + 2 <= bytes.count else { throw HTTPParseError(failure) }
        let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
        if word == 0x312E_312F_5054_5448 { return 1 }
        if word == 0x302E_312F_5054_5448 { return 0 }
        let version = bytes[offset..<(offset + count)]
        let isVersion =
            version.prefix(5).elementsEqual("HTTP/".utf8) && ASCII.isDigit(bytes[offset + 5])
            && bytes[offset + 6] == 0x2E && ASCII.isDigit(bytes[offset + 7])
        throw HTTPParseError(isVersion ? .unsupportedVersion : failure)
    }
}

/// Splits and checks a request-target (RFC 9112 section 3.2).
enum HTTPTarget {
    static func split(_ bytes: UnsafeRawBufferPointer, into head: inout HTTPRequestHead) throws(HTTPParseError) {
        let target = head.target.range
        var path = target
        switch bytes[target.lowerBound] {
        case ASCII.slash: break
        case 0x2A where target.count == 1:
            guard head.method == .options else { throw HTTPParseError(.invalidTarget) }
            (head.path, head.query) = (head.target, nil)
            return
        default:
            path = try skipAuthority(bytes, target)
        }
        let question = bytes[path].firstIndex(of: ASCII.questionMark)
        head.query = question.map { ByteSpan(start: $0 + 1, count: path.upperBound - $0 - 1) }
        path = path.lowerBound..<(question ?? path.upperBound)
        if path.isEmpty {
            // `http://host` means `/`, and the slash before the authority is one.
            let slash = target.lowerBound + (bytes[target.lowerBound + 4] == ASCII.colon ? 5 : 6)
            path = slash..<(slash + 1)
        }
        head.path = ByteSpan(start: path.lowerBound, count: path.count)
        try check(bytes, path, head.query)
    }

    /// The rest of an absolute-form target behind `http://authority`. The authority is checked, then ignored.
    private static func skipAuthority(
        _ bytes: UnsafeRawBufferPointer, _ target: Range<Int>
    ) throws(HTTPParseError) -> Range<Int> {
        let rest = UnsafeRawBufferPointer(rebasing: bytes[target])
        let schemeCount = rest.startsIgnoringCase("http://") ? 7 : rest.startsIgnoringCase("https://") ? 8 : 0
        guard schemeCount > 0 else { throw HTTPParseError(.invalidTarget) }
        let authority = (target.lowerBound + schemeCount)..<target.upperBound
        let end = bytes[authority].firstIndex { $0 == ASCII.slash || $0 == ASCII.questionMark } ?? target.upperBound
        let name = UnsafeRawBufferPointer(rebasing: bytes[authority.lowerBound..<end])
        guard HTTPAuthority.isValid(name) else { throw HTTPParseError(.invalidHost) }
        return end..<target.upperBound
    }

    private static func check(
        _ bytes: UnsafeRawBufferPointer, _ path: Range<Int>, _ query: ByteSpan?
    ) throws(HTTPParseError) {
        let allowedInPath = HTTPCharacters.path
        var index = path.lowerBound
        while index < path.upperBound {
            if allowedInPath.contains(bytes[index]) {
                index += 1
                continue
            }
            guard bytes[index] == 0x25, index + 2 < path.upperBound, ASCII.hexValue(bytes[index + 1]) != nil,
                ASCII.hexValue(bytes[index + 2]) != nil
            else { throw HTTPParseError(.invalidTarget) }
            index += 3
        }
        guard let query else { return }
        let allowedInQuery = HTTPCharacters.query
        for byte in bytes[query.range] where !allowedInQuery.contains(byte) { throw HTTPParseError(.invalidTarget) }
    }
}

/// `host [":" port]` without user information (RFC 9110 section 7.2).
package enum HTTPAuthority {
    /// Whether `bytes` is a non-empty host name, IPv4 address or bracketed IPv6 address with an optional port.
    package static func isValid(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let first = bytes.first else { return false }
        var position = 0
        if first == 0x5B {
            let allowed = HTTPCharacters.addressLiteral
            guard let bracket = bytes.firstIndex(of: 0x5D), bracket > 2,
                bytes[1..<bracket].allSatisfy({ allowed.contains($0) })
            else { return false }
            position = bracket + 1
        } else {
            let allowed = HTTPCharacters.hostName
            while position < bytes.count, allowed.contains(bytes[position]) { position += 1 }
            guard position > 0 else { return false }
        }
        if position == bytes.count { return true }
        let port = bytes[(position + 1)...]
        return bytes[position] == ASCII.colon && port.count <= 5 && port.allSatisfy(ASCII.isDigit)
    }
}

extension UnsafeRawBufferPointer {
    /// Whether these bytes begin with the lower-case `text`, in any case. `text` may hold letters, `:` and `/` only.
    func startsIgnoringCase(_ text: StaticString) -> Bool {
        guard count >= text.utf8CodeUnitCount else { return false }
        for index in 0..<text.utf8CodeUnitCount {
            let expected = text.utf8Start[index]
            let byte = expected >= 0x61 ? self[index] | 0x20 : self[index]
            if byte != expected { return false }
        }
        return true
    }
}
