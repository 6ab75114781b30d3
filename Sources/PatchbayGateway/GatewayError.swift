import PatchbayCore
import PatchbayWire

/// An error that the gateway itself answers, before or instead of an upstream.
///
/// The code is a bounded word, also used in metrics and the ledger. The sentence is for people and names the field and
/// the rule where a field is at fault.
struct GatewayError: Error {
    enum Code: String, Sendable {
        case invalidRequest = "invalid_request"
        case invalidKey = "invalid_api_key"
        case modelNotAllowed = "model_not_allowed"
        case modelNotFound = "model_not_found"
        case notFound = "not_found"
        case previousResponseNotFound = "previous_response_not_found"
        case methodNotAllowed = "method_not_allowed"
        case tooLarge = "request_too_large"
        case unsupportedConversion = "unsupported_conversion"
        case rateLimited = "rate_limit_exceeded"
        case quotaExhausted = "insufficient_quota"
        case queueFull = "queue_full"
        case loopDetected = "loop_detected"
        case noChannel = "no_available_channel"
        case overloaded = "upstream_overloaded"
        case upstreamFailed = "upstream_failed"
        case upstreamAuthentication = "upstream_authentication"
        case upstreamInvalid = "upstream_invalid_response"
        case upstreamTimeout = "upstream_timeout"
        case streamTruncated = "stream_truncated"
        case notImplemented = "not_implemented"
        case requestTimeout = "request_timeout"
        case shuttingDown = "shutting_down"
        case storeUnavailable = "store_unavailable"
        case fileLimitReached = "file_limit_reached"
    }

    var code: Code
    var status: Int
    var sentence: String
    /// The offending member of the request body.
    var parameter: String?
    /// Seconds for `Retry-After`.
    var retryAfter: Int?
    /// The methods that the path takes, for `Allow` of a 405.
    var allow: String?
    /// Further header lines of the answer, each with its line break.
    var fields: [UInt8] = []

    init(_ code: Code, _ sentence: String, status: Int, parameter: String? = nil, retryAfter: Int? = nil) {
        self.code = code
        self.status = status
        self.sentence = sentence
        self.parameter = parameter
        self.retryAfter = retryAfter
    }

    /// The path exists, but not for the method of the request.
    static func method(allowed: String) -> GatewayError {
        var error = GatewayError(.methodNotAllowed, "this path takes \(allowed) only", status: 405)
        error.allow = allowed == "GET" ? "GET, HEAD" : allowed
        return error
    }

    static func invalid(_ sentence: String, parameter: String? = nil) -> GatewayError {
        GatewayError(.invalidRequest, sentence, status: 400, parameter: parameter)
    }
}

extension GatewayError {
    /// The `type` of an OpenAI error object (formats.md section 7.3).
    private var openAIType: String {
        switch code {
        case .invalidKey, .invalidRequest, .modelNotAllowed, .modelNotFound, .notFound, .methodNotAllowed, .tooLarge,
            .unsupportedConversion, .requestTimeout, .previousResponseNotFound, .fileLimitReached:
            "invalid_request_error"
        case .rateLimited, .queueFull: "rate_limit_error"
        case .quotaExhausted: "insufficient_quota"
        default: "server_error"
        }
    }

    /// The `type` of an Anthropic error object.
    private var anthropicType: String {
        switch code {
        case .invalidKey: "authentication_error"
        case .modelNotAllowed, .fileLimitReached: "permission_error"
        case .modelNotFound, .notFound, .methodNotAllowed: "not_found_error"
        case .tooLarge: "request_too_large"
        case .rateLimited, .queueFull: "rate_limit_error"
        case .quotaExhausted: "billing_error"
        case .noChannel, .overloaded, .shuttingDown, .storeUnavailable: "overloaded_error"
        case .upstreamTimeout, .requestTimeout: "timeout_error"
        case .invalidRequest, .unsupportedConversion, .previousResponseNotFound: "invalid_request_error"
        default: "api_error"
        }
    }

    /// The `status` of a Gemini error object.
    private var geminiStatus: String {
        switch code {
        case .invalidKey: "UNAUTHENTICATED"
        case .modelNotAllowed: "PERMISSION_DENIED"
        case .modelNotFound, .notFound, .methodNotAllowed: "NOT_FOUND"
        case .rateLimited, .queueFull, .quotaExhausted, .fileLimitReached: "RESOURCE_EXHAUSTED"
        case .noChannel, .overloaded, .shuttingDown, .storeUnavailable, .streamTruncated: "UNAVAILABLE"
        case .upstreamTimeout, .requestTimeout: "DEADLINE_EXCEEDED"
        case .invalidRequest, .unsupportedConversion, .tooLarge, .previousResponseNotFound: "INVALID_ARGUMENT"
        case .notImplemented: "UNIMPLEMENTED"
        case .upstreamFailed, .upstreamAuthentication, .upstreamInvalid, .loopDetected: "INTERNAL"
        }
    }

    /// The error document of a dialect.
    func body(_ dialect: Dialect, requestID: String) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        switch dialect {
        case .openAI:
            writer.key("error")
            writer.beginObject()
            writer.key("message")
            writer.string(sentence)
            writer.key("type")
            writer.string(openAIType)
            writer.key("param")
            if let parameter { writer.string(parameter) } else { writer.null() }
            writer.key("code")
            writer.string(code.rawValue)
            writer.endObject()
        case .anthropic:
            writer.key("type")
            writer.string("error")
            writer.key("error")
            writer.beginObject()
            writer.key("type")
            writer.string(anthropicType)
            writer.key("message")
            writer.string(sentence)
            writer.endObject()
            writer.key("request_id")
            writer.string(requestID)
        case .gemini:
            writer.key("error")
            writer.beginObject()
            writer.key("code")
            writer.number(status)
            writer.key("message")
            writer.string(sentence)
            writer.key("status")
            writer.string(geminiStatus)
            writer.endObject()
        }
        writer.endObject()
        return writer.bytes
    }

    /// The frame that ends a stream which has begun, in the dialect's own form: after it comes no terminator, so that
    /// no client takes a broken answer for a complete one (formats.md section 1.4).
    func streamFrame(_ dialect: Dialect, requestID: String) -> [UInt8] {
        var frame = Array(dialect == .anthropic ? "event: error\ndata: ".utf8 : "data: ".utf8)
        frame += body(dialect, requestID: requestID)
        frame += "\n\n".utf8
        return frame
    }
}
