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
        if let known = knownWords, known.key === key, known.model == fields.model {
            ledgerPlace = id.withBytes { loop.ledger.begin(id: $0, time: startedAtUnix, words: known.words) }
            return
        }
        ledgerPlace = .unknown
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
        if case .none = fault, reason.isEmpty, attempts.isEmpty {
            isPlainSuccess = true
        } else {
            attempts.append(attemptRecord(fault: fault, reason: reason))
        }
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
        if let continuation { usage = usage.adding(continuation.usage) }
        endAdmission(after: outcome)
        let now = loop.now
        let numbers = RequestNumbers(
            time: startedAtUnix, cost: attempt.slot?.price?.cost(of: usage) ?? .zero,
            latencyMilliseconds: Int((now - startedAt) / 1_000_000),
            firstTokenMilliseconds: firstTokenAt.map { Int(($0 - startedAt) / 1_000_000) }, status: status,
            outcome: outcome, usage: usage, stream: fields.stream)
        if let words = plainWords(of: key, status: status, errorCode: errorCode) {
            let milliseconds = Int((now - attempt.startedAt) / 1_000_000)
            id.withBytes {
                loop.ledger.finish(
                    id: $0, numbers, attemptMilliseconds: milliseconds, words: words, place: ledgerPlace)
            }
        } else {
            notePlainSuccess()
            loop.ledger.finish(record(of: key, numbers, errorCode: errorCode), place: ledgerPlace)
        }
        loop.metrics.requestFinished(
            attempt.slot?.series ?? loop.metrics.series(model: routeName, site: ""), outcome: outcome, usage: usage,
            cost: numbers.cost, duration: now - startedAt, firstToken: firstTokenAt.map { $0 - startedAt })
    }

    private func record(of key: GatewayKey, _ numbers: RequestNumbers, errorCode: String) -> RequestRecord {
        var record = RequestRecord(id: requestID, time: numbers.time, key: key.key.name, model: fields.model)
        record.site = attempt.upstream?.site.name ?? ""
        record.account = attempt.upstream?.accountID ?? ""
        record.upstreamModel = attempt.upstreamModel
        record.status = numbers.status
        record.outcome = numbers.outcome
        record.attempts = attempts
        record.usage = numbers.usage
        record.cost = numbers.cost
        record.latencyMilliseconds = numbers.latencyMilliseconds
        record.firstTokenMilliseconds = numbers.firstTokenMilliseconds
        record.stream = numbers.stream
        record.clientFormat = endpoint?.format?.rawValue ?? ""
        record.upstreamFormat = attempt.format.rawValue
        record.errorCode = errorCode
        record.warnings = warnings + (continuation?.warnings ?? [])
        return record
    }
}

// MARK: - Plain successes

/// The words of a request's records, and what they are made of.
final class KnownWords {
    let key: GatewayKey
    let model: String
    let slot: CandidateSlot
    let clientFormat: FormatBinding
    let upstreamFormat: FormatBinding
    let words: LedgerWords

    init(
        key: GatewayKey, model: String, slot: CandidateSlot, clientFormat: FormatBinding, upstreamFormat: FormatBinding,
        words: LedgerWords
    ) {
        self.key = key
        self.model = model
        self.slot = slot
        self.clientFormat = clientFormat
        self.upstreamFormat = upstreamFormat
        self.words = words
    }
}

extension Exchange {
    /// Nearly every request goes well at the first attempt and loses nothing in a conversion. What is said of it is
    /// what was said of the one before, but for the numbers; then no record is made of it. Nil for all others.
    private func plainWords(of key: GatewayKey, status: Int, errorCode: String) -> LedgerWords? {
        guard isPlainSuccess, attempts.isEmpty, errorCode.isEmpty, losses?.losses.isEmpty ?? true,
            status == attempt.status, let slot = attempt.slot, let clientFormat = binding,
            let upstreamFormat = attempt.binding
        else { return nil }
        if let known = knownWords, known.key === key, known.slot === slot, known.clientFormat === clientFormat,
            known.upstreamFormat === upstreamFormat, known.model == fields.model
        {
            return known.words
        }
        notePlainSuccess()
        let numbers = RequestNumbers(
            time: 0, cost: .zero, latencyMilliseconds: 0, firstTokenMilliseconds: nil, status: status,
            outcome: .completed, usage: TokenUsage(), stream: false)
        guard let words = LedgerWords(record(of: key, numbers, errorCode: errorCode)) else { return nil }
        knownWords = KnownWords(
            key: key, model: fields.model, slot: slot, clientFormat: clientFormat, upstreamFormat: upstreamFormat,
            words: words)
        return words
    }

    /// Makes up for the record of the attempt that was left out.
    private func notePlainSuccess() {
        guard isPlainSuccess else { return }
        isPlainSuccess = false
        attempts.insert(attemptRecord(fault: .none, reason: ""), at: 0)
    }
}
