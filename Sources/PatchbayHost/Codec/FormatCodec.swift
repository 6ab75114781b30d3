internal import CPatchbay
package import PatchbayCore

/// A wire format as one plugin instance speaks it. All functions are pure and may be called on any thread at once.
package final class FormatCodec: Sendable {
    package let format: WireFormat
    package let framing: StreamFraming
    /// What can be asked in the format and converted to and from it.
    package let operations: Set<RequestOperation>
    /// Paths of the gateway where clients of the format send their requests, from the manifest.
    package let paths: [String]
    package let pluginID: String
    let instance: PluginInstance
    let table: pb_codec

    /// nil if the plugin of the instance has no codec.
    init?(_ format: PluginManifest.Format, instance: PluginInstance) {
        guard let table = instance.plugin.module.codec else { return nil }
        self.format = format.id
        framing = format.framing
        operations = format.operations
        paths = format.paths
        self.instance = instance
        self.table = table
        pluginID = instance.pluginID
    }

    package var generation: Int { instance.generation }

    /// Bytes of a converted document.
    static let documentLimit = 256 << 20

    private typealias Conversion =
        @convention(c) (
            UnsafeMutableRawPointer?, pb_str, UnsafePointer<pb_codec_parameters>?, UnsafePointer<pb_sink>?,
            UnsafePointer<pb_sink>?
        ) -> pb_status

    // MARK: - Documents

    /// A request of this format to a canonical request, appended to `output`.
    ///
    /// - Throws: ``PluginError``: `invalid` with a sentence that names the field and the rule, `unsupported` in strict
    ///   mode.
    package func requestToCanonical(
        _ wire: UnsafeRawBufferPointer, _ parameters: CodecParameters, into output: inout [UInt8]
    ) throws(PluginError) {
        try convert(wire, parameters, table.request_to_canonical, "read the request", &output)
    }

    /// A canonical request to a request of this format, appended to `output`.
    package func requestFromCanonical(
        _ canonical: UnsafeRawBufferPointer, _ parameters: CodecParameters, into output: inout [UInt8]
    ) throws(PluginError) {
        try convert(canonical, parameters, table.request_from_canonical, "write the request", &output)
    }

    /// A complete answer (status 2xx) to a canonical response, appended to `output`.
    package func responseToCanonical(
        _ wire: UnsafeRawBufferPointer, _ parameters: CodecParameters, into output: inout [UInt8]
    ) throws(PluginError) {
        try convert(wire, parameters, table.response_to_canonical, "read the answer", &output)
    }

    /// A canonical response to a complete answer of this format, appended to `output`.
    package func responseFromCanonical(
        _ canonical: UnsafeRawBufferPointer, _ parameters: CodecParameters, into output: inout [UInt8]
    ) throws(PluginError) {
        try convert(canonical, parameters, table.response_from_canonical, "write the answer", &output)
    }

    private func convert(
        _ source: UnsafeRawBufferPointer, _ parameters: CodecParameters, _ conversion: Conversion?, _ action: String,
        _ output: inout [UInt8]
    ) throws(PluginError) {
        guard let conversion else {
            throw PluginError(.unsupported, "The plugin \(pluginID) cannot \(action).")
        }
        var target = ByteSink(reusing: Self.take(&output), limit: Self.documentLimit)
        var sentence = ByteSink(limit: 4096)
        let status = parameters.withRecord { record in
            target.withSink { target in
                sentence.withSink { conversion(instance.handle, pb_str(source), record, target, $0) }
            }
        }
        output = target.bytes
        if target.isFull { throw tooLarge(action) }
        guard status == Status.ok else {
            throw PluginError(status: status, sink: sentence, doing: action, plugin: pluginID)
        }
    }

    /// Moves an array out, so that appending does not copy it.
    static func take(_ bytes: inout [UInt8]) -> [UInt8] {
        var taken: [UInt8] = []
        swap(&taken, &bytes)
        return taken
    }

    private func tooLarge(_ action: String) -> PluginError {
        PluginError(.tooLarge, "The plugin \(pluginID) wrote more than \(Self.documentLimit) bytes to \(action).")
    }

    /// Calls a function that writes its sentence to the `error` of its parameters.
    private func withSentence(
        _ parameters: CodecParameters, _ body: (UnsafePointer<pb_codec_parameters>) -> pb_status
    ) -> (status: pb_status, sentence: ByteSink) {
        var sentence = ByteSink(limit: 4096)
        let status = sentence.withSink { parameters.withRecord(error: $0, body) }
        return (status, sentence)
    }

    // MARK: - Errors

    /// An error answer (status 4xx or 5xx, any body) to a canonical error, appended to `output`.
    package func errorToCanonical(
        status httpStatus: Int, _ wire: UnsafeRawBufferPointer, _ parameters: CodecParameters,
        into output: inout [UInt8]
    ) throws(PluginError) {
        var target = ByteSink(reusing: Self.take(&output), limit: Self.documentLimit)
        let (status, sentence) = withSentence(parameters) { record in
            target.withSink {
                table.error_to_canonical(instance.handle, UInt32(clamping: httpStatus), pb_str(wire), record, $0)
            }
        }
        output = target.bytes
        guard status == Status.ok else {
            throw PluginError(status: status, sink: sentence, doing: "read the error", plugin: pluginID)
        }
    }

    /// A canonical error to a body of this format and the HTTP status that goes with it.
    package func errorFromCanonical(
        _ canonical: UnsafeRawBufferPointer, _ parameters: CodecParameters
    ) throws(PluginError) -> (status: Int, body: [UInt8]) {
        var target = ByteSink(limit: Self.documentLimit)
        var httpStatus: UInt32 = 0
        let (status, sentence) = withSentence(parameters) { record in
            target.withSink {
                table.error_from_canonical(instance.handle, pb_str(canonical), record, &httpStatus, $0)
            }
        }
        guard status == Status.ok, (400...599).contains(httpStatus) else {
            throw PluginError(
                status: status == Status.ok ? Status.internalError : status, sink: sentence, doing: "write the error",
                plugin: pluginID)
        }
        return (Int(httpStatus), target.bytes)
    }

    // MARK: - Accounting and streams

    /// Reads from a complete answer what accounting needs.
    ///
    /// - Throws: ``PluginError`` with code `invalid` if it is no answer of this format.
    package func responseTap(
        _ wire: UnsafeRawBufferPointer, _ parameters: CodecParameters, into tap: inout StreamTap
    ) throws(PluginError) {
        let (status, sentence) = withUnsafeMutablePointer(to: &tap) { pointer in
            var sink = pb_event_sink(ctx: UnsafeMutableRawPointer(pointer), emit: StreamTap.emit)
            return withSentence(parameters) { table.response_tap(instance.handle, pb_str(wire), $0, &sink) }
        }
        guard status == Status.ok else {
            throw PluginError(status: status, sink: sentence, doing: "read the answer", plugin: pluginID)
        }
    }

    /// ``responseTap(_:_:into:)`` for a request of which nothing but what `views` says is known.
    package func responseTap(
        _ wire: UnsafeRawBufferPointer, _ views: borrowing CodecViews, into tap: inout StreamTap
    ) throws(PluginError) {
        var record = views.record
        let status = withUnsafeMutablePointer(to: &tap) { pointer in
            var sink = pb_event_sink(ctx: UnsafeMutableRawPointer(pointer), emit: StreamTap.emit)
            return table.response_tap(instance.handle, pb_str(wire), &record, &sink)
        }
        guard status == Status.ok else {
            throw PluginError(status: status, sink: ByteSink(), doing: "read the answer", plugin: pluginID)
        }
    }

    /// Bytes that keep a silent stream alive without meaning anything; empty = the format has none.
    package func heartbeat() -> [UInt8] {
        guard let heartbeat = table.heartbeat else { return [] }
        var target = ByteSink(limit: 4096)
        let status = target.withSink { heartbeat(instance.handle, $0) }
        return status == Status.ok ? target.bytes : []
    }

    /// Starts reading a streamed answer. The decoder is for one thread at a time.
    package func openDecoder(_ parameters: CodecParameters) throws(PluginError) -> StreamDecoder {
        var decoder: UnsafeMutableRawPointer?
        let (status, sentence) = withSentence(parameters) { table.decoder_open(instance.handle, $0, &decoder) }
        guard status == Status.ok else {
            throw PluginError(status: status, sink: sentence, doing: "read a stream", plugin: pluginID)
        }
        return StreamDecoder(self, decoder)
    }

    /// Starts writing a streamed answer. The encoder is for one thread at a time.
    package func openEncoder(_ parameters: CodecParameters) throws(PluginError) -> StreamEncoder {
        var encoder: UnsafeMutableRawPointer?
        let (status, sentence) = withSentence(parameters) { table.encoder_open(instance.handle, $0, &encoder) }
        guard status == Status.ok else {
            throw PluginError(status: status, sink: sentence, doing: "write a stream", plugin: pluginID)
        }
        return StreamEncoder(self, encoder)
    }
}

extension StreamTap {
    /// The sink of events whose `ctx` points to a tap.
    fileprivate static let emit:
        @convention(c) (UnsafePointer<pb_event_sink>?, UnsafePointer<pb_event>?, UInt32) -> pb_status = {
            sink, events, count in
            guard let context = sink?.pointee.ctx, let events, count > 0 else { return Status.ok }
            let tap = context.assumingMemoryBound(to: StreamTap.self)
            return StreamEvent.forEach(events, count: count) { event in
                tap.pointee.observe(StreamEvent(event))
                return Status.ok
            }
        }
}
