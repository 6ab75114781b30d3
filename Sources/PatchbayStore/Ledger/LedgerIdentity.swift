/// Stands for the id of a request in the importer's memory: a keyed hash of 128 bits.
///
/// The ids are the gateway's own and the key is random, so that two requests never meet in one.
struct LedgerIdentity: Hashable {
    private let high: UInt64
    private let low: UInt64

    struct Key {
        fileprivate let high = UInt64.random(in: 1 ... .max)
        fileprivate let low = UInt64.random(in: 1 ... .max)
    }

    init(_ id: UnsafeRawBufferPointer, _ key: Key) {
        var high = key.high ^ UInt64(id.count)
        var low = key.low
        func mix(_ word: UInt64) {
            high = (high ^ word) &* 0x9E37_79B9_7F4A_7C15
            high ^= high &>> 32
            low = (low ^ word) &* 0xD6E8_FEB8_6659_FD93
            low ^= low &>> 29
        }
        var position = 0
        while position + 8 <= id.count {
            mix(id.loadUnaligned(fromByteOffset: position, as: UInt64.self))
            position += 8
        }
        var rest: UInt64 = 0
        while position < id.count {
            rest = rest << 8 | UInt64(id[position])
            position += 1
        }
        mix(rest)
        self.high = high
        self.low = low
    }

    static func == (left: LedgerIdentity, right: LedgerIdentity) -> Bool {
        left.low == right.low && left.high == right.high
    }

    /// Half of it is random enough for a table.
    func hash(into hasher: inout Hasher) {
        hasher.combine(low)
    }
}
