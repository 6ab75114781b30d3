/// Why an event stream cannot be read on.
package struct SSEError: Error, Sendable, Hashable {
    /// The bounded set of reasons; the raw value is fit for a metric label.
    package enum Code: String, Sendable, CaseIterable {
        case frameTooLarge = "frame_too_large"
    }

    package var code: Code
    /// The bound that was exceeded, in bytes.
    package var limit: Int

    package init(_ code: Code, limit: Int) {
        self.code = code
        self.limit = limit
    }

    /// One sentence for people.
    package var message: String {
        "One event of the stream is longer than the allowed \(limit) bytes."
    }
}

extension SSEError: CustomStringConvertible {
    package var description: String { message }
}
