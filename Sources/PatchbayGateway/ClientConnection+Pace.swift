import Logging
import NIOCore
import PatchbayCore
import PatchbayTelemetry

/// Clients that are slow to take an answer or to send a body.
///
/// One that takes or sends nothing at all for a while is dropped by the deadline of the connection. One that goes on is
/// slow, not gone: it gets more time, as long as it keeps up the minimum rate. Only what it leaves lying is measured;
/// nobody is slow because an upstream is.
extension ClientConnection {
    /// Bytes of answers that the client has not taken.
    var queuedBytes: Int {
        (try? context?.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
    }

    /// Called with every tick.
    ///
    /// - Returns: Whether the client is too slow; then it has been dropped.
    func noteProgress(now: Int64) -> Bool {
        switch phase {
        case .body, .chunkedBody: return noteReceived(now: now)
        case .answering, .head, .lingering: return noteTaken(now: now)
        case .discarding, .closed: return false
        }
    }

    private func noteTaken(now: Int64) -> Bool {
        let queued = queuedBytes
        let taken = pace.queued + pace.handedOver - queued
        if queued < pace.queued {
            deadline =
                phase == .lingering && queued == 0
                ? now + ClientConnection.lingerTime : max(deadline, now + loop.timeouts.clientWrite.milliseconds)
        }
        pace.queued = queued
        pace.handedOver = 0
        guard queued > 0 else {
            pace.watch.rest()
            return false
        }
        let rate = exchange.governed.policy.limits.minimumRate
        let window = loop.timeouts.clientWrite.milliseconds
        guard pace.watch.isTooSlow(moving: max(0, taken), now: now, window: window, rate: rate) else { return false }
        noteTooSlow(rate, "answer")
        context?.close(promise: nil)
        return true
    }

    private func noteReceived(now: Int64) -> Bool {
        let rate = loop.snapshot.policies.global.limits.minimumRate
        let received = receivedBytes
        let isTooSlow = pace.watch.isTooSlow(
            moving: max(0, received - pace.received), now: now, window: loop.timeouts.clientRead.milliseconds,
            rate: rate)
        pace.received = received
        guard isTooSlow else { return false }
        noteTooSlow(rate, "body")
        refuse(
            GatewayError(
                .requestTimeout, "the request body came more slowly than \(rate) bytes per second", status: 408))
        return true
    }

    private func noteTooSlow(_ rate: Int, _ what: String) {
        loop.metrics.limits.hit(scope: "client", limit: "minimum_rate")
        loop.logger.info("client too slow", metadata: ["rate": "\(rate)", "waited_for": "\(what)"])
    }
}

/// What a connection knows of its client's pace.
struct ClientPace {
    /// What was queued for the client at the last tick.
    var queued = 0
    /// What was added to that since then.
    var handedOver = 0
    /// What of the body had come at the last tick.
    var received = 0
    var watch = RateWatch()
}
