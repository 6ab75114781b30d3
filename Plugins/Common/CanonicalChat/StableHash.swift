/// A short hash that is the same in every process, for names that must stay stable across requests.
package enum StableHash {
    /// Eight hexadecimal digits (FNV-1a). Not for security.
    package static func digits(_ text: String) -> String {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        let folded = UInt32(truncatingIfNeeded: hash ^ (hash >> 32))
        let digits = String(folded, radix: 16)
        return String(repeating: "0", count: 8 - digits.utf8.count) + digits
    }
}
