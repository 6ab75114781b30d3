/// Character classes of RFC 9110 and RFC 3986 as 128-bit masks: two words each, tested without memory access.
struct HTTPCharacters {
    private let low: UInt64
    private let high: UInt64

    /// Every ASCII letter and digit, and each character of `others`.
    private init(alphanumericsAnd others: StaticString) {
        var words: (low: UInt64, high: UInt64) = (0x03FF_0000_0000_0000, 0x07FF_FFFE_07FF_FFFE)
        for index in 0..<others.utf8CodeUnitCount {
            let byte = others.utf8Start[index]
            if byte < 64 { words.low |= 1 << UInt64(byte) } else { words.high |= 1 << UInt64(byte & 63) }
        }
        (low, high) = words
    }

    private init(low: UInt64, high: UInt64) {
        self.low = low
        self.high = high
    }

    @inline(__always)
    func contains(_ byte: UInt8) -> Bool {
        let word = byte < 64 ? low : high
        return byte < 128 && (word >> UInt64(byte & 63)) & 1 != 0
    }
}

extension HTTPCharacters {
    /// tchar, RFC 9110 section 5.6.2: letters, digits and ``!#$%&'*+-.^_`|~``.
    @inline(__always)
    static var token: HTTPCharacters { HTTPCharacters(low: 0x03FF_6CFA_0000_0000, high: 0x57FF_FFFF_C7FF_FFFE) }

    /// pchar without the percent sign, and the slash: what a path may hold unescaped (RFC 3986 section 3.3).
    static let path = HTTPCharacters(alphanumericsAnd: "-._~!$&'()*+,;=:@/")

    /// Every visible ASCII character but `"`, `#`, `<` and `>`: what browsers leave unescaped in a query.
    static let query = HTTPCharacters(alphanumericsAnd: "-._~!$&'()*+,;=:@/?%[]{}|^`\\")

    /// A reg-name or IPv4 address without percent escapes (RFC 3986 section 3.2.2).
    static let hostName = HTTPCharacters(alphanumericsAnd: "-._~!$&'()*+,;=")

    /// The inside of `[...]`: an IPv6 address.
    static let addressLiteral = HTTPCharacters(low: 0x07FF_4000_0000_0000, high: 0x0000_007E_0000_007E)
}

enum ASCII {
    static let tab: UInt8 = 0x09
    static let lineFeed: UInt8 = 0x0A
    static let carriageReturn: UInt8 = 0x0D
    static let space: UInt8 = 0x20
    static let comma: UInt8 = 0x2C
    static let slash: UInt8 = 0x2F
    static let zero: UInt8 = 0x30
    static let colon: UInt8 = 0x3A
    static let semicolon: UInt8 = 0x3B
    static let questionMark: UInt8 = 0x3F

    @inline(__always)
    static func isDigit(_ byte: UInt8) -> Bool { byte &- zero < 10 }

    /// Spaces and tabs: OWS of RFC 9110 section 5.6.3.
    @inline(__always)
    static func isBlank(_ byte: UInt8) -> Bool { byte == space || byte == tab }

    /// The value of a hexadecimal digit, or nil.
    @inline(__always)
    static func hexValue(_ byte: UInt8) -> UInt8? {
        if isDigit(byte) { return byte &- zero }
        let letter = (byte | 0x20) &- 0x61
        return letter < 6 ? letter &+ 10 : nil
    }
}

extension UnsafeRawPointer {
    /// Whether the next `count` bytes are exactly `text`.
    @inline(__always)
    func equals(_ text: StaticString, count: Int) -> Bool {
        for index in 0..<count where load(fromByteOffset: index, as: UInt8.self) != text.utf8Start[index] {
            return false
        }
        return true
    }

    /// Whether the next `count` bytes are `name` in any case. `name` must be lower case and have only letters, digits
    /// and hyphens. Bit 5 is ignored, which is exact for bytes that are not control characters.
    @inline(__always)
    func equalsIgnoringCase(_ name: StaticString, count: Int) -> Bool {
        let other = UnsafeRawPointer(name.utf8Start)
        if count >= 8 {
            var offset = 0
            while offset < count - 8 {
                guard sameWord(other, at: offset) else { return false }
                offset += 8
            }
            return sameWord(other, at: count - 8)
        }
        for index in 0..<count {
            let byte = load(fromByteOffset: index, as: UInt8.self) | 0x20
            guard byte == other.load(fromByteOffset: index, as: UInt8.self) else { return false }
        }
        return true
    }

    @inline(__always)
    private func sameWord(_ other: UnsafeRawPointer, at offset: Int) -> Bool {
        let word = loadUnaligned(fromByteOffset: offset, as: UInt64.self) | 0x2020_2020_2020_2020
        return word == other.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
    }
}
