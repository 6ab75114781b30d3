/// Questions about a JSON text as a whole, answered without keeping anything of it.
package enum JSONGlance {
    /// Whether `bytes` are exactly one well-formed object (RFC 8259), white space around it allowed.
    ///
    /// For texts that are passed on as they stand: one pass, no memory. Bytes of strings are not checked for UTF-8.
    package static func isObject(_ bytes: UnsafeRawBufferPointer) -> Bool {
        let isBraced = bytes.first { $0 > 0x20 } == UInt8(ascii: "{")
        return isBraced && JSONCursor.isValue(bytes, maxDepth: JSONNesting.maxDepth)
    }
}
