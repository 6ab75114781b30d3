/// Offsets of records in one segment: a bit for each multiple of eight.
struct LedgerPlaces {
    private var words: [UInt64] = []

    mutating func insert(_ offset: Int) {
        let (word, bit) = Self.place(offset)
        if word >= words.count { words.append(contentsOf: repeatElement(0, count: word + 1 - words.count)) }
        words[word] |= bit
    }

    /// False if it was not there.
    mutating func remove(_ offset: Int) -> Bool {
        let (word, bit) = Self.place(offset)
        guard offset & 7 == 0, word < words.count, words[word] & bit != 0 else { return false }
        words[word] &= ~bit
        return true
    }

    /// Forgets all of them and calls the body with each, the lowest first.
    mutating func removeAll(_ body: (Int) -> Void) {
        for (index, word) in words.enumerated() where word != 0 {
            var rest = word
            while rest != 0 {
                body((index << 6 | rest.trailingZeroBitCount) << 3)
                rest &= rest - 1
            }
        }
        words = []
    }

    private static func place(_ offset: Int) -> (word: Int, bit: UInt64) {
        (offset >> 9, 1 << UInt64(offset >> 3 & 63))
    }
}
