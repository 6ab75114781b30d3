import CanonicalChat
import PatchbayPlugin
import PatchbayWire

/// Facts of the legacy Completions format that readers and writers share (formats.md section 2.5).
enum CompletionsFormat {
    static let id = "openai.completions"
    /// What the API generates when a request names no limit.
    static let defaultLimit = 16

    static func finish(_ word: String) -> CanonicalFinish {
        switch word {
        case "length": CanonicalFinish(.length, native: word)
        case "content_filter": CanonicalFinish(.contentFilter, native: word)
        default: CanonicalFinish(.stop, native: word)
        }
    }

    /// The `finish_reason` for a finish; never a word outside of the format.
    static func word(_ reason: FinishReason) -> StaticString {
        switch reason {
        case .length, .contextWindow, .compaction, .toolCalls: "length"
        case .contentFilter, .refusal: "content_filter"
        default: "stop"
        }
    }

    static func answerID(_ id: String, requestID: String) -> String {
        if id.hasPrefix("cmpl-") { return id }
        return "cmpl-" + (requestID.isEmpty ? StableHash.digits(id) : requestID)
    }
}

extension CompletionsStreamDecoder: AnswerDecoder {}
extension CompletionsStreamEncoder: AnswerEncoder {}

extension CompletionsFormat: ConversationFormat {
    static func readRequest(
        _ document: JSONNode, context: inout ConversionContext
    ) throws(ConversionError) -> CanonicalRequest {
        try CompletionsRequestReader.read(document.tree, context: context)
    }

    static func writeRequest(
        _ request: CanonicalRequest, context: inout ConversionContext
    ) throws(ConversionError) -> [UInt8] {
        try CompletionsRequestWriter.write(request, context: &context)
    }

    static func readResponse(
        _ document: JSONNode, context: inout ConversionContext
    ) throws(ConversionError) -> CanonicalResponse {
        try CompletionsResponse.read(document.tree)
    }

    static func writeResponse(
        _ response: CanonicalResponse, context: inout ConversionContext
    ) throws(ConversionError) -> [UInt8] {
        CompletionsResponse.write(response, context: &context)
    }

    static func tapResponse(_ body: UnsafeRawBufferPointer) throws(ConversionError) -> [AnswerEvent] {
        try CompletionsResponse.tap(body)
    }

    static func readError(status: Int, _ body: UnsafeRawBufferPointer) -> CanonicalError {
        CanonicalError(format: id, status: status, body: ErrorBody(body))
    }

    static func writeError(_ error: CanonicalError) -> (status: Int, body: [UInt8]) {
        OpenAIErrorObject.answer(error, format: id)
    }

    static func makeDecoder(_ context: ConversionContext) -> CompletionsStreamDecoder {
        CompletionsStreamDecoder(context)
    }

    static func makeEncoder(_ context: ConversionContext) -> CompletionsStreamEncoder {
        CompletionsStreamEncoder(context)
    }

    /// A comment, which every client of the format skips.
    static var heartbeat: StaticString { ": ka\n\n" }
}
