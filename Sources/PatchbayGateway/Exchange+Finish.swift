import PatchbayCore
import PatchbayHost
import PatchbayRouting
import PatchbayStore
import PatchbayTelemetry

/// The ledger and the books.
extension Exchange {
    /// Written before the first upstream is called: from here on the request cannot be forgotten.
    func beginLedgerEntry(key: GatewayKey) {
        hasLedgerEntry = true
        loop.ledger.begin(id: requestID, time: startedAtUnix, key: key.key.name, model: fields.model)
    }

    /// Ends the attempt in progress in the books. Called exactly once for each attempt that was sent.
    func finishAttempt(fault: Fault, reason: String) {
        guard attempt.isOpen else { return }
        attempt.isOpen = false
        leavePlaces()
        // An attempt that was called off has a reason, and has shown nothing.
        if fault == .none, reason.isEmpty, !unsupported.isEmpty { confirmFallback() }
        loop.health.attemptEnded(attempt.channel, of: snapshot.table)
        attempts.append(attemptRecord(fault: fault, reason: reason))
        if let slot = attempt.slot { loop.metrics.attemptFinished(slot.series, fault: fault) }
    }

    func attemptRecord(fault: Fault, reason: String) -> AttemptRecord {
        AttemptRecord(
            site: attempt.upstream?.site.name ?? "", account: attempt.upstream?.accountID ?? "",
            upstreamModel: attempt.upstreamModel, status: attempt.status, fault: fault.name, reason: reason,
            milliseconds: Int((loop.now - attempt.startedAt) / 1_000_000))
    }

    /// Writes the one record of the request. After it the request may be forgotten.
    func settle(outcome: RequestOutcome, status: Int, errorCode: String) {
        cancelRival()
        guard hasLedgerEntry, let key else { return }
        hasLedgerEntry = false
        if usage.input == nil || usage.output == nil { estimateMissingUsage(outcome) }
        endAdmission(after: outcome)
        var record = RequestRecord(id: requestID, time: startedAtUnix, key: key.key.name, model: fields.model)
        record.site = attempt.upstream?.site.name ?? ""
        record.account = attempt.upstream?.accountID ?? ""
        record.upstreamModel = attempt.upstreamModel
        record.status = status
        record.outcome = outcome
        record.attempts = attempts
        record.usage = usage
        record.cost = attempt.slot?.price?.cost(of: usage) ?? .zero
        let now = loop.now
        record.latencyMilliseconds = Int((now - startedAt) / 1_000_000)
        record.firstTokenMilliseconds = firstTokenAt.map { Int(($0 - startedAt) / 1_000_000) }
        record.stream = fields.stream
        record.clientFormat = endpoint?.format?.rawValue ?? ""
        record.upstreamFormat = attempt.format.rawValue
        record.errorCode = errorCode
        record.warnings = warnings
        loop.ledger.finish(record)
        loop.metrics.requestFinished(
            attempt.slot?.series ?? loop.metrics.series(model: routeName, site: ""), outcome: outcome, usage: usage,
            cost: record.cost, duration: now - startedAt, firstToken: firstTokenAt.map { $0 - startedAt })
    }
}
