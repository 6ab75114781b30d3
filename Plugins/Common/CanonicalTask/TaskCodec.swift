import CanonicalChat
package import PatchbayPlugin
import PatchbayWire

/// The codec interface for a ``TaskFormat``: answers are tapped, errors are translated, and documents are not converted
/// unless a plugin says how.
package protocol TaskCodec: WireFormatCodec
where Decoder == TaskStreamDecoder<Format>, Encoder == NoStreamEncoder {
    associatedtype Format: TaskFormat
}

extension TaskCodec {
    package func requestToCanonical(
        _ wire: ByteView, _ parameters: ConversionParameters, into canonical: inout ByteWriter
    ) throws { throw notConverted }

    package func requestFromCanonical(
        _ canonical: ByteView, _ parameters: ConversionParameters, into wire: inout ByteWriter
    ) throws { throw notConverted }

    package func responseToCanonical(
        _ wire: ByteView, _ parameters: ConversionParameters, into canonical: inout ByteWriter
    ) throws { throw notConverted }

    package func responseFromCanonical(
        _ canonical: ByteView, _ parameters: ConversionParameters, into wire: inout ByteWriter
    ) throws { throw notConverted }

    package func tapResponse(
        _ wire: ByteView, _ parameters: ConversionParameters, into events: inout EventWriter
    ) throws {
        try TaskTap<Format>.document(wire, into: &events)
    }

    package func errorToCanonical(
        status: Int, _ wire: ByteView, _ parameters: ConversionParameters, into canonical: inout ByteWriter
    ) {
        var writer = JSONWriter()
        CanonicalError(format: Format.id.description, status: status, body: ErrorBody(wire.raw)).write(into: &writer)
        canonical.append(writer.bytes)
    }

    package func errorFromCanonical(
        _ canonical: ByteView, _ parameters: ConversionParameters, into wire: inout ByteWriter
    ) throws -> Int {
        let answer: (status: Int, body: [UInt8])
        do {
            let error = try CanonicalError(canonical: try JSONValue(parsing: canonical.raw))
            answer = OpenAIErrorObject.answer(error, format: Format.id.description)
        } catch {
            throw PluginError(.invalid, "The canonical error cannot be read.")
        }
        wire.append(answer.body)
        return answer.status
    }

    package func makeDecoder(_ parameters: ConversionParameters) -> TaskStreamDecoder<Format> { TaskStreamDecoder() }

    package func makeEncoder(_ parameters: ConversionParameters) throws -> NoStreamEncoder { throw notConverted }

    private var notConverted: PluginError {
        PluginError(.unsupported, "\(Format.id) is forwarded in its own form and not converted to another.")
    }
}

/// The encoder of a format whose streams are never written anew.
package struct NoStreamEncoder: WireEncoder {
    package mutating func events(_ events: EventBatch, into wire: inout ByteWriter) {}
}
