/// A read-only map from byte strings to small integers: open addressing, at most half full, names in one array.
///
/// A look-up makes no `String` and allocates nothing. Names come from the configuration, never from a client, so a
/// client cannot make the probes long.
struct ByteIndex: Sendable {
    private struct Slot {
        var hash: UInt32
        var start: Int32
        var count: Int32
        /// Below zero = the slot is free.
        var value: Int32
    }

    private var slots: [Slot]
    private var names: [UInt8] = []

    /// The first of equal names wins.
    init(_ pairs: [(name: String, value: Int32)]) {
        var capacity = 8
        while capacity < pairs.count * 2 { capacity *= 2 }
        slots = Array(repeating: Slot(hash: 0, start: 0, count: 0, value: -1), count: capacity)
        for pair in pairs {
            var name = pair.name
            name.withUTF8 { insert(UnsafeRawBufferPointer($0), pair.value) }
        }
    }

    func value(for name: UnsafeRawBufferPointer) -> Int32? {
        let hash = Self.hash(name)
        return slots.withUnsafeBufferPointer { slots in
            names.withUnsafeBytes { names in
                var position = Int(hash) & (slots.count - 1)
                while slots[position].value >= 0 {
                    let slot = slots[position]
                    if slot.hash == hash, Int(slot.count) == name.count,
                        Self.isEqual(
                            UnsafeRawBufferPointer(rebasing: names[Int(slot.start)...].prefix(name.count)), name)
                    {
                        return slot.value
                    }
                    position = (position + 1) & (slots.count - 1)
                }
                return nil
            }
        }
    }

    private mutating func insert(_ name: UnsafeRawBufferPointer, _ value: Int32) {
        guard self.value(for: name) == nil else { return }
        let hash = Self.hash(name)
        var position = Int(hash) & (slots.count - 1)
        while slots[position].value >= 0 { position = (position + 1) & (slots.count - 1) }
        slots[position] = Slot(hash: hash, start: Int32(names.count), count: Int32(name.count), value: value)
        names.append(contentsOf: name)
    }

    /// Both are of the same length.
    private static func isEqual(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
        var offset = 0
        while offset + 8 <= left.count {
            let word = left.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            guard word == right.loadUnaligned(fromByteOffset: offset, as: UInt64.self) else { return false }
            offset += 8
        }
        while offset < left.count {
            guard left[offset] == right[offset] else { return false }
            offset += 1
        }
        return true
    }

    /// Eight bytes at a time, folded by a 64-bit multiplication.
    private static func hash(_ name: UnsafeRawBufferPointer) -> UInt32 {
        var hash = UInt64(truncatingIfNeeded: name.count) &* 0x9E37_79B9_7F4A_7C15
        func mix(_ word: UInt64) {
            let product = (hash ^ word).multipliedFullWidth(by: 0xA076_1D64_78BD_642F)
            hash = product.high ^ product.low
        }
        var offset = 0
        while offset + 8 <= name.count {
            mix(name.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
            offset += 8
        }
        var tail: UInt64 = 0
        while offset < name.count {
            tail = tail << 8 | UInt64(name[offset])
            offset += 1
        }
        mix(tail)
        return UInt32(truncatingIfNeeded: hash >> 32)
    }
}
