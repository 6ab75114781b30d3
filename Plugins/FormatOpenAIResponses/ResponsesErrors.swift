import CanonicalChat
import PatchbayPlugin
import PatchbayWire

/// Errors of the Responses format, as answers and in streams.
enum ResponsesErrors {
    /// An error answer of any shape → canonical error.
    static func read(status: Int, _ body: UnsafeRawBufferPointer) -> CanonicalError {
        CanonicalError(format: ResponsesFormat.id, status: status, body: ErrorBody(body))
    }

    /// The error of an `error` event, or of a response that failed.
    static func read(_ document: JSONValue) -> CanonicalError {
        var error = CanonicalError(format: ResponsesFormat.id, status: nil, body: ErrorBody(document))
        // The type of the event says nothing about the error.
        if error.type == "error" { error.type = nil }
        return error
    }

    /// Canonical error → HTTP status and body.
    static func write(_ error: CanonicalError) -> (status: Int, body: [UInt8]) {
        OpenAIErrorObject.answer(error, format: ResponsesFormat.id)
    }

    /// The code of an error inside a stream. Agents act on these words: they shorten the conversation, wait, or stop.
    static func streamCode(_ error: CanonicalError) -> String {
        switch error.category {
        case .contextLength: "context_length_exceeded"
        case .quota: "insufficient_quota"
        case .rateLimit: "rate_limit_exceeded"
        case .overloaded: "server_is_overloaded"
        case .invalidRequest, .unsupportedConversion, .contentPolicy: "invalid_prompt"
        case .invalidReasoningState: "invalid_encrypted_content"
        default: "server_error"
        }
    }
}
