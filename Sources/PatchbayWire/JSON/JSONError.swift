/// Why bytes were refused as JSON, or why a patch could not be applied.
package struct JSONError: Error, Sendable, Hashable {
    /// The bounded set of reasons; the raw value is fit for a metric label.
    package enum Code: String, Sendable, CaseIterable {
        case empty
        case unexpectedEnd = "unexpected_end"
        case unexpectedByte = "unexpected_byte"
        case invalidLiteral = "invalid_literal"
        case invalidNumber = "invalid_number"
        case invalidEscape = "invalid_escape"
        case controlCharacter = "control_character"
        case tooDeep = "too_deep"
        case tooLarge = "too_large"
        case tooManyTokens = "too_many_tokens"
        case trailingBytes = "trailing_bytes"
        case notAnObject = "not_an_object"
        case invalidPatch = "invalid_patch"
    }

    package var code: Code
    /// Bytes before the offending one, counted from the start of the document.
    package var offset: Int

    package init(_ code: Code, at offset: Int) {
        self.code = code
        self.offset = offset
    }

    /// One sentence for people.
    package var message: String {
        switch code {
        case .empty: "The document is empty; a JSON value is required."
        case .unexpectedEnd: "The JSON document ends in the middle of a value, at byte \(offset)."
        case .unexpectedByte: "The byte at offset \(offset) cannot stand there in a JSON document."
        case .invalidLiteral: "The word at byte \(offset) is not true, false or null."
        case .invalidNumber: "The number at byte \(offset) is not written as JSON requires."
        case .invalidEscape: "The string escape at byte \(offset) is not one that JSON knows."
        case .controlCharacter: "The string holds an unescaped control character at byte \(offset)."
        case .tooDeep: "The JSON document nests deeper than allowed, at byte \(offset)."
        case .tooLarge: "The JSON document is longer than 2 GiB."
        case .tooManyTokens: "The JSON document has more values than allowed."
        case .trailingBytes: "The JSON document is followed by other text at byte \(offset)."
        case .notAnObject: "The value at byte \(offset) has to be a JSON object."
        case .invalidPatch: "The patch is not a member path of one or two names with a JSON value."
        }
    }
}

extension JSONError: CustomStringConvertible {
    package var description: String { message }
}
