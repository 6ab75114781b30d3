import CanonicalChat
import PatchbayPlugin
import PatchbayWire

extension GeminiStreamDecoder: AnswerDecoder {}
extension GeminiStreamEncoder: AnswerEncoder {}

extension GeminiFormat: ConversationFormat {
    static func readRequest(
        _ document: JSONNode, context: inout ConversionContext
    ) throws(ConversionError) -> CanonicalRequest {
        try GeminiRequestReader.read(document.tree, context: context)
    }

    static func writeRequest(
        _ request: CanonicalRequest, context: inout ConversionContext
    ) throws(ConversionError) -> [UInt8] {
        try GeminiRequestWriter.write(request, context: &context)
    }

    static func readResponse(
        _ document: JSONNode, context: inout ConversionContext
    ) throws(ConversionError) -> CanonicalResponse {
        try GeminiResponseReader.read(document.tree, context: context)
    }

    static func writeResponse(
        _ response: CanonicalResponse, context: inout ConversionContext
    ) throws(ConversionError) -> [UInt8] {
        GeminiResponseWriter.write(response, context: &context)
    }

    static func tapResponse(_ body: UnsafeRawBufferPointer) throws(ConversionError) -> [AnswerEvent] {
        try GeminiResponseTap.read(body)
    }

    static func readError(status: Int, _ body: UnsafeRawBufferPointer) -> CanonicalError {
        GeminiErrors.read(status: status, body)
    }

    static func writeError(_ error: CanonicalError) -> (status: Int, body: [UInt8]) {
        GeminiErrors.write(error)
    }

    static func makeDecoder(_ context: ConversionContext) -> GeminiStreamDecoder {
        GeminiStreamDecoder(context)
    }

    static func makeEncoder(_ context: ConversionContext) -> GeminiStreamEncoder {
        GeminiStreamEncoder(context)
    }

    /// A blank line: the official client fails on comments and on events without data.
    static var heartbeat: StaticString { "\r\n" }
}
