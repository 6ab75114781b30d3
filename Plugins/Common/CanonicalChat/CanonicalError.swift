package import PatchbayPlugin
package import PatchbayWire

/// A failure in the shared model, whatever the wire format called it.
package struct CanonicalError: Sendable, Hashable, Error {
    package var category: ErrorCategory
    package var message: String
    /// Code and type as the upstream wrote them.
    package var code: String?
    package var type: String?
    /// The field of the request that is to blame, as the upstream wrote it.
    package var param: String?
    package var retryAfterMilliseconds: Int?
    /// The format and HTTP status of the upstream's answer; nil if it never answered.
    package var upstreamFormat: String?
    package var upstreamStatus: Int?
    package var requestID: String?

    package init(_ category: ErrorCategory, message: String) {
        self.category = category
        self.message = message
    }
}

/// A document could not be converted. The sentence names the field and the rule.
package struct ConversionError: Error, Sendable, Hashable {
    package enum Code: String, Sendable, Hashable {
        /// The document is malformed.
        case invalid
        /// The other format has no way to say it.
        case unsupported
    }

    package var code: Code
    package var sentence: String

    package init(_ code: Code, _ sentence: String) {
        self.code = code
        self.sentence = sentence
    }

    package static func invalid(_ sentence: String) -> ConversionError {
        ConversionError(.invalid, sentence)
    }
}

extension CanonicalError {
    /// Writes the canonical document.
    package func write(into writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("canon", 1)
        writer.member("category", category.word)
        writer.member("message", message)
        writer.member("http", category.row.openAIStatus)
        writer.member("code", ifPresent: code)
        writer.member("type", ifPresent: type)
        writer.member("param", ifPresent: param)
        writer.member("retry_after_ms", ifPresent: retryAfterMilliseconds)
        writer.member("retryable", category.row.retryable)
        writer.member("scope", category.row.scope)
        if upstreamFormat != nil || upstreamStatus != nil {
            writer.key("upstream")
            writer.beginObject()
            writer.member("format", ifPresent: upstreamFormat)
            writer.member("http", ifPresent: upstreamStatus)
            writer.member("request_id", ifPresent: requestID)
            writer.endObject()
        }
        writer.endObject()
    }

    /// Reads a canonical document; members it does not know are skipped.
    package init(canonical document: JSONValue) throws(ConversionError) {
        guard let word = document["category"]?.stringValue else {
            throw .invalid("canonical error: `category` must be a string")
        }
        self.init(ErrorCategory(word: word), message: document["message"]?.stringValue ?? "")
        code = document["code"]?.stringValue
        type = document["type"]?.stringValue
        param = document["param"]?.stringValue
        retryAfterMilliseconds = document["retry_after_ms"]?.intValue
        upstreamFormat = document["upstream"]?["format"]?.stringValue
        upstreamStatus = document["upstream"]?["http"]?.intValue
        requestID = document["upstream"]?["request_id"]?.stringValue
    }
}
