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
        let row = error.category.row
        let isOwn = error.upstreamFormat == ResponsesFormat.id
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("error")
        writer.beginObject()
        writer.member("message", message(error))
        writer.member("type", isOwn ? error.type ?? row.openAIType : row.openAIType)
        writer.key("param")
        if let param = error.param { writer.string(param) } else { writer.null() }
        writer.key("code")
        if let code = (isOwn ? error.code : nil) ?? row.openAICode { writer.string(code) } else { writer.null() }
        writer.endObject()
        writer.endObject()
        return (row.openAIStatus, writer.bytes)
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

    static func message(_ error: CanonicalError) -> String {
        guard error.category == .contextLength, error.message.range(of: "maximum context length") == nil else {
            return error.message
        }
        return ContextLengthMessage(error.message).openAI ?? error.message
    }
}
