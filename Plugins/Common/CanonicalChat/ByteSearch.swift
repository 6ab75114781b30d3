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

    private static func matches(
        _ name: StaticString, _ base: UnsafePointer<UInt8>, _ position: Int, _ count: Int
    ) -> Bool {
        guard position + name.utf8CodeUnitCount <= count else { return false }
        for offset in 0..<name.utf8CodeUnitCount where base[position + offset] != name.utf8Start[offset] {
            return false
        }
        return true
    }
}
