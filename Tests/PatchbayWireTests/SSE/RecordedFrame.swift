import PatchbayWire

/// A frame copied out of the parser.
struct RecordedFrame: Hashable, CustomStringConvertible {
    var event: String?
    var data: String?
    var isComplete = true

    init(_ event: String?, _ data: String?, isComplete: Bool = true) {
        self.event = event
        self.data = data
        self.isComplete = isComplete
    }

    init(_ frame: SSEFrame) {
        event = frame.event.map { String(decoding: $0, as: UTF8.self) }
        data = frame.data.map { String(decoding: $0, as: UTF8.self) }
        isComplete = frame.isComplete
    }

    var description: String {
        "\(event ?? "-")|\(data ?? "-")\(isComplete ? "" : "|cut")"
    }
}

/// A whole stream read in given pieces.
struct RecordedStream {
    var frames: [RecordedFrame] = []
    /// The raw bytes of all frames after each other.
    var raw: [UInt8] = []
    var error: SSEError?

    /// - Parameter cuts: offsets between two reads, in order.
    init(_ stream: [UInt8], cuts: [Int], maxFrameBytes: Int = 1 << 20) {
        var splitter = SSEFrameSplitter(maxFrameBytes: maxFrameBytes)
        do throws(SSEError) {
            var start = 0
            for end in cuts + [stream.count] {
                // A copy of its own, so that a frame pointing into an earlier chunk would be found by the sanitiser.
                try read(Array(stream[start..<end]), &splitter)
                start = end
            }
            if let frame = splitter.finish() { note(frame) }
        } catch {
            self.error = error
        }
    }

    /// Frames with data, as a parser reports them.
    var events: [RecordedFrame] { frames.filter { $0.data != nil } }

    private mutating func read(_ chunk: [UInt8], _ splitter: inout SSEFrameSplitter) throws(SSEError) {
        try chunk.withUnsafeBufferPointer { buffer throws(SSEError) in
            var position = 0
            while let frame = try splitter.next(in: UnsafeRawBufferPointer(buffer), at: &position) { note(frame) }
        }
    }

    private mutating func note(_ frame: SSEFrame) {
        frames.append(RecordedFrame(frame))
        raw += Array(frame.raw)
    }
}
