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
        let isFirst = lastTime < 0
        let changed = UInt64(bitPattern: time ^ lastTime)
        lastTime = time
        withUnsafeMutableBytes(of: &last.words) { buffer in
            if isFirst { RequestIDGenerator.writeConstants(random, buffer) }
            // Three bits of the random part share a character with the counter.
            var low = random << 32 | counter
            for place in 0..<RequestIDGenerator.counterCharacters {
                buffer[RequestID.count - 1 - place] = RequestIDGenerator.alphabet(low & 31)
                low >>= 5
            }
            // The time fills whole characters; few of them differ from one id to the next.
            var bits = UInt64(bitPattern: time) & ((1 << 48) - 1)
            var rest = isFirst ? .max : changed
            var place = RequestIDGenerator.timeEnd
            while rest != 0, place > RequestIDGenerator.timeStart {
                place -= 1
                buffer[place] = RequestIDGenerator.alphabet(bits & 31)
                bits >>= 5
                rest >>= 5
            }
        }
        return last
    }

    /// What no id differs in: the prefix, and the random part.
    private static func writeConstants(_ random: UInt64, _ buffer: UnsafeMutableRawBufferPointer) {
        buffer.copyBytes(from: "req_".utf8)
        var bits = random >> 3
        let end = RequestID.count - RequestIDGenerator.counterCharacters
        for place in stride(from: end - 1, through: RequestIDGenerator.timeEnd, by: -1) {
            buffer[place] = alphabet(bits & 31)
            bits >>= 5
        }
    }

    /// The characters of the time: two bits of nothing and 48 of milliseconds.
    private static let timeStart = 4
    private static let timeEnd = 14

    @inline(__always)
    private static func alphabet(_ digit: UInt64) -> UInt8 {
        let letters: StaticString = "0123456789abcdefghjkmnpqrstvwxyz"
        return letters.utf8Start[Int(digit)]
    }
}
