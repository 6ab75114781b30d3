import PatchbayCore

/// The key of a row in the table of requests: 43 bits of milliseconds since 1970 and, below them, 20 bits that tell
/// apart the requests of one millisecond.
///
/// Requests are read by time, so this is the order they lie in, and new ones are written at the end; neither needs an
/// index. The lower bits are a hash of the id, so that a request which is imported twice meets itself. Where another
/// one has its place it takes the next free one, and finds itself there the second time: the requests of a millisecond
/// are only ever forgotten together.
struct RequestNumber: Sendable, Hashable, Comparable {
    private static let places: Int64 = 1 << 20

    private(set) var rawValue: Int64

    /// Where a request is looked for first.
    ///
    /// - Parameter time: milliseconds since 1970; what lies outside 0 ..< 2^43 (the year 2248) counts as the nearest.
    init(time: Int64, id: UnsafeRawBufferPointer) {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325  // FNV-1a
        for byte in id { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        rawValue = Self.first(of: time) + Int64(truncatingIfNeeded: (hash ^ hash >> 32) & UInt64(Self.places - 1))
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
