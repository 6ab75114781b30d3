import CPatchbay

/// The tables of `patchbay.codec/1`, one for each framing, built once.
private let codecTables: [Framing: StaticRecord<pb_codec>] = Dictionary(
    uniqueKeysWithValues: [Framing.sse, .ndjson, .jsonArray, .raw].map { ($0, StaticRecord(makeCodecTable($0))) })

func codecTable(_ framing: Framing) -> UnsafePointer<pb_codec>? {
    codecTables[framing]?.pointer
}

private func makeCodecTable(_ framing: Framing) -> pb_codec {
    var table = pb_codec()
    table.size = UInt32(MemoryLayout<pb_codec>.size)
    table.framing = framing.rawValue
    addDocuments(to: &table)
    addStreams(to: &table)
    addPatterns(to: &table)
    return table
}

private func addDocuments(to table: inout pb_codec) {
    table.request_to_canonical = { instance, wire, parameters, output, error in
        convert(instance, wire, parameters, output, error) { try $0.requestToCanonical($1, $2, into: &$3) }
    }
    table.request_from_canonical = { instance, canonical, parameters, output, error in
        convert(instance, canonical, parameters, output, error) { try $0.requestFromCanonical($1, $2, into: &$3) }
    }
    table.response_to_canonical = { instance, wire, parameters, output, error in
        convert(instance, wire, parameters, output, error) { try $0.responseToCanonical($1, $2, into: &$3) }
    }
    table.response_from_canonical = { instance, canonical, parameters, output, error in
        convert(instance, canonical, parameters, output, error) { try $0.responseFromCanonical($1, $2, into: &$3) }
    }
    table.response_tap = { instance, wire, parameters, sink in
        guard let sink, let parameters, let codec = codec(of: instance) else { return PB_INTERNAL }
        var events = EventWriter(sink)
        do {
            try codec.tapResponse(ByteView(wire), ConversionParameters(record: parameters), into: &events)
            return result(events.status)
        } catch let failure {
            return events.isStopped ? result(events.status) : report(failure, to: errorSink(parameters))
        }
    }
    table.error_to_canonical = { instance, status, wire, parameters, output in
        convert(instance, wire, parameters, output, errorSink(parameters)) {
            $0.errorToCanonical(status: Int(status), $1, $2, into: &$3)
        }
    }
    table.error_from_canonical = { instance, canonical, parameters, status, output in
        convert(instance, canonical, parameters, output, errorSink(parameters)) {
            let code = try $0.errorFromCanonical($1, $2, into: &$3)
            status?.pointee = UInt32(clamping: code)
        }
    }
    table.heartbeat = { instance, output in
        guard let output, let codec = codec(of: instance) else { return PB_INTERNAL }
        var wire = ByteWriter(output)
        codec.heartbeat(into: &wire)
        return result(wire.status)
    }
}

private func addStreams(to table: inout pb_codec) {
    table.decoder_open = { instance, parameters, decoder in
        guard let parameters, let decoder, let codec = Instance.at(instance)?.takeUnretainedValue().codec else {
            return PB_INTERNAL
        }
        return open(decoder, parameters) { try codec.makeDecoder(ConversionParameters(record: parameters)) }
    }
    table.decoder_frames = { decoder, frames, count, sink in
        guard let sink, let decoder else { return PB_INTERNAL }
        var events = EventWriter(sink)
        let batch = FrameBatch(base: frames, count: frames == nil ? 0 : Int(count))
        Unmanaged<AnyDecoder>.fromOpaque(decoder)._withUnsafeGuaranteedRef { $0.frames(batch, into: &events) }
        return result(events.status)
    }
    table.decoder_finish = { decoder, reason, sink in
        guard let sink, let decoder else { return PB_INTERNAL }
        var events = EventWriter(sink)
        let reason = StreamEnd(rawValue: reason) ?? .cut
        Unmanaged<AnyDecoder>.fromOpaque(decoder)._withUnsafeGuaranteedRef { $0.finish(reason, into: &events) }
        return result(events.status)
    }
    table.decoder_close = { decoder in
        if let decoder { Unmanaged<AnyDecoder>.fromOpaque(decoder).release() }
    }
    table.encoder_open = { instance, parameters, encoder in
        guard let parameters, let encoder, let codec = Instance.at(instance)?.takeUnretainedValue().codec else {
            return PB_INTERNAL
        }
        return open(encoder, parameters) { try codec.makeEncoder(ConversionParameters(record: parameters)) }
    }
    table.encoder_events = { encoder, events, count, output in
        guard let output, let encoder else { return PB_INTERNAL }
        var wire = ByteWriter(output)
        let batch = EventBatch(events, count: count)
        Unmanaged<AnyEncoder>.fromOpaque(encoder)._withUnsafeGuaranteedRef { $0.events(batch, into: &wire) }
        return result(wire.status)
    }
    table.encoder_close = { encoder in
        if let encoder { Unmanaged<AnyEncoder>.fromOpaque(encoder).release() }
    }
}

private func addPatterns(to table: inout pb_codec) {
    table.decoder_pattern = { decoder, frame, record in
        guard let decoder, let frame = frame?.pointee, let record else { return PB_INTERNAL }
        let view = Frame(event: ByteView(frame.event), data: ByteView(frame.data))
        let pattern = Unmanaged<AnyDecoder>.fromOpaque(decoder)._withUnsafeGuaranteedRef { $0.pattern(of: view) }
        guard let pattern, pattern.fill(&record.pointee) else { return pb_status(PB_E_UNSUPPORTED) }
        return PB_DONE
    }
    table.encoder_pattern = { encoder, choice, part, field, before, behind in
        guard let encoder, let before, let behind else { return PB_INTERNAL }
        guard let field = PartField(rawValue: field) else { return pb_status(PB_E_UNSUPPORTED) }
        let sides = Unmanaged<AnyEncoder>.fromOpaque(encoder)._withUnsafeGuaranteedRef {
            $0.sides(choice: Int(choice), part: Int(part), field)
        }
        guard let sides else { return pb_status(PB_E_UNSUPPORTED) }
        var writers = (before: ByteWriter(before), behind: ByteWriter(behind))
        writers.before.append(sides.before)
        writers.behind.append(sides.behind)
        return result(min(writers.before.status, writers.behind.status))
    }
}

// MARK: - Steps

private func codec(of instance: UnsafeMutableRawPointer?) -> (any WireFormatCodec)? {
    Instance.at(instance)?._withUnsafeGuaranteedRef { $0.codec?.codec }
}

/// A refusal of the sink is passed up as the ABI asks.
@inline(__always)
private func result(_ status: pb_status) -> pb_status {
    status < 0 ? pb_status(PB_E_STOPPED) : PB_DONE
}

private func convert(
    _ instance: UnsafeMutableRawPointer?, _ input: pb_str, _ parameters: UnsafePointer<pb_codec_parameters>?,
    _ output: UnsafePointer<pb_sink>?, _ error: UnsafePointer<pb_sink>?,
    _ body: (any WireFormatCodec, ByteView, ConversionParameters, inout ByteWriter) throws -> Void
) -> pb_status {
    guard let output, let parameters, let codec = codec(of: instance) else { return PB_INTERNAL }
    var writer = ByteWriter(output)
    do {
        try body(codec, ByteView(input), ConversionParameters(record: parameters), &writer)
        return result(writer.status)
    } catch let failure {
        return writer.isStopped ? result(writer.status) : report(failure, to: error)
    }
}

private func open(
    _ place: UnsafeMutablePointer<UnsafeMutableRawPointer?>, _ parameters: UnsafePointer<pb_codec_parameters>,
    _ make: () throws -> AnyObject
) -> pb_status {
    do {
        place.pointee = Unmanaged.passRetained(try make()).toOpaque()
        return PB_DONE
    } catch let failure {
        return report(failure, to: errorSink(parameters))
    }
}

/// Where functions without an error argument of their own write their sentence.
private func errorSink(_ parameters: UnsafePointer<pb_codec_parameters>?) -> UnsafePointer<pb_sink>? {
    parameters?.pointee.error
}
