package import PatchbayPlugin

/// A format plugin that is a ``ConversationFormat`` and nothing else: it names the format, everything else is here.
package protocol ConversationPlugin: WireFormatCodec
where Decoder == ConversationDecoder<Format>, Encoder == ConversationEncoder<Format> {
    associatedtype Format: ConversationFormat
}

extension ConversationPlugin {
    package func requestToCanonical(
        _ wire: ByteView, _ parameters: ConversionParameters, into canonical: inout ByteWriter
    ) throws {
        try ConversationCodec<Format>.requestToCanonical(wire, parameters, into: &canonical)
    }

    package func requestFromCanonical(
        _ canonical: ByteView, _ parameters: ConversionParameters, into wire: inout ByteWriter
    ) throws {
        try ConversationCodec<Format>.requestFromCanonical(canonical, parameters, into: &wire)
    }

    package func responseToCanonical(
        _ wire: ByteView, _ parameters: ConversionParameters, into canonical: inout ByteWriter
    ) throws {
        try ConversationCodec<Format>.responseToCanonical(wire, parameters, into: &canonical)
    }

    package func responseFromCanonical(
        _ canonical: ByteView, _ parameters: ConversionParameters, into wire: inout ByteWriter
    ) throws {
        try ConversationCodec<Format>.responseFromCanonical(canonical, parameters, into: &wire)
    }

    package func tapResponse(_ wire: ByteView, _ parameters: ConversionParameters, into events: inout EventWriter)
        throws
    {
        try ConversationCodec<Format>.tapResponse(wire, parameters, into: &events)
    }

    package func errorToCanonical(
        status: Int, _ wire: ByteView, _ parameters: ConversionParameters, into canonical: inout ByteWriter
    ) {
        ConversationCodec<Format>.errorToCanonical(status: status, wire, into: &canonical)
    }

    package func errorFromCanonical(
        _ canonical: ByteView, _ parameters: ConversionParameters, into wire: inout ByteWriter
    ) throws -> Int {
        try ConversationCodec<Format>.errorFromCanonical(canonical, into: &wire)
    }

    package func makeDecoder(_ parameters: ConversionParameters) -> ConversationDecoder<Format> {
        ConversationDecoder(parameters)
    }

    package func makeEncoder(_ parameters: ConversionParameters) -> ConversationEncoder<Format> {
        ConversationEncoder(parameters)
    }

    package func heartbeat(into wire: inout ByteWriter) {
        wire.append(Format.heartbeat)
    }
}
