package import NIOCore
package import PatchbayWire

/// Takes one response. Called on the event loop only, never from inside the pool's `send`.
///
/// Order: at most one head, then bodies, then exactly one of end and failure; nothing after that or after
/// ``UpstreamExchange/cancel()``. The exchange holds the receiver until then.
package protocol UpstreamResponseReceiver: AnyObject {
    /// The final response head; 1xx heads are skipped. The spans of `head` are into `bytes`; both are valid during the
    /// call only.
    func upstreamDidReceiveHead(_ head: borrowing HTTPResponseHead, bytes: UnsafeRawBufferPointer)
    /// A piece of the body without its transfer coding, never empty: a slice of what was read.
    func upstreamDidReceiveBody(_ bytes: ByteBuffer)
    /// A burst of reads that delivered a head or body pieces is over and the response is not: the time to flush.
    func upstreamDidCompleteRead()
    func upstreamDidEnd()
    func upstreamDidFail(_ error: UpstreamError)
}

extension UpstreamResponseReceiver {
    package func upstreamDidCompleteRead() {}
}
