#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// Numbers by name, for a bounded number of names. Names are bytes; a known one is found without a copy of it.
struct NameTable {
    private struct Slot {
        var hash = 0
        var start = 0
        var length = 0
        /// 0 = the slot is free.
        var number: Int64 = 0
    }

    private let limit: Int
    private var slots: [Slot] = []
    private var count = 0
    /// The names, one behind the other.
    private var bytes: [UInt8] = []

    /// - Parameter limit: when there are as many names all are forgotten.
    init(limit: Int) {
        self.limit = limit
    }

    mutating func removeAll() { self = NameTable(limit: limit) }

    func number(of name: UnsafeRawBufferPointer) -> Int64? {
        guard !slots.isEmpty else { return nil }
        let found = slots[slot(of: name, Self.hash(name))].number
        return found == 0 ? nil : found
    }

    /// - Parameter number: not 0.
    mutating func note(_ name: UnsafeRawBufferPointer, _ number: Int64) {
        guard self.number(of: name) == nil else { return }
        if count == limit { removeAll() }
        if (count + 1) * 2 > slots.count { grow() }
        let hash = Self.hash(name)
        slots[slot(of: name, hash)] = Slot(hash: hash, start: bytes.count, length: name.count, number: number)
        bytes.append(contentsOf: name)
        count += 1
    }

    private mutating func grow() {
        let old = slots
        slots = Array(repeating: Slot(), count: max(16, old.count * 2))
        for slot in old where slot.number != 0 {
            var index = slot.hash & (slots.count - 1)
            while slots[index].number != 0 { index = (index + 1) & (slots.count - 1) }
            slots[index] = slot
        }
    }

    /// Where a name is, or would be.
    private func slot(of name: UnsafeRawBufferPointer, _ hash: Int) -> Int {
        var index = hash & (slots.count - 1)
        while slots[index].number != 0, !(slots[index].hash == hash && isName(name, of: slots[index])) {
            index = (index + 1) & (slots.count - 1)
        }
        return index
    }

    private func isName(_ name: UnsafeRawBufferPointer, of slot: Slot) -> Bool {
        guard slot.length == name.count else { return false }
        return bytes.withUnsafeBytes { bytes in
            guard let left = bytes.baseAddress, let right = name.baseAddress else { return true }
            return memcmp(left + slot.start, right, name.count) == 0
        }
    }

    private static func hash(_ name: UnsafeRawBufferPointer) -> Int {
        var hasher = Hasher()
        hasher.combine(bytes: name)
        return hasher.finalize()
    }
}
