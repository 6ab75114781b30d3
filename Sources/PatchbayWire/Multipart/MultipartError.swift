/// Why a body of `multipart/form-data` cannot be read.
package struct MultipartError: Error, Sendable, Hashable {
    /// The bounded set of reasons; the raw value is fit for a metric label.
    package enum Code: String, Sendable, CaseIterable {
        case badBoundary = "bad_boundary"
        case preambleTooLong = "preamble_too_long"
        case badDelimiter = "bad_delimiter"
        case badHeader = "bad_header"
        case headerTooLong = "header_too_long"
        case tooManyHeaders = "too_many_headers"
        case tooManyParts = "too_many_parts"
        case missingName = "missing_name"
        case truncated = "truncated"
    }

    package var code: Code
    /// Where it was noticed, in bytes from the start of the body.
    package var offset: Int

    package init(_ code: Code, offset: Int) {
        self.code = code
        self.offset = offset
    }

    /// The rule that was broken, in words that complete a sentence.
    package var message: String {
        switch code {
        case .badBoundary: "its content type has no usable boundary (RFC 2046 section 5.1.1)"
        case .preambleTooLong: "the boundary of its content type does not begin it"
        case .badDelimiter: "a boundary line holds more than the boundary"
        case .badHeader: "a header line of a part is malformed"
        case .headerTooLong: "the headers of a part are too long"
        case .tooManyHeaders: "a part has too many headers"
        case .tooManyParts: "it has too many parts"
        case .missingName: "a part has no name in its Content-Disposition (RFC 7578 section 4.2)"
        case .truncated: "it ends before its closing boundary"
        }
    }
}

extension MultipartError: CustomStringConvertible {
    package var description: String { "\(message) (at byte \(offset))" }
}
