import NIOCore
import PatchbayCore
import PatchbayHost
import PatchbayTelemetry

/// Hedging: when the first content of a streamed answer is long in coming, a second channel is asked beside the first.
/// The first of them that has content wins and the other one is cancelled; while both are silent, one may fail without
/// harm.
///
/// One attempt is always at the front, in `attempt` and `upstream`; the other one stands in `rival`. Whoever hears from
/// an upstream brings its attempt to the front first, so that nothing else has to know that there are two.
extension Exchange {
    /// Looks whether it is time for a second attempt. Called every quarter of a second.
    func hedgeIfDue(now: Int64) {
        let after = governed.policy.retry.hedge
        guard after > 0, state == .waiting, fields.stream, rival == nil, upstream != nil, attempt.leg != nil,
            governed.waiting == nil, governed.hops == 0, now - attempt.startedAt >= after.milliseconds,
            attempts.count + 1 < governed.policy.retry.maxAttempts
        else { return }
        let first = takeFront()
        guard let slot = uncrowdedTurn() else { return putInFront(first) }
        guard begin(slot) else { return putInFront(first) }
        rival = first
        loop.metrics.limits.hedged(site: slot.upstream.site.name)
    }

    /// Called before anything that one of two attempts has to say.
    func bringForward(_ leg: HedgeLeg) {
        guard attempt.leg !== leg else { return }
        exchangeFront()
    }

    /// The attempt at the front has content, or the request has ended: the other one is not needed.
    func cancelRival() {
        guard rival != nil else { return }
        exchangeFront()
        dropUpstream()
        finishAttempt(fault: .none, reason: "not needed: another channel was faster")
        guard let winner = rival else { return }
        rival = nil
        putInFront(winner)
    }

    /// The attempt at the front has failed: the other one goes on alone. False if there is none.
    func continueWithRival() -> Bool {
        guard let other = rival else { return false }
        rival = nil
        putInFront(other)
        return true
    }

    /// Lets `work` look at the attempt that is not at the front, if there is one.
    ///
    /// - Parameter work: Returns whether it has ended that attempt.
    func withRival(_ work: () -> Bool) -> Bool {
        guard rival != nil else { return false }
        exchangeFront()
        if work() { return true }
        exchangeFront()
        return false
    }

    // MARK: - The front

    private func exchangeFront() {
        guard let other = rival else { return }
        rival = takeFront()
        putInFront(other)
    }

    private func takeFront() -> RivalAttempt {
        let front = RivalAttempt(
            attempt: attempt, upstream: upstream, candidate: governed.candidate, holdsPlaces: governed.holdsPlaces,
            policy: governed.policy, losses: losses)
        attempt = AttemptState()
        upstream = nil
        governed.holdsPlaces = false
        return front
    }

    private func putInFront(_ other: RivalAttempt) {
        attempt = other.attempt
        upstream = other.upstream
        governed.candidate = other.candidate
        governed.holdsPlaces = other.holdsPlaces
        governed.policy = other.policy
        losses = other.losses
    }
}
