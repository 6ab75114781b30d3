package import NIOCore

/// One complete request as it goes over the wire: with Host, with Content-Length where there is a body, without
/// `Connection: close`.
package struct UpstreamRequest {
    /// The head, and the body behind it if that is short.
    package private(set) var head: ByteBuffer
    /// The body where it is not part of `head`; sent without being copied.
    package private(set) var body: ByteBuffer?
    /// What follows `body`, where it comes in pieces.
    package private(set) var rest: [ByteBuffer]
    /// The method is HEAD.
    package let isHead: Bool
    private var isForgotten = false

    package init(head: ByteBuffer, body: ByteBuffer? = nil, rest: [ByteBuffer] = [], isHead: Bool = false) {
        self.head = head
        self.body = body
        self.rest = rest
        self.isHead = isHead
    }

    /// Lets go of the bytes: they will not be sent again.
    ///
    /// - Returns: the memory of the head, the first time.
    mutating func forget() -> ByteBuffer? {
        guard !isForgotten else { return nil }
        isForgotten = true
        var spare = ByteBuffer()
        swap(&spare, &head)
        if body != nil {
            body = nil
            rest = []
        }
        return spare
    }
}
