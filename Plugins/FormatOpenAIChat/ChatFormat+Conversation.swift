import CanonicalChat
import PatchbayPlugin
import PatchbayWire

extension ChatStreamDecoder: AnswerDecoder {}
extension ChatStreamEncoder: AnswerEncoder {}

extension ChatFormat: ConversationFormat {
    static func readRequest(
        _ document: JSONNode, context: inout ConversionContext
    ) throws(ConversionError) -> CanonicalRequest {
        try ChatRequestReader.read(document, context: context)
    }

    static func writeRequest(
        _ request: consuming CanonicalRequest, context: inout ConversionContext
    ) throws(ConversionError) -> [UInt8] {
        try ChatRequestWriter.write(request, context: &context)
    }

    static func readResponse(
        _ document: JSONNode, context: inout ConversionContext
    ) throws(ConversionError) -> CanonicalResponse {
        try ChatResponseReader.read(document, context: context)
    }

    static func writeResponse(
        _ response: CanonicalResponse, context: inout ConversionContext
    ) throws(ConversionError) -> [UInt8] {
        ChatResponseWriter.write(response, context: &context)
    }

    static func tapResponse(_ body: UnsafeRawBufferPointer) throws(ConversionError) -> [AnswerEvent] {
        var events: [AnswerEvent] = []
        try ChatResponseTap(body).send(to: &events)
        return events
    }

    static func tapResponse(
        _ body: UnsafeRawBufferPointer, into events: inout EventWriter
    ) throws(ConversionError) {
        if ChatAnswerProbe.send(body, to: &events) { return }
        try ChatResponseTap(body).send(to: &events)
    }

    static func readError(status: Int, _ body: UnsafeRawBufferPointer) -> CanonicalError {
        ChatErrors.read(status: status, body)
    }

    static func writeError(_ error: CanonicalError) -> (status: Int, body: [UInt8]) {
        ChatErrors.write(error)
    }

    static func makeDecoder(_ context: ConversionContext) -> ChatStreamDecoder {
        ChatStreamDecoder(context)
    }

    static func makeEncoder(_ context: ConversionContext) -> ChatStreamEncoder {
        ChatStreamEncoder(context)
    }

    /// A comment, which every client of the format skips.
    static var heartbeat: StaticString { ": ka\n\n" }
}
