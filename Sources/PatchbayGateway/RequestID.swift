import PatchbayCore

/// Makes ids that are unique for ever and sort by time: `req_` and 26 characters of Crockford's base 32 over 48 bits of
/// milliseconds, 48 random bits chosen when the process starts, and a 32-bit counter.
///
/// One per event loop; the random part keeps the loops apart.
struct RequestIDGenerator {
    private let random: UInt64
    private var counter: UInt64 = 0

    init(random: UInt64 = .random(in: 0..<(1 << 48))) {
        self.random = random & ((1 << 48) - 1)
    }

    /// `time` is in milliseconds since 1970.
    mutating func next(time: Int64) -> String {
        counter = (counter + 1) & 0xffff_ffff
        let high = (UInt64(bitPattern: time) & ((1 << 48) - 1)) << 16 | random >> 32
        let low = random << 32 | counter
        return String(unsafeUninitializedCapacity: 30) { buffer in
            for (index, byte) in "req_".utf8.enumerated() { buffer[index] = byte }
            var value = (high: high, low: low)
            for index in stride(from: 29, through: 4, by: -1) {
                buffer[index] = RequestIDGenerator.alphabet(value.low & 31)
                value.low = value.low >> 5 | value.high << 59
                value.high >>= 5
            }
            return 30
        }
    }

    private static func alphabet(_ digit: UInt64) -> UInt8 {
        let letters: StaticString = "0123456789abcdefghjkmnpqrstvwxyz"
        return letters.utf8Start[Int(digit)]
    }
}
