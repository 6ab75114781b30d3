import NIOCore
import PatchbayCore
import PatchbayRouting
import PatchbayTelemetry
import PatchbayWire

/// What keys and groups may use.
extension Exchange {
    /// Refuses, before the body is read, what would be refused after it.
    func checkBeforeBody() throws(GatewayError) {
        governed.hops = try connection.headBytes.withUnsafeReadableBytes { bytes throws(GatewayError) in
            try Hops.check(connection.head.fields, bytes, limit: loop.maxHops)
        }
        if let limiter = key?.limiter, let hit = limiter.obstacle(now: startedAt) { throw refusal(hit, limiter) }
    }

    /// Takes the request out of the limits of its key and group.
    func admit(_ key: GatewayKey) throws(GatewayError) {
        guard let limiter = key.limiter else { return }
        let reserved = limiter.countsTokens ? reservation : TokenReservation()
        if let hit = limiter.admit(tokens: reserved.total, now: loop.now) { throw refusal(hit, limiter) }
        governed.reserved = reserved
    }

    private var reservation: TokenReservation {
        // The size of a recording or a picture in a form says nothing of tokens.
        guard fields.form == nil else { return TokenReservation(prompt: TokenEstimate.attachment) }
        return TokenEstimate.reservation(body, fields)
    }

    /// Undoes ``admit(_:)`` for a request that was refused for another reason. Harmless when there is nothing to undo.
    func revokeAdmission() {
        guard let reserved = governed.reserved else { return }
        key?.limiter?.revoke(tokens: reserved.total, now: loop.now)
        governed.reserved = nil
    }

    /// Ends what ``admit(_:)`` has begun: places are free again, and tokens become what was used as far as it is known.
    /// Where it is not, the prompt is taken to have been read and nothing to have been written.
    func endAdmission(after outcome: RequestOutcome) {
        governed.routeGate?.leave()
        governed.routeGate = nil
        guard let reserved = governed.reserved else { return }
        let isKnown = usage.input != nil || usage.output != nil
        let used = Int(clamping: (usage.input ?? 0).addingReportingOverflow(usage.output ?? 0).partialValue)
        key?.limiter?.finish(
            estimated: reserved.total, used: isKnown ? used : outcome == .failed ? 0 : reserved.prompt, now: loop.now)
        governed.reserved = nil
    }

    private func refusal(_ hit: LimitHit, _ limiter: KeyLimiter) -> GatewayError {
        loop.metrics.limits.hit(scope: hit.kind.rawValue, limit: hit.limit.rawValue)
        let seconds = Int((hit.wait + 999_999_999) / 1_000_000_000)
        var error = GatewayError(
            .rateLimited,
            "the \(hit.kind.rawValue) \"\(hit.name)\" has reached its limit of \(hit.value) \(hit.limit.phrase); "
                + "try again in \(seconds) s", status: 429, retryAfter: seconds)
        error.fields = RateLimitHeaders.all(limiter, now: loop.now)
        return error
    }

    /// The state of the key's limits in the headers that clients of the dialect know.
    @inline(__always)
    func writeRateLimits(into buffer: inout ByteBuffer) {
        guard let limiter = key?.limiter else { return }
        RateLimitHeaders.write(limiter, dialect: dialect, now: loop.now, into: &buffer)
    }

    /// Why a candidate cannot take a request of this kind; nil = it can.
    func misfit() -> GatewayError? {
        let limits = governed.policy.limits
        if body.readableBytes > limits.body {
            return GatewayError(
                .tooLarge, "the request body has \(body.readableBytes) bytes; the limit is \(limits.body)", status: 413)
        }
        if connection.headBytes.readableBytes > limits.header {
            return GatewayError(
                .tooLarge, "the head of the request is larger than the limit of \(limits.header) bytes", status: 431)
        }
        if connection.exceeds(limits.connectionsPerAddress) {
            return tooManyConnections(limits.connectionsPerAddress)
        }
        return nil
    }

    private func tooManyConnections(_ limit: Int) -> GatewayError {
        loop.metrics.limits.hit(scope: "address", limit: "connections")
        return GatewayError.tooManyConnections(limit)
    }
}

extension GatewayError {
    static func tooManyConnections(_ limit: Int) -> GatewayError {
        GatewayError(
            .rateLimited, "this address has more than \(limit) connections open; use fewer or close some", status: 429,
            retryAfter: 1)
    }
}
