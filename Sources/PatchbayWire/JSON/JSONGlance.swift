/// Questions about a JSON text as a whole, answered without keeping anything of it.
package enum JSONGlance {
    /// Whether `bytes` are exactly one well-formed object (RFC 8259), white space around it allowed.
    ///
    /// For texts that are passed on as they stand: one pass, no memory. Bytes of strings are not checked for UTF-8.
    package static func isObject(_ bytes: UnsafeRawBufferPointer) -> Bool {
        let isBraced = bytes.first { $0 > 0x20 } == UInt8(ascii: "{")
        return isBraced && JSONCursor.isValue(bytes, maxDepth: JSONNesting.maxDepth)
    }

    /// Whether `bytes` have the name in quotes anywhere, as a key or as a whole string: false means that there is no
    /// such member. Quotes inside of strings are escaped and match nothing.
    ///
    /// - Parameter name: not empty, without characters that are escaped.
    package static func mentions(_ name: StaticString, in bytes: UnsafeRawBufferPointer) -> Bool {
        guard let base = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return false }
        let length = name.utf8CodeUnitCount
        let first = name.utf8Start[0]
        var index = 0
        // A candidate is the quote before the name, its first letter, and the quote behind it.
        while bytes.count &- index >= ByteBlock.count &+ length &+ 1 {
            var hits =
                ByteBlock(base, index).equal(JSONBytes.quote)
                .& ByteBlock(base, index &+ 1).equal(first)
                .& ByteBlock(base, index &+ length &+ 1).equal(JSONBytes.quote)
            while let offset = ByteBlock.first(hits) {
                if JSONBytes.equal(base + index + offset + 1, name.utf8Start, length) { return true }
                hits[offset] = false
            }
            index &+= ByteBlock.count
        }
        while bytes.count &- index >= length &+ 2 {
            if base[index] == JSONBytes.quote, base[index &+ length &+ 1] == JSONBytes.quote,
                JSONBytes.equal(base + index + 1, name.utf8Start, length)
            {
                return true
            }
            index &+= 1
        }
        return false
    }
}
