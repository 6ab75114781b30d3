import CanonicalChat
import PatchbayPlugin
import PatchbayWire

extension ResponsesStreamDecoder: AnswerDecoder {}
extension ResponsesStreamEncoder: AnswerEncoder {}

extension ResponsesFormat: ConversationFormat {
    static func readRequest(
        _ document: JSONNode, context: inout ConversionContext
    ) throws(ConversionError) -> CanonicalRequest {
        try ResponsesRequestReader.read(document.tree, context: &context)
    }

    static func writeRequest(
        _ request: CanonicalRequest, context: inout ConversionContext
    ) throws(ConversionError) -> [UInt8] {
        try ResponsesRequestWriter.write(request, context: &context)
    }

    static func readResponse(
        _ document: JSONNode, context: inout ConversionContext
    ) throws(ConversionError) -> CanonicalResponse {
        try ResponsesResponseReader.read(document.tree, context: context)
    }

    static func writeResponse(
        _ response: CanonicalResponse, context: inout ConversionContext
    ) throws(ConversionError) -> [UInt8] {
        ResponsesResponseWriter.write(response, context: &context)
    }

    static func tapResponse(_ body: UnsafeRawBufferPointer) throws(ConversionError) -> [AnswerEvent] {
        try ResponsesResponseTap.read(body)
    }

    static func readError(status: Int, _ body: UnsafeRawBufferPointer) -> CanonicalError {
        ResponsesErrors.read(status: status, body)
    }

    static func writeError(_ error: CanonicalError) -> (status: Int, body: [UInt8]) {
        ResponsesErrors.write(error)
    }

    static func makeDecoder(_ context: ConversionContext) -> ResponsesStreamDecoder {
        ResponsesStreamDecoder(context)
    }

    static func makeEncoder(_ context: ConversionContext) -> ResponsesStreamEncoder {
        ResponsesStreamEncoder(context)
    }

    /// A comment, which every client of the format skips.
    static var heartbeat: StaticString { ": ka\n\n" }

    /// A response repeats the settings of its request.
    static var echoesRequest: Bool { true }
}
