import CanonicalChat
import PatchbayPlugin
import PatchbayWire

extension MessagesStreamDecoder: AnswerDecoder {}
extension MessagesStreamEncoder: AnswerEncoder {}

extension MessagesFormat: ConversationFormat {
    static func readRequest(
        _ document: JSONNode, context: inout ConversionContext
    ) throws(ConversionError) -> CanonicalRequest {
        try MessagesRequestReader.read(document, context: context)
    }

    static func writeRequest(
        _ request: consuming CanonicalRequest, context: inout ConversionContext
    ) throws(ConversionError) -> [UInt8] {
        try MessagesRequestWriter.write(request, context: &context)
    }

    static func readResponse(
        _ document: JSONNode, context: inout ConversionContext
    ) throws(ConversionError) -> CanonicalResponse {
        try MessagesResponseReader.read(document, context: context)
    }

    static func writeResponse(
        _ response: CanonicalResponse, context: inout ConversionContext
    ) throws(ConversionError) -> [UInt8] {
        MessagesResponseWriter.write(response, context: &context)
    }

    static func tapResponse(_ body: UnsafeRawBufferPointer) throws(ConversionError) -> [AnswerEvent] {
        var events: [AnswerEvent] = []
        try MessagesResponseTap(body).send(to: &events)
        return events
    }

    static func tapResponse(
        _ body: UnsafeRawBufferPointer, into events: inout EventWriter
    ) throws(ConversionError) {
        if MessagesAnswerProbe.send(body, to: &events) { return }
        try MessagesResponseTap(body).send(to: &events)
    }

    static func readError(status: Int, _ body: UnsafeRawBufferPointer) -> CanonicalError {
        MessagesErrors.read(status: status, body)
    }

    static func writeError(_ error: CanonicalError) -> (status: Int, body: [UInt8]) {
        MessagesErrors.write(error)
    }

    static func makeDecoder(_ context: ConversionContext) -> MessagesStreamDecoder {
        MessagesStreamDecoder(context)
    }

    static func makeEncoder(_ context: ConversionContext) -> MessagesStreamEncoder {
        MessagesStreamEncoder(context)
    }

    /// The format's own event for it.
    static var heartbeat: StaticString { "event: ping\ndata: {\"type\":\"ping\"}\n\n" }
}
