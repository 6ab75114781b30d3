// Streams of any bytes, cut anywhere: nothing may crash, every cut gives the same events, no byte is lost.
// The first byte of the input chooses the cuts, the second the bound on a frame.

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzSSE(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    guard count > 2, let start else { return 0 }
    let stream = Array(UnsafeBufferPointer(start: start + 2, count: count - 2))
    let step = Int(start[0] & 31) + 1
    let whole = read(stream, step: stream.count, maxFrameBytes: 1 << 20)
    let cut = read(stream, step: step, maxFrameBytes: 1 << 20)
    precondition(!whole.failed && !cut.failed, "a small stream was refused")
    precondition(whole.events == cut.events, "cuts changed the events")
    precondition(whole.raw == stream && cut.raw == stream, "bytes were lost")
    _ = read(stream, step: step, maxFrameBytes: Int(start[1]))
    checkWriter(whole.events)
    stream.withUnsafeBytes { _ = SSEBodyKind(sniffing: $0) }
    return 0
}

struct Event: Equatable {
    var event: [UInt8]?
    var data: [UInt8]
}

struct Reading {
    var events: [Event] = []
    var raw: [UInt8] = []
    var failed = false

    mutating func note(_ frame: SSEFrame) {
        raw += Array(frame.raw)
        if let data = frame.data { events.append(Event(event: frame.event.map(Array.init), data: Array(data))) }
    }
}

func read(_ stream: [UInt8], step: Int, maxFrameBytes: Int) -> Reading {
    var reading = Reading()
    var splitter = SSEFrameSplitter(maxFrameBytes: maxFrameBytes)
    for start in stride(from: 0, to: stream.count, by: step) {
        // A copy for each read, so that the address sanitizer sees a frame that outlives its chunk.
        let chunk = Array(stream[start..<min(start + step, stream.count)])
        chunk.withUnsafeBytes { bytes in
            var position = 0
            do throws(SSEError) {
                while let frame = try splitter.next(in: bytes, at: &position) { reading.note(frame) }
            } catch {
                reading.failed = true
            }
        }
        precondition(splitter.pendingBytes <= maxFrameBytes, "more was kept than allowed")
    }
    if let frame = splitter.finish() { reading.note(frame) }
    return reading
}

/// What is written is read back as the same events.
func checkWriter(_ events: [Event]) {
    var output: [UInt8] = []
    for event in events {
        let name = event.event ?? []
        name.withUnsafeBytes { name in
            event.data.withUnsafeBytes { data in
                SSEWriter.append(event: event.event == nil ? nil : name, data: data, to: &output)
            }
        }
    }
    let again = read(output, step: max(output.count, 1), maxFrameBytes: 1 << 24)
    precondition(again.events.map(\.data) == events.map(\.data), "written events were read differently")
}
