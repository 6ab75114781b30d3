/// Finds members in a frame without parsing it, for decoders that only account.
package enum ByteSearch {
    /// Whether `bytes` contain `needle`.
    package static func contains(_ needle: StaticString, in bytes: UnsafeRawBufferPointer) -> Bool {
        guard let base = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return false }
        let first = needle.utf8Start[0]
        for position in 0..<bytes.count where base[position] == first {
            if matches(needle, base, position, bytes.count) { return true }
        }
        return false
    }

    /// Whether the document has a member of one of three names that differ in their first letter, quotes included,
    /// whose value is not null.
    ///
    /// Inside strings quotes are escaped, so that a hit is a name or a whole string; the latter is no harm.
    package static func hasMember(
        _ first: StaticString, _ second: StaticString, _ third: StaticString, in bytes: UnsafeRawBufferPointer
    ) -> Bool {
        guard let base = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return false }
        var position = 0
        while position + 1 < bytes.count {
            defer { position += 1 }
            guard base[position] == UInt8(ascii: "\"") else { continue }
            let next = base[position + 1]
            let name =
                next == first.utf8Start[1] ? first : next == second.utf8Start[1] ? second : third
            guard next == name.utf8Start[1], matches(name, base, position, bytes.count) else { continue }
            if !isNull(base, position + name.utf8CodeUnitCount, bytes.count) { return true }
        }
        return false
    }

    private static func matches(
        _ name: StaticString, _ base: UnsafePointer<UInt8>, _ position: Int, _ count: Int
    ) -> Bool {
        guard position + name.utf8CodeUnitCount <= count else { return false }
        for offset in 0..<name.utf8CodeUnitCount where base[position + offset] != name.utf8Start[offset] {
            return false
        }
        return true
    }

    private static func isNull(_ base: UnsafePointer<UInt8>, _ start: Int, _ count: Int) -> Bool {
        var position = start
        while position < count, base[position] == 0x20 || base[position] == UInt8(ascii: ":") { position += 1 }
        return position < count && base[position] == UInt8(ascii: "n")
    }
}
