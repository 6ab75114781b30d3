/// Byte searches for event streams.
enum SSEBytes {
    static let lineFeed: UInt8 = 0x0A
    static let carriageReturn: UInt8 = 0x0D

    /// The first LF or CR at or after `start`, else `end`. Nothing else ends a line, in particular not U+2028.
    @inline(__always)
    static func firstLineEnd(_ base: UnsafePointer<UInt8>, _ start: Int, _ end: Int) -> Int {
        var index = start
        while end &- index >= ByteBlock.count {
            let block = ByteBlock(base, index)
            if let hit = ByteBlock.first(block.equal(lineFeed) .| block.equal(carriageReturn)) { return index &+ hit }
            index &+= ByteBlock.count
        }
        while index < end {
            if base[index] == lineFeed || base[index] == carriageReturn { return index }
            index &+= 1
        }
        return end
    }
}
