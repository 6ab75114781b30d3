import CPatchbay

/// Receives the output of a conversion. Valid until the function that received it returns.
///
/// Every append crosses to the host at once and copies there, so compose small pieces first. When the host wants no
/// more, ``isStopped`` turns true and appends do nothing; the kit reports it.
public struct ByteWriter {
    let sink: UnsafePointer<pb_sink>
    var status: pb_status = 0

    init(_ sink: UnsafePointer<pb_sink>) {
        self.sink = sink
    }

    /// The host wants no more output.
    public var isStopped: Bool { status < 0 }

    public mutating func append(_ bytes: UnsafeRawBufferPointer) {
        write(pb_str(bytes.bindMemory(to: UInt8.self)))
    }

    public mutating func append(_ view: ByteView) {
        write(pb_str(view))
    }

    public mutating func append(_ bytes: [UInt8]) {
        bytes.withUnsafeBufferPointer { write(pb_str($0)) }
    }

    public mutating func append(_ bytes: ArraySlice<UInt8>) {
        bytes.withUnsafeBufferPointer { write(pb_str($0)) }
    }

    public mutating func append(_ text: StaticString) {
        text.withUTF8Buffer { write(pb_str($0)) }
    }

    @_disfavoredOverload
    public mutating func append(_ text: String) {
        var text = text
        text.withUTF8 { write(pb_str($0)) }
    }

    private mutating func write(_ bytes: pb_str) {
        guard status >= 0, bytes.len > 0 else { return }
        status = sink.pointee.write(sink, bytes)
    }
}
