import PatchbayCore

/// The key of a row in the table of requests: 43 bits of milliseconds since 1970 and, below them, 20 bits that tell
/// apart the requests of one millisecond.
///
/// Requests are read by time, so this is the order they lie in, and new ones are written at the end; neither needs an
/// index. The lower bits are made of the id, so that a request which is imported twice meets itself: a hash of most of
/// it, and a count in its last characters, so that requests of one event loop lie in the order they came in. Where
/// another one has its place it takes the next free one, and finds itself there the second time: the requests of a
/// millisecond are only ever forgotten together.
struct RequestNumber: Sendable, Hashable, Comparable {
    private static let places: Int64 = 1 << 20

    /// The characters at the end of an id that count.
    private static let counterBytes = 4

    private(set) var rawValue: Int64

    /// Where a request is looked for first.
    ///
    /// - Parameter time: milliseconds since 1970; what lies outside 0 ..< 2^43 (the year 2248) counts as the nearest.
    init(time: Int64, id: UnsafeRawBufferPointer) {
        let head = UnsafeRawBufferPointer(rebasing: id.dropLast(Self.counterBytes))
        var place = Self.hash(head)
        var counter: UInt64 = 0
        for byte in id.suffix(Self.counterBytes) {
            counter = counter &* 36 &+ UInt64(byte) &- (byte < UInt8(ascii: "a") ? 48 : 87)
        }
        place = (place &+ counter) & UInt64(Self.places - 1)
        rawValue = Self.first(of: time) + Int64(truncatingIfNeeded: place)
    }

    @inline(__always)
    private static func hash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        var hash = UInt64(bytes.count)
        func mix(_ word: UInt64) {
            hash = (hash ^ word) &* 0x9E37_79B9_7F4A_7C15
            hash ^= hash &>> 32
        }
        var position = 0
        while position + 8 <= bytes.count {
            mix(bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self))
            position += 8
        }
        var rest: UInt64 = 0
        while position < bytes.count {
            rest = rest << 8 | UInt64(bytes[position])
            position += 1
        }
        mix(rest)
        return hash
    }

    /// The next place of the same millisecond; the first one follows on the last.
    mutating func moveOn() {
        rawValue = rawValue & ~(Self.places - 1) | (rawValue + 1) & (Self.places - 1)
    }

    static func < (left: RequestNumber, right: RequestNumber) -> Bool { left.rawValue < right.rawValue }

    /// The lowest number of a millisecond.
    static func first(of time: Int64) -> Int64 { min(max(time, 0), (1 << 43) - 1) << 20 }

    /// The millisecond of a number.
    static func time(of number: Int64) -> Int64 { number >> 20 }
}
