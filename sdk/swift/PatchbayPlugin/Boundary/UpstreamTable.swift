import CPatchbay

/// The tables of `patchbay.upstream/1`, built once: with and without the promise not to look at the size of bodies.
private let upstreamTable = StaticRecord(makeUpstreamTable(flags: 0))
private let anySizeUpstreamTable = StaticRecord(makeUpstreamTable(flags: UInt64(PB_UPSTREAM_IGNORES_SIZE)))

func upstreamTable(preparesForAnySize: Bool) -> UnsafePointer<pb_upstream> {
    preparesForAnySize ? anySizeUpstreamTable.pointer : upstreamTable.pointer
}

private func makeUpstreamTable(flags: UInt64) -> pb_upstream {
    pb_upstream(
        size: UInt32(MemoryLayout<pb_upstream>.size), reserved: 0,
        prepare: { instance, attempt, builder, error in
            guard let attempt, let builder, let instance = Instance.at(instance) else { return PB_INTERNAL }
            return instance._withUnsafeGuaranteedRef { prepare($0, attempt, builder, error) }
        },
        classify: { instance, outcome, verdict, reason in
            guard let outcome, let verdict, let instance = Instance.at(instance) else { return PB_INTERNAL }
            return instance._withUnsafeGuaranteedRef { classify($0, outcome, verdict, reason) }
        }, flags: flags)
}

private func prepare(
    _ instance: Instance, _ attempt: UnsafePointer<pb_attempt>, _ builder: UnsafePointer<pb_request_builder>,
    _ error: UnsafePointer<pb_sink>?
) -> pb_status {
    guard let platform = instance.platform else { return pb_status(PB_E_UNSUPPORTED) }
    var request = RequestBuilder(builder)
    do {
        try platform.prepare(Attempt(record: attempt), into: &request)
        guard let failure = request.failure else { return PB_DONE }
        return report(failure, to: error)
    } catch let failure {
        return report(failure, to: error)
    }
}

private func classify(
    _ instance: Instance, _ outcome: UnsafePointer<pb_outcome>, _ verdict: UnsafeMutablePointer<pb_verdict>,
    _ reason: UnsafePointer<pb_sink>?
) -> pb_status {
    guard let decision = instance.platform?.classify(Outcome(record: outcome)) else {
        return pb_status(PB_E_UNSUPPORTED)
    }
    verdict.pointee.fault = decision.fault.rawValue
    verdict.pointee.retry = decision.retry.rawValue
    verdict.pointee.flags =
        (decision.disableCredential ? UInt32(PB_VERDICT_DISABLE_CREDENTIAL) : 0)
        | (decision.loginAgain ? UInt32(PB_VERDICT_LOGIN_AGAIN) : 0)
    verdict.pointee.cooldown_ms = decision.cooldown?.milliseconds ?? 0
    verdict.pointee.retry_after_ms = decision.retryAfter?.milliseconds ?? 0
    write(decision.reason, to: reason)
    return PB_DONE
}
