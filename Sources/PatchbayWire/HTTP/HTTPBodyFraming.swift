/// How the end of a message body is found.
package enum HTTPBodyFraming: Sendable, Hashable {
    /// No body follows the head.
    case none
    /// Exactly so many bytes follow; may be zero.
    case length(Int)
    /// The chunked coding follows; see ``HTTPChunkedDecoder``.
    case chunked
    /// The body ends with the connection. Responses only.
    case untilClose
}
