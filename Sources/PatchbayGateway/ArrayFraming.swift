import PatchbayWire

/// Turns the events of a stream into the elements of one JSON array, which is how Gemini streams to clients that do
/// not ask for events (formats.md section 1.4).
struct ArrayFraming {
    private var splitter = SSEFrameSplitter(maxFrameBytes: 64 << 20)
    private var isFirst = true

    /// The elements of whole frames of a stream; what else keeps a stream alive has no place in an array.
    mutating func elements(of events: [UInt8]) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(events.count)
        events.withUnsafeBytes { bytes in
            var position = 0
            while let frame = try? splitter.next(in: bytes, at: &position) { append(frame, to: &output) }
        }
        return output
    }

    private mutating func append(_ frame: SSEFrame, to output: inout [UInt8]) {
        guard let data = frame.data, !data.isEmpty else { return }
        output.append(contentsOf: (isFirst ? "[" : ",\r\n").utf8)
        isFirst = false
        output.append(contentsOf: data)
    }

    /// The end of the array.
    var end: [UInt8] { Array((isFirst ? "[]" : "]").utf8) }
}
