/// A position in a document and the rules of RFC 8259 for one token.
///
/// Each `skip` function begins on the first byte of the token and leaves the position behind its last byte.
struct JSONCursor {
    let base: UnsafePointer<UInt8>
    let end: Int
    var position: Int

    /// - Precondition: `bytes` is not empty.
    init(_ bytes: UnsafeRawBufferPointer, from position: Int = 0) throws(JSONError) {
        guard let base = bytes.baseAddress, !bytes.isEmpty else { throw JSONError(.empty, at: 0) }
        guard bytes.count <= Int(Int32.max) else { throw JSONError(.tooLarge, at: 0) }
        self.base = base.assumingMemoryBound(to: UInt8.self)
        self.end = bytes.count
        self.position = position
    }

    @inline(__always)
    mutating func skipWhitespace() {
        while position < end {
            let byte = base[position]
            if byte > 0x20 { return }
            guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return }
            position += 1
        }
    }

    /// The byte at the position after white space; running out of bytes is an error.
    @inline(__always)
    mutating func nextByte() throws(JSONError) -> UInt8 {
        skipWhitespace()
        guard position < end else { throw JSONError(.unexpectedEnd, at: end) }
        return base[position]
    }

    /// Skips a string with its quotes and tells whether it has escapes.
    @inline(__always)
    mutating func skipString() throws(JSONError) -> Bool {
        position += 1
        var hasEscapes = false
        while true {
            position = JSONBytes.firstSpecial(base, position, end)
            guard position < end else { throw JSONError(.unexpectedEnd, at: end) }
            let byte = base[position]
            if byte == JSONBytes.quote {
                position += 1
                return hasEscapes
            }
            guard byte == JSONBytes.backslash else { throw JSONError(.controlCharacter, at: position) }
            hasEscapes = true
            try skipEscape()
        }
    }

    @inline(__always)
    private mutating func skipEscape() throws(JSONError) {
        guard position + 1 < end else { throw JSONError(.unexpectedEnd, at: end) }
        switch base[position + 1] {
        case UInt8(ascii: "n"), JSONBytes.quote, JSONBytes.backslash, UInt8(ascii: "t"), UInt8(ascii: "r"),
            UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"):
            position += 2
        case UInt8(ascii: "u"):
            guard position + 6 <= end else { throw JSONError(.unexpectedEnd, at: end) }
            for offset in 2..<6 where JSONBytes.hexDigit(base[position + offset]) == nil {
                throw JSONError(.invalidEscape, at: position)
            }
            position += 6
        default:
            throw JSONError(.invalidEscape, at: position)
        }
    }

    @inline(__always)
    mutating func skipLiteral(_ word: StaticString, _ kind: JSONKind) throws(JSONError) -> JSONKind {
        let length = word.utf8CodeUnitCount
        guard end - position >= length else { throw JSONError(.invalidLiteral, at: position) }
        for offset in 0..<length where base[position + offset] != word.utf8Start[offset] {
            throw JSONError(.invalidLiteral, at: position)
        }
        position += length
        return kind
    }

    mutating func skipNumber() throws(JSONError) {
        let start = position
        if base[position] == UInt8(ascii: "-") { position += 1 }
        guard position < end else { throw JSONError(.invalidNumber, at: start) }
        if base[position] == UInt8(ascii: "0") {
            position += 1
        } else {
            try skipDigits(of: start)
        }
        if position < end, base[position] == UInt8(ascii: ".") {
            position += 1
            try skipDigits(of: start)
        }
        if position < end, base[position] | 0x20 == UInt8(ascii: "e") {
            position += 1
            if position < end, base[position] == UInt8(ascii: "+") || base[position] == UInt8(ascii: "-") {
                position += 1
            }
            try skipDigits(of: start)
        }
        // "01" and "1x" would otherwise be reported one byte late and as something else.
        if position < end, isNumberByte(base[position]) { throw JSONError(.invalidNumber, at: start) }
    }

    @inline(__always)
    private mutating func skipDigits(of number: Int) throws(JSONError) {
        let first = position
        while position < end, base[position] &- 0x30 < 10 { position += 1 }
        guard position > first else { throw JSONError(.invalidNumber, at: number) }
    }

    @inline(__always)
    private func isNumberByte(_ byte: UInt8) -> Bool {
        byte &- 0x30 < 10 || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-")
    }

    /// Skips a scalar that begins with `byte`. Containers and other bytes are refused.
    @inline(__always)
    mutating func skipScalar(_ byte: UInt8, hasEscapes: inout Bool) throws(JSONError) -> JSONKind {
        switch byte {
        case JSONBytes.quote:
            hasEscapes = try skipString()
            return .string
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
            try skipNumber()
            return .number
        case UInt8(ascii: "t"): return try skipLiteral("true", .true)
        case UInt8(ascii: "f"): return try skipLiteral("false", .false)
        case UInt8(ascii: "n"): return try skipLiteral("null", .null)
        default: throw JSONError(.unexpectedByte, at: position)
        }
    }

    /// Refuses anything but white space up to the end.
    mutating func expectEnd() throws(JSONError) {
        skipWhitespace()
        guard position == end else { throw JSONError(.trailingBytes, at: position) }
    }
}
