/// A request head: spans into the bytes it was parsed from. Reuse one value for many heads, so that the fields' storage
/// is allocated once.
package struct HTTPRequestHead: Sendable {
    package var method: HTTPMethod = .other
    package var methodSpan = ByteSpan.empty
    /// The request-target as it was sent.
    package var target = ByteSpan.empty
    /// The path, starting with `/`; of an absolute-form target only its path; `*` for `OPTIONS *`.
    package var path = ByteSpan.empty
    /// What follows the first `?`; nil if there is none.
    package var query: ByteSpan?
    /// 0 or 1.
    package var minorVersion: UInt8 = 1
    package var fields = ContiguousArray<HTTPField>()
    /// `none`, `length` or `chunked`.
    package var framing = HTTPBodyFraming.none
    /// Whether the client expects the connection to stay open: HTTP/1.1 without `close`, HTTP/1.0 with `keep-alive`
    /// (which the answer then has to repeat).
    package var keepAlive = false
    /// The client waits for `100 Continue` before it sends its body.
    package var expectsContinue = false

    package init() {}
}
