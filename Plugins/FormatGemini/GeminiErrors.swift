import CanonicalChat
import PatchbayPlugin
import PatchbayWire

/// Error answers of the Gemini format.
enum GeminiErrors {
    /// An error answer of any shape → canonical error. Some surfaces wrap the document into an array.
    static func read(status: Int?, _ body: UnsafeRawBufferPointer) -> CanonicalError {
        guard let document = try? JSONValue(parsing: body) else {
            return CanonicalError(format: GeminiFormat.id, status: status, body: ErrorBody(body))
        }
        return read(status: status, document)
    }

    static func read(status: Int?, _ document: JSONValue) -> CanonicalError {
        let root = document.arrayValue?.first ?? document
        var error = CanonicalError(format: GeminiFormat.id, status: status, body: ErrorBody(root))
        // An error inside a stream has its status in the document.
        if status == nil, let code = root["error"]?["code"]?.protobufInt, code >= 400 {
            error = CanonicalError(format: GeminiFormat.id, status: code, body: ErrorBody(root))
            error.upstreamStatus = nil
        }
        var isDaily = false
        for detail in root["error"]?["details"]?.arrayValue ?? [] {
            if let reason = detail["reason"]?.stringValue {
                error.code = reason
                if reason == "API_KEY_INVALID" || reason == "API_KEY_EXPIRED" { error.category = .authentication }
            }
            if let delay = detail["retryDelay"]?.stringValue {
                error.retryAfterMilliseconds = milliseconds(delay) ?? error.retryAfterMilliseconds
            }
            for violation in detail["violations"]?.arrayValue ?? [] {
                isDaily = isDaily || violation["quotaId"]?.stringValue?.range(of: "PerDay") != nil
            }
        }
        // The sentence about the quota comes with every limit, also with those of a minute.
        if error.category == .quota, !isDaily, error.retryAfterMilliseconds != nil { error.category = .rateLimit }
        return error
    }

    /// A duration of protobuf JSON, such as `13s` or `1.5s`.
    static func milliseconds(_ duration: String) -> Int? {
        guard duration.hasSuffix("s"), let seconds = Double(duration.dropLast()), seconds >= 0, seconds < 1_000_000
        else { return nil }
        return Int(seconds * 1000)
    }

    /// Canonical error → HTTP status and body.
    static func write(_ error: CanonicalError) -> (status: Int, body: [UInt8]) {
        var writer = JSONWriter()
        writeDocument(error, into: &writer)
        return (error.category.row.openAIStatus, writer.bytes)
    }

    /// The document of an answer and of a frame alike; `error` comes first, because clients look there.
    static func writeDocument(_ error: CanonicalError, into writer: inout JSONWriter) {
        let isOwn = error.upstreamFormat == GeminiFormat.id
        let word = isOwn ? error.type ?? error.category.geminiStatus : error.category.geminiStatus
        writer.beginObject()
        writer.key("error")
        writer.beginObject()
        writer.member("code", error.category.row.openAIStatus)
        writer.member("message", error.message)
        writer.member("status", word)
        if let wait = error.retryAfterMilliseconds {
            let seconds = (wait + 999) / 1000
            writer.member(
                "details",
                [["@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": .string("\(seconds)s")]])
        }
        writer.endObject()
        writer.endObject()
    }
}

extension ErrorCategory {
    /// The `status` of an error document.
    var geminiStatus: String {
        switch self {
        case .invalidRequest, .unsupportedConversion, .contextLength, .contentPolicy, .invalidReasoningState, .tooLarge:
            "INVALID_ARGUMENT"
        case .authentication: "UNAUTHENTICATED"
        case .quota, .rateLimit: "RESOURCE_EXHAUSTED"
        case .permission: "PERMISSION_DENIED"
        case .notFound: "NOT_FOUND"
        case .conflict: "ABORTED"
        case .overloaded, .truncated, .noRoute: "UNAVAILABLE"
        case .timeout: "DEADLINE_EXCEEDED"
        case .cancelled: "CANCELLED"
        case .upstreamInvalid, .server: "INTERNAL"
        }
    }
}
