import PatchbayCore

/// An id that is unique for ever and sorts by time: `req_` and 26 characters of Crockford's base 32 over 48 bits of
/// milliseconds, 48 random bits chosen when the process starts, and a 32-bit counter.
struct RequestID: Sendable {
    static let count = 30

    /// The characters in the order of memory; the last two bytes are not used.
    fileprivate var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

    /// Calls `body` with the characters.
    @inline(__always)
    func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        withUnsafeBytes(of: words) { body(UnsafeRawBufferPointer(rebasing: $0[..<RequestID.count])) }
    }

    var text: String { withBytes { String(decoding: $0, as: UTF8.self) } }
}

/// Makes the ids of one event loop; the random part keeps the loops apart.
struct RequestIDGenerator {
    private let random: UInt64
    private var counter: UInt64 = 0
    private var last = RequestID()
    private var lastTime: Int64 = -1

    /// Characters that hold bits of the counter.
    private static let counterCharacters = 7

    init(random: UInt64 = .random(in: 0..<(1 << 48))) {
        self.random = random & ((1 << 48) - 1)
    }

    /// `time` is in milliseconds since 1970.
    mutating func next(time: Int64) -> RequestID {
        counter = (counter + 1) & 0xffff_ffff
        // Most ids differ from the one before in the counter alone.
        let first = time == lastTime ? RequestID.count - RequestIDGenerator.counterCharacters : 4
        lastTime = time
        let high = (UInt64(bitPattern: time) & ((1 << 48) - 1)) << 16 | random >> 32
        var value = (high: high, low: random << 32 | counter)
        withUnsafeMutableBytes(of: &last.words) { buffer in
            for (index, byte) in "req_".utf8.enumerated() where first == 4 { buffer[index] = byte }
            for index in stride(from: RequestID.count - 1, through: first, by: -1) {
                buffer[index] = RequestIDGenerator.alphabet(value.low & 31)
                value.low = value.low >> 5 | value.high << 59
                value.high >>= 5
            }
        }
        return last
    }

    @inline(__always)
    private static func alphabet(_ digit: UInt64) -> UInt8 {
        let letters: StaticString = "0123456789abcdefghjkmnpqrstvwxyz"
        return letters.utf8Start[Int(digit)]
    }
}
