package import PatchbayPlugin
package import PatchbayWire

/// Binds a ``ConversationFormat`` to the codec interface of the plugin kit.
package enum ConversationCodec<Format: ConversationFormat> {
    package static func requestToCanonical(
        _ wire: ByteView, _ parameters: ConversionParameters, into canonical: inout ByteWriter
    ) throws(PluginError) {
        try convert(parameters, isAnswer: false) { context throws(ConversionError) in
            let request = try reading(wire) { node throws(ConversionError) in
                try Format.readRequest(node, context: &context)
            }
            var writer = JSONWriter(appendingTo: reserved(wire.count))
            request.write(into: &writer)
            canonical.append(writer.bytes)
        }
    }

    package static func requestFromCanonical(
        _ canonical: ByteView, _ parameters: ConversionParameters, into wire: inout ByteWriter
    ) throws(PluginError) {
        try convert(parameters, isAnswer: false) { context throws(ConversionError) in
            wire.append(
                try Format.writeRequest(
                    try reading(canonical) { node throws(ConversionError) in try CanonicalRequest(canonical: node) },
                    context: &context))
        }
    }

    package static func responseToCanonical(
        _ wire: ByteView, _ parameters: ConversionParameters, into canonical: inout ByteWriter
    ) throws(PluginError) {
        try convert(parameters, isAnswer: true) { context throws(ConversionError) in
            let response = try reading(wire) { node throws(ConversionError) in
                try Format.readResponse(node, context: &context)
            }
            var writer = JSONWriter(appendingTo: reserved(wire.count))
            response.write(into: &writer)
            canonical.append(writer.bytes)
        }
    }

    package static func responseFromCanonical(
        _ canonical: ByteView, _ parameters: ConversionParameters, into wire: inout ByteWriter
    ) throws(PluginError) {
        try convert(parameters, isAnswer: true, echoes: Format.echoesRequest) { context throws(ConversionError) in
            let response = try reading(canonical) { node throws(ConversionError) in
                try CanonicalResponse(canonical: node)
            }
            wire.append(try Format.writeResponse(response, context: &context))
        }
    }

    package static func tapResponse(
        _ wire: ByteView, _ parameters: ConversionParameters, into events: inout EventWriter
    ) throws(PluginError) {
        do throws(ConversionError) {
            try Format.tapResponse(wire.raw, into: &events)
        } catch {
            throw PluginError(error)
        }
    }

    package static func errorToCanonical(status: Int, _ wire: ByteView, into canonical: inout ByteWriter) {
        var writer = JSONWriter()
        Format.readError(status: status, wire.raw).write(into: &writer)
        canonical.append(writer.bytes)
    }

    package static func errorFromCanonical(
        _ canonical: ByteView, into wire: inout ByteWriter
    ) throws(PluginError) -> Int {
        do throws(ConversionError) {
            let answer = Format.writeError(try CanonicalError(canonical: try parse(canonical)))
            wire.append(answer.body)
            return answer.status
        } catch {
            throw PluginError(error)
        }
    }

    // MARK: - Steps

    private static func convert(
        _ parameters: ConversionParameters, isAnswer: Bool, echoes: Bool = false,
        _ body: (inout ConversionContext) throws(ConversionError) -> Void
    ) throws(PluginError) {
        var context =
            echoes ? ConversionContext(echoing: parameters) : ConversionContext(parameters, isAnswer: isAnswer)
        defer { for loss in context.losses { parameters.recordLoss(loss.severity, loss.code, path: loss.path) } }
        do throws(ConversionError) {
            try body(&context)
        } catch {
            throw PluginError(error)
        }
    }

    private static func parse(_ document: ByteView) throws(ConversionError) -> JSONValue {
        do throws(JSONError) {
            return try JSONValue(parsing: document.raw)
        } catch {
            throw .malformed(error)
        }
    }

    /// Reads a document without making a tree of it.
    private static func reading<Model>(
        _ document: ByteView, _ read: (JSONNode) throws(ConversionError) -> Model
    ) throws(ConversionError) -> Model {
        try JSONNode.with(document.raw, malformed: ConversionError.malformed, read)
    }

    private static func reserved(_ count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count + count / 2 + 512)
        return bytes
    }
}

/// A decoder of a ``ConversationFormat`` behind the kit's interface.
package struct ConversationDecoder<Format: ConversationFormat>: WireDecoder {
    private var decoder: Format.Decoder
    private var pending: [AnswerEvent] = []

    package init(_ parameters: ConversionParameters) {
        decoder = Format.makeDecoder(ConversionContext(parameters))
    }

    package mutating func frames(_ frames: FrameBatch, into events: inout EventWriter) {
        for frame in frames {
            decoder.frame(event: frame.event.raw, data: frame.data.raw, into: &pending)
            flush(&events)
        }
    }

    package mutating func finish(_ reason: StreamEnd, into events: inout EventWriter) {
        decoder.finish(reason, into: &pending)
        flush(&events)
    }

    package mutating func pattern(of frame: Frame) -> FramePattern? {
        decoder.pattern(event: frame.event.raw, data: frame.data.raw)
    }

    private mutating func flush(_ events: inout EventWriter) {
        guard !pending.isEmpty else { return }
        // By position: an event is large, and a copy of it touches the counts of all its texts.
        for index in pending.indices { pending[index].send(to: &events) }
        pending.removeAll(keepingCapacity: true)
    }
}

/// An encoder of a ``ConversationFormat`` behind the kit's interface.
package struct ConversationEncoder<Format: ConversationFormat>: WireEncoder {
    private var encoder: Format.Encoder
    private var output: [UInt8] = []

    package init(_ parameters: ConversionParameters) {
        let context = Format.echoesRequest ? ConversionContext(echoing: parameters) : ConversionContext(parameters)
        encoder = Format.makeEncoder(context)
    }

    package mutating func events(_ events: EventBatch, into wire: inout ByteWriter) {
        for event in events { encoder.encode(AnswerEvent(event), into: &output) }
        if !output.isEmpty { wire.append(output) }
        output.removeAll(keepingCapacity: true)
    }

    package func sides(choice: Int, part: Int, _ field: PartField) -> FrameSides? {
        encoder.sides(choice: choice, part: part, field)
    }
}

extension PluginError {
    init(_ error: ConversionError) {
        self.init(error.code == .invalid ? .invalid : .unsupported, error.sentence)
    }
}

extension ConversionError {
    package static func malformed(_ error: JSONError) -> ConversionError {
        .invalid("the body is not valid JSON: \(error.message)")
    }
}
