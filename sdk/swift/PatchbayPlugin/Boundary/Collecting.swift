import CPatchbay

/// Calls `body` with a sink and returns its status and what was written.
func collect(_ body: (UnsafePointer<pb_sink>) -> pb_status) -> (pb_status, [UInt8]) {
    var bytes: [UInt8] = []
    let status = withUnsafeMutablePointer(to: &bytes) { target in
        var sink = pb_sink(ctx: UnsafeMutableRawPointer(target), write: collectBytes)
        return body(&sink)
    }
    return (status, bytes)
}

private func collectBytes(_ sink: UnsafePointer<pb_sink>?, _ bytes: pb_str) -> pb_status {
    guard let target = sink?.pointee.ctx?.assumingMemoryBound(to: [UInt8].self) else { return PB_INTERNAL }
    target.pointee.append(contentsOf: ByteView(bytes).bytes)
    return PB_DONE
}

/// Writes a sentence to a sink that the host may have left out.
func write(_ text: String, to sink: UnsafePointer<pb_sink>?) {
    guard let sink, !text.isEmpty, let write = sink.pointee.write else { return }
    _ = withView(text) { write(sink, $0) }
}

/// `PB_OK` and its relatives are imported as plain integers; these have the type that functions return.
let PB_DONE = pb_status(PB_OK)
let PB_INTERNAL = pb_status(PB_E_INTERNAL)
