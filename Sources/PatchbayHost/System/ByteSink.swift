internal import CPatchbay

/// Collects what a plugin writes to a `pb_sink`, up to a limit.
struct ByteSink {
    var bytes: [UInt8]
    let limit: Int
    private(set) var isFull = false

    init(reusing bytes: consuming [UInt8] = [], limit: Int = 64 << 20) {
        self.bytes = bytes
        self.limit = limit
    }

    mutating func append(_ more: UnsafeRawBufferPointer) -> pb_status {
        guard !isFull, more.count <= limit - min(limit, bytes.count) else {
            isFull = true
            return Status.tooLarge
        }
        bytes.append(contentsOf: more)
        return Status.ok
    }

    /// Hands a `pb_sink` that writes to this value to `body`.
    mutating func withSink<Result>(_ body: (UnsafePointer<pb_sink>) -> Result) -> Result {
        withUnsafeMutablePointer(to: &self) { pointer in
            var sink = pb_sink(ctx: UnsafeMutableRawPointer(pointer), write: Self.write)
            return withUnsafePointer(to: &sink, body)
        }
    }

    static let write: @convention(c) (UnsafePointer<pb_sink>?, pb_str) -> pb_status = { sink, text in
        guard let context = sink?.pointee.ctx else { return Status.invalid }
        return context.assumingMemoryBound(to: ByteSink.self).pointee.append(text.bytes)
    }

    /// What was written, as one sentence of bounded length; nil if nothing was.
    var sentence: String? {
        bytes.isEmpty ? nil : String(decoding: bytes.prefix(2048), as: UTF8.self)
    }
}
