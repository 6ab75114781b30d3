/// Byte searches over strings.
///
/// All functions take a pointer and two offsets, read only bytes below `end`, and return `end` when
/// nothing was found.
enum JSONBytes {
    static let quote = UInt8(ascii: "\"")
    static let backslash = UInt8(ascii: "\\")

    /// The first quote, backslash or control character at or after `start`.
    @inline(__always)
    static func firstSpecial(_ base: UnsafePointer<UInt8>, _ start: Int, _ end: Int) -> Int {
        var index = start
        while end &- index >= ByteBlock.count {
            if let hit = ByteBlock.first(specials(ByteBlock(base, index))) { return index &+ hit }
            index &+= ByteBlock.count
            if end &- index >= 64 { index = skipPlain(base, index, end) }
        }
        while index < end {
            let byte = base[index]
            if byte == quote || byte == backslash || byte < 0x20 { return index }
            index &+= 1
        }
        return end
    }

    /// Skips blocks of 64 bytes without a special byte: the long strings (images, documents).
    @inline(never)
    private static func skipPlain(_ base: UnsafePointer<UInt8>, _ start: Int, _ end: Int) -> Int {
        var index = start
        while end &- index >= 64 {
            let first = specials(ByteBlock(base, index)) .| specials(ByteBlock(base, index &+ 16))
            let second = specials(ByteBlock(base, index &+ 32)) .| specials(ByteBlock(base, index &+ 48))
            if ByteBlock.any(first .| second) { return index }
            index &+= 64
        }
        return index
    }

    @inline(__always)
    static func specials(_ block: ByteBlock) -> ByteBlock.Mask {
        block.equal(quote) .| block.equal(backslash) .| block.below(0x20)
    }

    /// The same for texts in which bytes outside ASCII count as well.
    @inline(never)
    private static func skipPlainASCII(_ base: UnsafePointer<UInt8>, _ start: Int, _ end: Int) -> Int {
        var index = start
        while end &- index >= 64 {
            let first = specialsOrNonASCII(ByteBlock(base, index)) .| specialsOrNonASCII(ByteBlock(base, index &+ 16))
            let second =
                specialsOrNonASCII(ByteBlock(base, index &+ 32)) .| specialsOrNonASCII(ByteBlock(base, index &+ 48))
            if ByteBlock.any(first .| second) { return index }
            index &+= 64
        }
        return index
    }

    @inline(__always)
    private static func specialsOrNonASCII(_ block: ByteBlock) -> ByteBlock.Mask {
        block.equal(quote) .| block.equal(backslash) .| block.belowOrNonASCII(0x20)
    }

    /// The first quote, backslash, control character or byte outside ASCII at or after `start`.
    @inline(__always)
    static func firstSpecialOrNonASCII(_ base: UnsafePointer<UInt8>, _ start: Int, _ end: Int) -> Int {
        var index = start
        while end &- index >= ByteBlock.count {
            let block = ByteBlock(base, index)
            if let hit = ByteBlock.first(specialsOrNonASCII(block)) { return index &+ hit }
            index &+= ByteBlock.count
            if end &- index >= 64 { index = skipPlainASCII(base, index, end) }
        }
        if isPlainASCII(base + index, end &- index) { return end }
        while index < end {
            let byte = base[index]
            if byte == quote || byte == backslash || byte < 0x20 || byte >= 0x80 { return index }
            index &+= 1
        }
        return end
    }

    /// Whether fewer than sixteen bytes are all ASCII without anything special; false when there are too few to tell
    /// quickly.
    @inline(__always)
    private static func isPlainASCII(_ base: UnsafePointer<UInt8>, _ count: Int) -> Bool {
        let start = UnsafeRawPointer(base)
        if count >= 8 {
            return isPlainASCII(start.loadUnaligned(as: UInt64.self))
                && isPlainASCII((start + (count &- 8)).loadUnaligned(as: UInt64.self))
        }
        guard count >= 4 else { return false }
        let first = UInt64(start.loadUnaligned(as: UInt32.self))
        let last = UInt64((start + (count &- 4)).loadUnaligned(as: UInt32.self))
        return isPlainASCII(last &<< 32 | first)
    }

    /// Eight bytes at once: a highest bit is set exactly when one of them is special.
    @inline(__always)
    private static func isPlainASCII(_ word: UInt64) -> Bool {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let highs: UInt64 = 0x8080_8080_8080_8080
        let quotes = word ^ (ones &* UInt64(quote))
        let backslashes = word ^ (ones &* UInt64(backslash))
        let special = (quotes &- ones) & ~quotes | (backslashes &- ones) & ~backslashes | (word &- ones &* 0x20) & ~word
        return (special | word) & highs == 0
    }

    /// Whether `count` bytes are the same: words that may overlap instead of single bytes.
    @inline(__always)
    static func equal(_ left: UnsafePointer<UInt8>, _ right: UnsafePointer<UInt8>, _ count: Int) -> Bool {
        let left = UnsafeRawPointer(left)
        let right = UnsafeRawPointer(right)
        if count >= 8 {
            var index = 0
            while index < count &- 8 {
                guard isEqual(left + index, right + index, UInt64.self) else { return false }
                index &+= 8
            }
            return isEqual(left + (count &- 8), right + (count &- 8), UInt64.self)
        }
        if count >= 4 {
            return isEqual(left, right, UInt32.self) && isEqual(left + (count &- 4), right + (count &- 4), UInt32.self)
        }
        var index = 0
        while index < count {
            guard isEqual(left + index, right + index, UInt8.self) else { return false }
            index &+= 1
        }
        return true
    }

    @inline(__always)
    private static func isEqual<Word: FixedWidthInteger & BitwiseCopyable>(
        _ left: UnsafeRawPointer, _ right: UnsafeRawPointer, _ word: Word.Type
    ) -> Bool {
        left.loadUnaligned(as: word) == right.loadUnaligned(as: word)
    }

    /// The value of a hexadecimal digit, or nil.
    @inline(__always)
    static func hexDigit(_ byte: UInt8) -> UInt32? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte &- 0x30)
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt32(byte &- 0x57)
        case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt32(byte &- 0x37)
        default: nil
        }
    }
}
