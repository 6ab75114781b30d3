/// Cuts an event stream into frames, whatever pieces it arrives in.
///
/// Rules: the WHATWG event stream format, read leniently. Lines end with LF, CR or CRLF, also mixed and cut between two
/// reads; one byte order mark at the start of the stream is ignored; what remains at the end of the stream is a frame.
/// A frame inside one chunk is handed out without a copy; only the incomplete tail of a chunk is kept.
///
///     var position = 0
///     while let frame = try splitter.next(in: chunk, at: &position) { … }
package struct SSEFrameSplitter {
    package let maxFrameBytes: Int
    /// The beginning of a frame that is not complete, or the frame handed out last (`pendingIsSpent`).
    private var pending = SSEStorage()
    private var pendingIsSpent = false
    /// Data of several lines, joined.
    private var joined = SSEStorage()
    /// Nothing of the current line has been seen.
    private var lineIsEmpty = true
    /// The last byte seen was a CR that ended a line; a LF right behind it belongs to it.
    private var lastWasReturn = false
    private var isFirstFrame = true
    private var hasFailed = false

    /// - Parameter maxFrameBytes: a longer frame is an error, not a growing buffer.
    package init(maxFrameBytes: Int = 16 << 20) {
        self.maxFrameBytes = maxFrameBytes
    }

    /// The bytes kept of a frame that is not complete.
    package var pendingBytes: Int { pendingIsSpent ? 0 : pending.count }

    /// Nothing of a frame has been seen behind the last one, so that the next chunk begins with a frame, and whoever
    /// knows where that ends may step over it.
    package var isBetweenFrames: Bool {
        (pendingIsSpent || pending.count == 0) && lineIsEmpty && !lastWasReturn && !isFirstFrame && !hasFailed
    }

    /// The next complete frame; nil when the rest of the chunk has been kept for the next one.
    ///
    /// A frame that ends with a lone CR at the end of a chunk is handed out at once. If the next chunk begins with the
    /// LF of that line end, this LF becomes the first byte of the next frame's `raw`, where it means nothing.
    /// - Parameter position: where to read on; begin each chunk with 0.
    /// - Throws: when a frame exceeds ``maxFrameBytes``, and at every later call.
    package mutating func next(
        in chunk: UnsafeRawBufferPointer, at position: inout Int
    ) throws(SSEError) -> SSEFrame? {
        guard !hasFailed else { throw SSEError(.frameTooLarge, limit: maxFrameBytes) }
        if pendingIsSpent { dropPending() }
        guard position < chunk.count, let start = chunk.baseAddress else { return nil }
        if let frame = plainFrame(chunk, at: position) {
            position += frame.raw.count
            return frame
        }
        let end = frameEnd(start.assumingMemoryBound(to: UInt8.self), position, chunk.count)
        let piece = UnsafeRawBufferPointer(rebasing: chunk[position..<(end ?? chunk.count)])
        guard pending.count + piece.count <= maxFrameBytes else {
            hasFailed = true
            dropPending()
            throw SSEError(.frameTooLarge, limit: maxFrameBytes)
        }
        position += piece.count
        if end != nil, pending.count == 0 { return frame(piece, isComplete: true) }
        ownPending()
        pending.append(piece)
        guard end != nil else { return nil }
        pendingIsSpent = true
        return frame(pending.bytes, isComplete: true)
    }

    /// Call once at the end of the stream: what was left without a blank line, as a frame that is not complete.
    package mutating func finish() -> SSEFrame? {
        guard !hasFailed, pendingBytes > 0 else { return nil }
        pendingIsSpent = true
        return frame(pending.bytes, isComplete: false)
    }

    // MARK: - The usual frame

    /// A frame as nearly every server writes it, whole in the chunk: an `event` line or none, one `data` line, a blank
    /// line, each ended by LF. Nil for every other, which is then read by the rules; nothing has changed.
    @inline(__always)
    private func plainFrame(_ chunk: UnsafeRawBufferPointer, at position: Int) -> SSEFrame? {
        guard pending.count == 0, lineIsEmpty, !lastWasReturn, !isFirstFrame, let start = chunk.baseAddress else {
            return nil
        }
        let base = start.assumingMemoryBound(to: UInt8.self)
        var line = position
        var stop = SSEBytes.firstLineEnd(base, line, chunk.count)
        guard stop &+ 1 < chunk.count, base[stop] == SSEBytes.lineFeed else { return nil }
        let event = SSEFrameSplitter.value(of: "event", base, line, stop)
        if event != nil {
            line = stop &+ 1
            stop = SSEBytes.firstLineEnd(base, line, chunk.count)
            guard stop &+ 1 < chunk.count, base[stop] == SSEBytes.lineFeed else { return nil }
        }
        guard base[stop &+ 1] == SSEBytes.lineFeed, let data = SSEFrameSplitter.value(of: "data", base, line, stop),
            stop &+ 2 &- position <= maxFrameBytes
        else { return nil }
        let raw = UnsafeRawBufferPointer(rebasing: chunk[position..<stop &+ 2])
        return SSEFrame(raw: raw, event: event, data: data, isComplete: true)
    }

    // MARK: - Finding the end

    /// The offset behind the blank line that ends the frame. Each byte of the stream is searched once.
    private mutating func frameEnd(_ base: UnsafePointer<UInt8>, _ start: Int, _ end: Int) -> Int? {
        var index = start
        if lastWasReturn {
            lastWasReturn = false
            if base[index] == SSEBytes.lineFeed { index += 1 }
        }
        while true {
            let stop = SSEBytes.firstLineEnd(base, index, end)
            if stop > index { lineIsEmpty = false }
            guard stop < end else { return nil }
            index = stop + 1
            if base[stop] == SSEBytes.carriageReturn {
                if index == end {
                    lastWasReturn = true
                } else if base[index] == SSEBytes.lineFeed {
                    index += 1
                }
            }
            if lineIsEmpty { return index }
            lineIsEmpty = true
        }
    }

    // MARK: - Reading fields

    private mutating func frame(_ raw: UnsafeRawBufferPointer, isComplete: Bool) -> SSEFrame {
        var frame = SSEFrame(raw: raw, event: nil, data: nil, isComplete: isComplete)
        guard let start = raw.baseAddress else { return frame }
        let base = start.assumingMemoryBound(to: UInt8.self)
        var index = isFirstFrame && raw.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        isFirstFrame = false
        while index < raw.count {
            let stop = SSEBytes.firstLineEnd(base, index, raw.count)
            if let value = SSEFrameSplitter.value(of: "data", base, index, stop) {
                frame.data = frame.data.map { join($0, value) } ?? value
            } else if let value = SSEFrameSplitter.value(of: "event", base, index, stop) {
                frame.event = value
            }
            index = stop + 1
        }
        return frame
    }

    /// The value of a line if it is the field `name`: behind the colon, one space removed.
    @inline(__always)
    private static func value(
        of name: StaticString, _ base: UnsafePointer<UInt8>, _ start: Int, _ end: Int
    ) -> UnsafeRawBufferPointer? {
        let length = name.utf8CodeUnitCount
        guard end - start >= length else { return nil }
        for offset in 0..<length where base[start + offset] != name.utf8Start[offset] { return nil }
        var first = start + length
        if first < end {
            guard base[first] == UInt8(ascii: ":") else { return nil }
            first += 1
            if first < end, base[first] == 0x20 { first += 1 }
        }
        return UnsafeRawBufferPointer(start: base + first, count: end - first)
    }

    private mutating func join(
        _ data: UnsafeRawBufferPointer, _ line: UnsafeRawBufferPointer
    ) -> UnsafeRawBufferPointer {
        if !isKnownUniquelyReferenced(&joined) { joined = SSEStorage(copying: joined) }
        if data.baseAddress != joined.bytes.baseAddress {
            joined.removeAll()
            joined.append(data)
        }
        joined.append(SSEBytes.lineFeed)
        joined.append(line)
        return joined.bytes
    }

    // MARK: - Storage

    private mutating func ownPending() {
        if !isKnownUniquelyReferenced(&pending) { pending = SSEStorage(copying: pending) }
    }

    private mutating func dropPending() {
        ownPending()
        pending.removeAll()
        pendingIsSpent = false
    }
}
