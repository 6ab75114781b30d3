import NIOCore
import PatchbayCore

/// Channels that stand in for one that failed.
extension Exchange {
    /// Whether a channel that stands in for another refused the request because of what the channel itself cannot do,
    /// such as go on from an assistant's prefill.
    ///
    /// The channel that was meant might have taken the request, so the refusal is not the client's mistake: the next
    /// channel is asked, and if none is left the client is told why the first one failed. What any channel would
    /// refuse (a prompt that is too long, a forbidden text, a wrong value) stays the client's. A channel that is the
    /// first to be asked is believed in any case: one mistake of a client costs one call.
    func isStandInUnable(_ cause: AttemptFailureCause) -> Bool {
        let (site, account, model) = (
            attempt.upstream?.site.name ?? "", attempt.upstream?.accountID ?? "", attempt.upstreamModel
        )
        // What the same channel has refused before in another format makes it no one else.
        let someoneElseFailed = attempts.dropLast().contains { attempt in
            attempt.fault != Fault.client.name
                && !(attempt.site == site && attempt.account == account && attempt.upstreamModel == model)
        }
        guard state == .waiting, lastError != nil, someoneElseFailed else { return false }
        var words = cause.sentence.lowercased()
        if case .answer = cause {
            words = String(decoding: attempt.collected.readableBytesView.prefix(4096), as: UTF8.self).lowercased()
        }
        return Exchange.inabilities.contains { words.contains($0) }
    }

    /// How upstreams say that a model or a deployment lacks an ability.
    private static let inabilities = [
        "prefill", "does not support", "doesn't support", "not supported", "unsupported",
        "must end with a user message",
    ]
}
