import CPatchbay

/// One frame of a streamed answer. Valid until the function that received the batch returns.
public struct Frame {
    /// The event name; absent if the frame had none.
    public let event: ByteView
    /// The data; for SSE the data lines joined by LF.
    public let data: ByteView
}

/// The complete frames of one read.
public struct FrameBatch: RandomAccessCollection {
    let base: UnsafePointer<pb_frame>?
    public let count: Int

    public var startIndex: Int { 0 }
    public var endIndex: Int { count }

    public subscript(position: Int) -> Frame {
        precondition(position >= 0 && position < count, "index outside of the batch")
        guard let base else { return Frame(event: .absent, data: .absent) }
        return Frame(event: ByteView(base[position].event), data: ByteView(base[position].data))
    }
}
