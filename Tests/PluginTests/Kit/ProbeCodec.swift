import PatchbayPlugin

/// A codec over a toy format: each frame's data is a text delta, the event `stop` ends the stream.
struct ProbeCodec: WireFormatCodec {
    static var framing: Framing { .ndjson }

    init(configuration: PluginConfiguration, host: Host) throws {}

    func requestToCanonical(_ wire: ByteView, _ parameters: ConversionParameters, into canonical: inout ByteWriter)
        throws
    {
        guard wire != "bad" else { throw PluginError(.invalid, "messages is missing.") }
        parameters.recordLoss(.degrade, "sampling.top_k", path: "/top_k")
        canonical.append(wire)
        canonical.append("|")
        canonical.append(parameters.requestedModel)
    }

    func requestFromCanonical(_ canonical: ByteView, _ parameters: ConversionParameters, into wire: inout ByteWriter)
        throws
    {
        wire.append(Array(canonical.raw.reversed()))
    }

    func responseToCanonical(_ wire: ByteView, _ parameters: ConversionParameters, into canonical: inout ByteWriter)
        throws
    {
        canonical.append(wire)
    }

    func responseFromCanonical(_ canonical: ByteView, _ parameters: ConversionParameters, into wire: inout ByteWriter)
        throws
    {
        wire.append(canonical)
    }

    func tapResponse(_ wire: ByteView, _ parameters: ConversionParameters, into events: inout EventWriter) throws {
        events.start(id: "i", model: "m", usage: UsageCounters(input: 3))
        events.usage(UsageCounters(input: 3, output: 4, cached: 0))
        events.finish(.toolCalls, stopSequence: nil, native: "tool_use")
    }

    func errorToCanonical(
        status: Int, _ wire: ByteView, _ parameters: ConversionParameters, into canonical: inout ByteWriter
    ) {
        canonical.append("\(status)" as String)
    }

    func errorFromCanonical(
        _ canonical: ByteView, _ parameters: ConversionParameters, into wire: inout ByteWriter
    ) throws -> Int {
        wire.append(canonical)
        return 529
    }

    func makeDecoder(_ parameters: ConversionParameters) throws -> Decoder { Decoder(isTap: parameters.isTap) }
    func makeEncoder(_ parameters: ConversionParameters) throws -> Encoder {
        guard parameters.isStream else { throw PluginError(.unsupported, "Streams only.") }
        return Encoder()
    }

    func heartbeat(into wire: inout ByteWriter) { wire.append(": ka\n\n") }

    struct Decoder: WireDecoder {
        let isTap: Bool
        var isOpen = false

        mutating func frames(_ frames: FrameBatch, into events: inout EventWriter) {
            for frame in frames {
                if frame.event == "stop" {
                    events.closePart(part: 0)
                    events.finish(.stop)
                    continue
                }
                if !isOpen { events.openPart(part: 0, .text) }
                isOpen = true
                if !isTap { events.textDelta(part: 0, utf8: frame.data.bytes) }
            }
        }

        mutating func finish(_ reason: StreamEnd, into events: inout EventWriter) {
            if reason == .cut { events.error(.truncated, message: "cut", code: "stream_truncated") }
            events.end(clean: reason == .endOfStream)
        }
    }

    struct Encoder: WireEncoder {
        mutating func events(_ events: EventBatch, into wire: inout ByteWriter) {
            for event in events {
                switch event.type {
                case .partDelta: wire.append(event.text)
                case .end: wire.append(event.isClean ? "!" : "?")
                case .usage: wire.append("[\(event.usage.output.map(String.init) ?? "-")]" as String)
                default: wire.append(".")
                }
            }
        }
    }
}
