/// Why an exchange with an upstream failed.
package struct UpstreamError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Bounded; `rawValue` is the metric label.
    package enum Code: String, Sendable, CaseIterable {
        /// No connection could be made.
        case connect
        /// The TLS handshake failed.
        case tls
        /// The upstream closed or reset the connection before the response was complete.
        case reset
        /// No connection within the time allowed, waiting for a free one included.
        case timeoutConnect = "timeout_connect"
        /// The upstream took nothing of the request within the time allowed.
        case timeoutWrite = "timeout_write"
        /// No response head within the time allowed.
        case timeoutFirstByte = "timeout_first_byte"
        /// No byte of the body within the time allowed.
        case timeoutIdle = "timeout_idle"
        /// The response is not acceptable HTTP/1.1.
        case `protocol`
        /// The egress policy refuses every address of the host.
        case denied
        /// Every address of the host is one that this process listens at.
        case loop
        /// The host name has no address.
        case resolve
        /// Too many requests wait for a connection to this origin already.
        case exhausted
    }

    package var code: Code
    /// One sentence for people; names the origin, never a credential.
    package var sentence: String
    /// At least one byte of the response had arrived.
    package var receivedBytes: Bool

    package init(_ code: Code, _ sentence: String, receivedBytes: Bool = false) {
        self.code = code
        self.sentence = sentence
        self.receivedBytes = receivedBytes
    }

    package var description: String { sentence }
}
