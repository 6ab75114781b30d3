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
///
/// An object of its own, because it is large and hardly any exchange has one.
final class RivalAttempt {
    let attempt: AttemptState
    let upstream: UpstreamExchange?
    let candidate: Int32
    let holdsPlaces: Bool
    let policy: RequestPolicy
    let losses: LossLedger?

    init(
        attempt: AttemptState, upstream: UpstreamExchange?, candidate: Int32, holdsPlaces: Bool, policy: RequestPolicy,
        losses: LossLedger?
    ) {
        self.attempt = attempt
        self.upstream = upstream
        self.candidate = candidate
        self.holdsPlaces = holdsPlaces
        self.policy = policy
        self.losses = losses
    }
}
