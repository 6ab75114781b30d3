import CanonicalChat
import PatchbayPlugin

/// The plugin `format-openai-responses`: Responses.
struct FormatOpenAIResponses: WireFormatCodec {
    typealias Codec = ConversationCodec<ResponsesFormat>

    init(configuration: PluginConfiguration, host: Host) {}

    func requestToCanonical(
        _ wire: ByteView, _ parameters: ConversionParameters, into canonical: inout ByteWriter
    ) throws {
        try Codec.requestToCanonical(wire, parameters, into: &canonical)
    }

    func requestFromCanonical(
        _ canonical: ByteView, _ parameters: ConversionParameters, into wire: inout ByteWriter
    ) throws {
        try Codec.requestFromCanonical(canonical, parameters, into: &wire)
    }

    func responseToCanonical(
        _ wire: ByteView, _ parameters: ConversionParameters, into canonical: inout ByteWriter
    ) throws {
        try Codec.responseToCanonical(wire, parameters, into: &canonical)
    }

    func responseFromCanonical(
        _ canonical: ByteView, _ parameters: ConversionParameters, into wire: inout ByteWriter
    ) throws {
        try Codec.responseFromCanonical(canonical, parameters, into: &wire)
    }

    func tapResponse(_ wire: ByteView, _ parameters: ConversionParameters, into events: inout EventWriter) throws {
        try Codec.tapResponse(wire, parameters, into: &events)
    }

    func errorToCanonical(
        status: Int, _ wire: ByteView, _ parameters: ConversionParameters, into canonical: inout ByteWriter
    ) {
        Codec.errorToCanonical(status: status, wire, into: &canonical)
    }

    func errorFromCanonical(
        _ canonical: ByteView, _ parameters: ConversionParameters, into wire: inout ByteWriter
    ) throws -> Int {
        try Codec.errorFromCanonical(canonical, into: &wire)
    }

    func makeDecoder(_ parameters: ConversionParameters) -> ConversationDecoder<ResponsesFormat> {
        ConversationDecoder(parameters)
    }

    func makeEncoder(_ parameters: ConversionParameters) -> ConversationEncoder<ResponsesFormat> {
        ConversationEncoder(parameters)
    }

    func heartbeat(into wire: inout ByteWriter) {
        wire.append(ResponsesFormat.heartbeat)
    }
}
