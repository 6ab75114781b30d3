/// Why bytes are not acceptable HTTP/1.1. The connection they came from must not be used any further.
package struct HTTPParseError: Error, Sendable, Hashable {
    /// Bounded; `rawValue` is the metric label.
    package enum Code: String, Sendable, CaseIterable {
        case badRequestLine = "bad_request_line"
        case badStatusLine = "bad_status_line"
        case invalidTarget = "invalid_target"
        case targetTooLong = "target_too_long"
        case unsupportedVersion = "unsupported_version"
        case bareLineFeed = "bare_line_feed"
        case bareCarriageReturn = "bare_carriage_return"
        case obsoleteFolding = "obsolete_folding"
        case invalidFieldName = "invalid_field_name"
        case invalidFieldValue = "invalid_field_value"
        case headTooLarge = "head_too_large"
        case tooManyFields = "too_many_fields"
        case missingHost = "missing_host"
        case duplicateHost = "duplicate_host"
        case invalidHost = "invalid_host"
        case invalidLength = "invalid_length"
        case conflictingLength = "conflicting_length"
        case lengthAndEncoding = "length_and_encoding"
        case invalidEncoding = "invalid_encoding"
        case encodingInOldVersion = "encoding_in_old_version"
        case unsupportedExpectation = "unsupported_expectation"
        case invalidChunk = "invalid_chunk"
        case chunkTooLarge = "chunk_too_large"
        case invalidTrailer = "invalid_trailer"
        case unexpectedUpgrade = "unexpected_upgrade"
    }

    package var code: Code

    package init(_ code: Code) {
        self.code = code
    }

    /// The status with which a server refuses such a request: 400, 414, 417, 431, 501 or 505.
    package var statusCode: Int {
        switch code {
        case .targetTooLong: 414
        case .unsupportedExpectation: 417
        case .headTooLarge, .tooManyFields: 431
        case .invalidEncoding: 501
        case .unsupportedVersion: 505
        default: 400
        }
    }
}

extension HTTPParseError: CustomStringConvertible {
    package var description: String { sentence }

    /// One sentence for people; contains nothing of the peer's bytes.
    package var sentence: String {
        switch code {
        case .badRequestLine: "The request line is not `METHOD SP target SP HTTP/1.1`."
        case .badStatusLine: "The status line is not `HTTP/1.1 SP three digits`."
        case .invalidTarget: "The request target is not a valid path with optional query."
        case .targetTooLong: "The request target is longer than the limit."
        case .unsupportedVersion: "Only HTTP/1.1 and HTTP/1.0 are spoken here."
        case .bareLineFeed: "A line of the head ends with LF instead of CRLF."
        case .bareCarriageReturn: "The head contains a CR that is not followed by LF."
        case .obsoleteFolding: "A field continues on a second line, which HTTP no longer allows."
        case .invalidFieldName: "A field name is empty or contains a character that is not a token character."
        case .invalidFieldValue: "A field value contains a control character."
        case .headTooLarge: "The head is larger than the limit."
        case .tooManyFields: "The head has more fields than the limit."
        case .missingHost: "An HTTP/1.1 request needs a Host field."
        case .duplicateHost: "The Host field appears more than once."
        case .invalidHost: "The Host field or the target's authority is not `host` or `host:port`."
        case .invalidLength: "Content-Length is not one decimal number."
        case .conflictingLength: "Content-Length appears more than once."
        case .lengthAndEncoding: "Content-Length and Transfer-Encoding appear together."
        case .invalidEncoding: "The only Transfer-Encoding spoken here is `chunked`, given once."
        case .encodingInOldVersion: "HTTP/1.0 has no Transfer-Encoding."
        case .unsupportedExpectation: "The only expectation supported is `100-continue`."
        case .invalidChunk: "A chunk does not follow the chunked coding."
        case .chunkTooLarge: "A chunk size or the chunk extensions exceed the limit."
        case .invalidTrailer: "The trailer section is malformed or larger than the limit."
        case .unexpectedUpgrade: "The upstream switched protocols without being asked."
        }
    }
}
