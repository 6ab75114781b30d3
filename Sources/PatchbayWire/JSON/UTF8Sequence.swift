/// The UTF-8 sequence outside ASCII that begins at an offset (Unicode 16, table 3-7).
///
/// For bytes that are not well formed, the length is that of the part which one U+FFFD replaces: the longest
/// beginning of a valid sequence, or one byte. That is also what `String(decoding:as:)` does.
struct UTF8Sequence {
    let length: Int
    let isValid: Bool

    init(_ base: UnsafePointer<UInt8>, _ index: Int, _ end: Int) {
        guard let (expected, second) = UTF8Sequence.shape(base[index]), index + 1 < end,
            second.contains(base[index + 1])
        else {
            length = 1
            isValid = false
            return
        }
        var length = 2
        while length < expected, index + length < end, base[index + length] & 0xC0 == 0x80 { length += 1 }
        self.length = length
        isValid = length == expected
    }

    /// How long a sequence with this first byte is and which second bytes it allows.
    private static func shape(_ lead: UInt8) -> (Int, ClosedRange<UInt8>)? {
        switch lead {
        case 0xC2...0xDF: (2, 0x80...0xBF)
        case 0xE0: (3, 0xA0...0xBF)
        case 0xED: (3, 0x80...0x9F)
        case 0xE1...0xEF: (3, 0x80...0xBF)
        case 0xF0: (4, 0x90...0xBF)
        case 0xF1...0xF3: (4, 0x80...0xBF)
        case 0xF4: (4, 0x80...0x8F)
        default: nil
        }
    }
}
