/// Finds members in a frame without parsing it, for decoders that only account.
package enum ByteSearch {
    /// Whether `bytes` contain `needle`.
    package static func contains(_ needle: StaticString, in bytes: UnsafeRawBufferPointer) -> Bool {
        find(needle, in: bytes, from: 0) != nil
    }

    /// Whether the document has a member of this name, quotes included in `name`, whose value is not null.
    ///
    /// Inside strings quotes are escaped, so that a hit is a name or a whole string; the latter is no harm.
    package static func hasMember(_ name: StaticString, in bytes: UnsafeRawBufferPointer) -> Bool {
        var start = 0
        while let found = find(name, in: bytes, from: start) {
            var position = found + name.utf8CodeUnitCount
            while position < bytes.count, bytes[position] == 0x20 || bytes[position] == UInt8(ascii: ":") {
                position += 1
            }
            if position >= bytes.count || bytes[position] != UInt8(ascii: "n") { return true }
            start = position
        }
        return false
    }

    private static func find(_ needle: StaticString, in bytes: UnsafeRawBufferPointer, from start: Int) -> Int? {
        let count = needle.utf8CodeUnitCount
        guard let base = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), count > 1 else { return nil }
        let wanted = needle.utf8Start
        var position = start
        let last = bytes.count - count
        while position <= last {
            if base[position] == wanted[0], base[position + 1] == wanted[1] {
                var length = 2
                while length < count, base[position + length] == wanted[length] { length += 1 }
                if length == count { return position }
            }
            position += 1
        }
        return nil
    }
}
