import NIOCore
import PatchbayCore
import PatchbayHost
import PatchbayUpstream
import PatchbayWire

/// Takes the response of one of two attempts that may be under way for a request at the same time, and brings its
/// attempt to the front before the exchange hears of it. For the event loop of the exchange only.
final class HedgeLeg: UpstreamResponseReceiver {
    /// The exchange cancels both attempts before it ends.
    private unowned let exchange: Exchange

    init(_ exchange: Exchange) {
        self.exchange = exchange
    }

    func upstreamDidReceiveHead(_ head: borrowing HTTPResponseHead, bytes: UnsafeRawBufferPointer) {
        exchange.bringForward(self)
        exchange.upstreamDidReceiveHead(head, bytes: bytes)
    }

    func upstreamDidReceiveBody(_ bytes: ByteBuffer) {
        exchange.bringForward(self)
        exchange.upstreamDidReceiveBody(bytes)
    }

    func upstreamDidCompleteRead() {
        exchange.upstreamDidCompleteRead()
    }

    func upstreamDidEnd() {
        exchange.bringForward(self)
        exchange.upstreamDidEnd()
    }

    func upstreamDidFail(_ error: UpstreamError) {
        exchange.bringForward(self)
        exchange.upstreamDidFail(error)
    }
}

/// The one of two attempts that is not at the front: everything of an exchange that belongs to an attempt.
struct RivalAttempt {
    var attempt: AttemptState
    var upstream: UpstreamExchange?
    var candidate: Int32
    var holdsPlaces: Bool
    var policy: RequestPolicy
    var losses: LossLedger?
}
