/// Writes an event stream into bytes: LF line ends, one space behind each colon.
package struct SSEWriter: Sendable {
    package var bytes: [UInt8]

    package init() {
        bytes = []
    }

    /// Appends to bytes that are there already, and uses their spare room.
    package init(appendingTo bytes: consuming [UInt8]) {
        self.bytes = bytes
    }

    /// Forgets what was written and keeps the storage.
    package mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
    }

    /// One event. Line ends inside `data` make one data line each; `event` is cut at its first line end.
    package mutating func event(_ event: UnsafeRawBufferPointer? = nil, data: UnsafeRawBufferPointer) {
        SSEWriter.append(event: event, data: data, to: &bytes)
    }

    package mutating func event(_ event: StaticString, data: [UInt8]) {
        data.withUnsafeBytes { self.event(SSEWriter.buffer(event), data: $0) }
    }

    package mutating func data(_ data: [UInt8]) {
        data.withUnsafeBytes { event(nil, data: $0) }
    }

    package mutating func data(_ text: StaticString) {
        event(nil, data: SSEWriter.buffer(text))
    }

    /// A comment, which readers ignore: a heartbeat.
    package mutating func comment(_ text: StaticString) {
        SSEWriter.appendLines(": ", SSEWriter.buffer(text), to: &bytes)
        bytes.append(SSEBytes.lineFeed)
    }

    /// The same as ``event(_:data:)`` into any bytes.
    package static func append(
        event: UnsafeRawBufferPointer?, data: UnsafeRawBufferPointer, to output: inout [UInt8]
    ) {
        if let event, let start = event.baseAddress {
            let base = start.assumingMemoryBound(to: UInt8.self)
            let end = SSEBytes.firstLineEnd(base, 0, event.count)
            append("event: ", UnsafeRawBufferPointer(start: start, count: end), to: &output)
        }
        appendLines("data: ", data, to: &output)
        output.append(SSEBytes.lineFeed)
    }

    // MARK: - Lines

    private static func appendLines(_ prefix: StaticString, _ text: UnsafeRawBufferPointer, to output: inout [UInt8]) {
        guard let start = text.baseAddress else { return append(prefix, text, to: &output) }
        let base = start.assumingMemoryBound(to: UInt8.self)
        var index = 0
        while true {
            let end = SSEBytes.firstLineEnd(base, index, text.count)
            append(prefix, UnsafeRawBufferPointer(start: base + index, count: end - index), to: &output)
            guard end < text.count else { return }
            let isPair =
                base[end] == SSEBytes.carriageReturn && end + 1 < text.count && base[end + 1] == SSEBytes.lineFeed
            index = end + (isPair ? 2 : 1)
        }
    }

    private static func append(_ prefix: StaticString, _ line: UnsafeRawBufferPointer, to output: inout [UInt8]) {
        output.append(contentsOf: buffer(prefix))
        output.append(contentsOf: line)
        output.append(SSEBytes.lineFeed)
    }

    private static func buffer(_ text: StaticString) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
    }
}
