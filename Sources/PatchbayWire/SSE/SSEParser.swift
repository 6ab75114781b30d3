/// Reads the events of a stream: name and data of every frame that has data.
///
/// The rules are those of ``SSEFrameSplitter``; comments and frames without data are skipped.
package struct SSEParser {
    private var splitter: SSEFrameSplitter

    /// - Parameter maxFrameBytes: a longer frame is an error, not a growing buffer.
    package init(maxFrameBytes: Int = 16 << 20) {
        splitter = SSEFrameSplitter(maxFrameBytes: maxFrameBytes)
    }

    /// The next event; nil when the rest of the chunk has been kept. See ``SSEFrameSplitter/next(in:at:)``.
    package mutating func next(
        in chunk: UnsafeRawBufferPointer, at position: inout Int
    ) throws(SSEError) -> SSEFrame? {
        while let frame = try splitter.next(in: chunk, at: &position) {
            if frame.data != nil { return frame }
        }
        return nil
    }

    /// Call once at the end of the stream: the event that was left without a blank line, if it has data.
    package mutating func finish() -> SSEFrame? {
        guard let frame = splitter.finish(), frame.data != nil else { return nil }
        return frame
    }

    /// Calls `body` with name and data of each event that the chunk completes; the name is empty with a nil base
    /// address when absent. The buffers are valid during the call.
    ///
    /// - Throws: ``SSEError``, or what `body` throws; the stream cannot be read on after either.
    package mutating func feed(
        _ chunk: UnsafeRawBufferPointer,
        _ body: (_ event: UnsafeRawBufferPointer, _ data: UnsafeRawBufferPointer) throws -> Void
    ) throws {
        var position = 0
        while let frame = try next(in: chunk, at: &position), let data = frame.data {
            try body(frame.event ?? UnsafeRawBufferPointer(start: nil, count: 0), data)
        }
    }

    /// Calls `body` with the event that was left without a blank line.
    ///
    /// - Returns: whether there was one.
    package mutating func finish(
        _ body: (_ event: UnsafeRawBufferPointer, _ data: UnsafeRawBufferPointer) throws -> Void
    ) rethrows -> Bool {
        guard let frame = finish(), let data = frame.data else { return false }
        try body(frame.event ?? UnsafeRawBufferPointer(start: nil, count: 0), data)
        return true
    }
}
