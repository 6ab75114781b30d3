internal import CPatchbay

/// One frame of a stream: for SSE the event name (no base address if the frame had none) and the data lines joined by
/// LF.
package struct StreamFrame {
    package var event: UnsafeRawBufferPointer
    package var data: UnsafeRawBufferPointer

    package init(event: UnsafeRawBufferPointer = .init(start: nil, count: 0), data: UnsafeRawBufferPointer) {
        self.event = event
        self.data = data
    }
}

/// How a stream ended on the transport. The numbers are those of `PB_END_` in `patchbay/codec.h`.
package enum StreamEnd: UInt32, Sendable, Hashable {
    /// The connection delivered the end of the body.
    case endOfStream = 1
    /// It broke before.
    case cut = 2
    /// The client left.
    case cancelled = 3
    /// Nothing came for too long.
    case timeout = 4
}

/// Turns the frames of a streamed answer into events, and the events into bytes of another format at once.
///
/// For one thread at a time. Closed when it is released.
package final class StreamDecoder {
    let codec: FormatCodec
    let handle: UnsafeMutableRawPointer?
    private var isFinished = false

    init(_ codec: FormatCodec, _ handle: UnsafeMutableRawPointer?) {
        self.codec = codec
        self.handle = handle
    }

    deinit {
        codec.table.decoder_close(handle)
    }

    /// Takes the complete frames of one read. Every event is shown to `tap`, then given to `encoder`, whose bytes are
    /// appended to `output`.
    ///
    /// - Parameter encoder: nil = the events are only tapped.
    /// - Throws: ``PluginError`` if a plugin breaks its contract or the output grows beyond its limit; the stream
    ///   cannot go on then.
    package func frames(
        _ frames: UnsafeBufferPointer<StreamFrame>, to encoder: EventConsumer?, output: inout [UInt8],
        tap: inout StreamTap
    ) throws(PluginError) {
        guard !frames.isEmpty else { return }
        let status = withUnsafeTemporaryAllocation(of: pb_frame.self, capacity: frames.count) { room in
            for (index, frame) in frames.enumerated() {
                room[index] = pb_frame(event: pb_str(frame.event), data: pb_str(frame.data))
            }
            return run(encoder, &output, &tap) { sink in
                codec.table.decoder_frames(handle, room.baseAddress, UInt32(frames.count), sink)
            }
        }
        try check(status)
    }

    /// The same for a single frame, without a buffer.
    package func frame(
        _ frame: StreamFrame, to encoder: EventConsumer?, output: inout [UInt8], tap: inout StreamTap
    ) throws(PluginError) {
        var record = pb_frame(event: pb_str(frame.event), data: pb_str(frame.data))
        try check(run(encoder, &output, &tap) { codec.table.decoder_frames(handle, &record, 1, $0) })
    }

    /// Takes one complete frame and shows its events to `tap` only: what a stream in the client's own format needs.
    package func frame(_ frame: StreamFrame, tap: inout StreamTap) throws(PluginError) {
        var record = pb_frame(event: pb_str(frame.event), data: pb_str(frame.data))
        let status = withUnsafeMutablePointer(to: &tap) { pointer in
            var sink = pb_event_sink(ctx: UnsafeMutableRawPointer(pointer), emit: Self.observe)
            return codec.table.decoder_frames(handle, &record, 1, &sink)
        }
        guard status == Status.ok else {
            throw PluginError(status: status, sink: ByteSink(), doing: "read the stream", plugin: codec.pluginID)
        }
    }

    /// No more frames. Emits what is outstanding, and END. Later calls do nothing.
    package func finish(
        _ reason: StreamEnd, to encoder: EventConsumer?, output: inout [UInt8], tap: inout StreamTap
    ) throws(PluginError) {
        guard !isFinished else { return }
        isFinished = true
        try check(run(encoder, &output, &tap) { codec.table.decoder_finish(handle, reason.rawValue, $0) })
    }

    // MARK: - Piping

    /// What `ctx` of the event sink points to.
    private struct Pipe {
        var tap: StreamTap
        var target: ByteSink
        /// What the host or the encoder answered first that was negative.
        var failure: pb_status = Status.ok
        var encoderFailed = false
        unowned(unsafe) let encoder: EventConsumer?
    }

    private func run(
        _ encoder: EventConsumer?, _ output: inout [UInt8], _ tap: inout StreamTap,
        _ body: (UnsafePointer<pb_event_sink>) -> pb_status
    ) -> (plugin: pb_status, host: pb_status, encoderFailed: Bool) {
        var pipe = Pipe(
            tap: tap, target: ByteSink(reusing: FormatCodec.take(&output), limit: FormatCodec.documentLimit),
            encoder: encoder)
        let status = withUnsafeMutablePointer(to: &pipe) { pointer in
            var sink = pb_event_sink(ctx: UnsafeMutableRawPointer(pointer), emit: Self.emit)
            return withUnsafePointer(to: &sink, body)
        }
        output = FormatCodec.take(&pipe.target.bytes)
        tap = pipe.tap
        return (status, pipe.failure, pipe.encoderFailed)
    }

    private func check(_ status: (plugin: pb_status, host: pb_status, encoderFailed: Bool)) throws(PluginError) {
        if status.host < 0 {
            let code = PluginError.Code(status: status.host)
            let what = status.encoderFailed ? "The encoder of the stream failed" : "The stream was stopped"
            throw PluginError(code, "\(what) (\(code.name)).")
        }
        guard status.plugin == Status.ok else {
            throw PluginError(status: status.plugin, sink: ByteSink(), doing: "read the stream", plugin: codec.pluginID)
        }
    }

    /// `ctx` is the tap.
    private static let observe:
        @convention(c) (UnsafePointer<pb_event_sink>?, UnsafePointer<pb_event>?, UInt32) -> pb_status = {
            sink, events, count in
            guard let context = sink?.pointee.ctx, let events, count > 0 else { return Status.ok }
            let tap = context.assumingMemoryBound(to: StreamTap.self)
            guard !tap.pointee.ended else { return Status.stopped }
            return StreamEvent.forEach(events, count: count) { event in
                tap.pointee.observe(StreamEvent(event))
                return Status.ok
            }
        }

    private static let emit:
        @convention(c) (UnsafePointer<pb_event_sink>?, UnsafePointer<pb_event>?, UInt32) -> pb_status = {
            sink, events, count in
            guard let context = sink?.pointee.ctx, let events, count > 0 else { return Status.ok }
            let pipe = context.assumingMemoryBound(to: Pipe.self)
            guard pipe.pointee.failure == Status.ok else { return pipe.pointee.failure }
            // Nothing comes after END.
            guard !pipe.pointee.tap.ended else { return Status.stopped }
            let tapped = StreamEvent.forEach(events, count: count) { event in
                pipe.pointee.tap.observe(StreamEvent(event))
                return Status.ok
            }
            guard tapped == Status.ok else {
                pipe.pointee.failure = tapped
                return tapped
            }
            guard let encoder = pipe.pointee.encoder else { return Status.ok }
            let status = pipe.pointee.target.withSink { encoder.take(events, count, $0) }
            if status < 0 {
                pipe.pointee.failure = pipe.pointee.target.isFull ? Status.tooLarge : status
                pipe.pointee.encoderFailed = true
            }
            return status
        }
}
