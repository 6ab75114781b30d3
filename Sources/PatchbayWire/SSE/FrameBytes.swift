#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Steps through the places of a frame that vary. What is not as it should be ends with -1.
enum FrameBytes {
    /// Whether two runs of bytes are the same. The system's own search takes the widest steps that the processor has.
    @inline(__always)
    static func equal(_ left: UnsafePointer<UInt8>, _ right: UnsafePointer<UInt8>, _ count: Int) -> Bool {
        memcmp(left, right, count) == 0
    }

    /// The offset of the quote that ends the string whose inside begins at `start`; the rules are those of RFC 8259.
    @inline(__always)
    static func endOfString(_ base: UnsafePointer<UInt8>, _ start: Int, _ end: Int) -> Int {
        var index = start
        while true {
            index = firstSpecial(base, index, end)
            guard index < end else { return -1 }
            if base[index] == JSONBytes.quote { return index }
            index = endOfEscape(base, index, end)
            guard index > 0 else { return -1 }
        }
    }

    /// The first quote, backslash or control character. Texts of frames are short: no search in larger steps.
    @inline(__always)
    private static func firstSpecial(_ base: UnsafePointer<UInt8>, _ start: Int, _ end: Int) -> Int {
        var index = start
        while end &- index >= ByteBlock.count {
            let block = ByteBlock(base, index)
            let hits = block.equal(JSONBytes.quote) .| block.equal(JSONBytes.backslash) .| block.below(0x20)
            if let hit = ByteBlock.first(hits) { return index &+ hit }
            index &+= ByteBlock.count
        }
        while index < end {
            let byte = base[index]
            if byte == JSONBytes.quote || byte == JSONBytes.backslash || byte < 0x20 { return index }
            index &+= 1
        }
        return end
    }

    private static func endOfEscape(_ base: UnsafePointer<UInt8>, _ start: Int, _ end: Int) -> Int {
        guard base[start] == JSONBytes.backslash, end &- start > 1 else { return -1 }
        switch base[start + 1] {
        case UInt8(ascii: "n"), JSONBytes.quote, JSONBytes.backslash, UInt8(ascii: "t"), UInt8(ascii: "r"),
            UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"):
            return start &+ 2
        case UInt8(ascii: "u"):
            guard end &- start >= 6 else { return -1 }
            for offset in 2..<6 where JSONBytes.hexDigit(base[start + offset]) == nil { return -1 }
            return start &+ 6
        default: return -1
        }
    }

    /// The same for a text that can be written as it stands: not empty, valid UTF-8, and no escapes but the short ones
    /// that ``JSONWriter`` writes too.
    ///
    /// - Parameter count: gets the length of the text without its escapes.
    @inline(__always)
    static func endOfText(_ base: UnsafePointer<UInt8>, _ start: Int, _ end: Int, _ count: inout Int) -> Int {
        var index = start
        var escapes = 0
        while true {
            index = JSONBytes.firstSpecialOrNonASCII(base, index, end)
            guard index < end else { return -1 }
            let byte = base[index]
            if byte == JSONBytes.quote {
                count = index &- start &- escapes
                return index > start ? index : -1
            }
            if byte >= 0x80 {
                index = endOfSequences(base, index, end)
            } else {
                guard byte == JSONBytes.backslash, index &+ 1 < end, isShortEscape(base[index + 1]) else { return -1 }
                escapes &+= 1
                index &+= 2
            }
            guard index > 0 else { return -1 }
        }
    }

    @inline(__always)
    private static func isShortEscape(_ letter: UInt8) -> Bool {
        switch letter {
        case UInt8(ascii: "n"), JSONBytes.quote, JSONBytes.backslash, UInt8(ascii: "t"), UInt8(ascii: "r"),
            UInt8(ascii: "b"), UInt8(ascii: "f"):
            true
        default: false
        }
    }

    /// Behind the sequences outside ASCII that begin at `start`.
    private static func endOfSequences(_ base: UnsafePointer<UInt8>, _ start: Int, _ end: Int) -> Int {
        var index = start
        while index < end, base[index] >= 0x80 {
            let sequence = UTF8Sequence(base, index, end)
            guard sequence.isValid else { return -1 }
            index &+= sequence.length
        }
        return index
    }

    /// Behind a number that is nothing but digits, at most eighteen. What follows is compared by the caller.
    @inline(__always)
    static func endOfDigits(_ base: UnsafePointer<UInt8>, _ start: Int, _ end: Int) -> Int {
        var index = start
        while index < end, base[index] &- 0x30 < 10 { index &+= 1 }
        let count = index &- start
        guard count > 0, count <= 18, count == 1 || base[start] != 0x30 else { return -1 }
        return index
    }
}
