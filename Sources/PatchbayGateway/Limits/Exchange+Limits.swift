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
        let estimate = AdmissionEstimate.tokens(of: body)
        if let hit = limiter.admit(tokens: estimate, now: loop.now) { throw refusal(hit, limiter) }
        governed.estimatedTokens = estimate
    }

    /// Undoes ``admit(_:)`` for a request that was refused for another reason. Harmless when there is nothing to undo.
    func revokeAdmission() {
        guard governed.estimatedTokens >= 0 else { return }
        key?.limiter?.revoke(tokens: governed.estimatedTokens, now: loop.now)
        governed.estimatedTokens = -1
    }

    /// Ends what ``admit(_:)`` has begun: places are free again, and tokens become what was used as far as it is known.
    func endAdmission(after outcome: RequestOutcome) {
        governed.routeGate?.leave()
        governed.routeGate = nil
        guard governed.estimatedTokens >= 0 else { return }
        let isKnown = usage.input != nil || usage.output != nil
        let used = Int(clamping: (usage.input ?? 0).addingReportingOverflow(usage.output ?? 0).partialValue)
        key?.limiter?.finish(
            estimated: governed.estimatedTokens, used: isKnown ? used : outcome == .failed ? 0 : nil, now: loop.now)
        governed.estimatedTokens = -1
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

/// The tokens that are taken from a key's bucket in advance: as cheap a guess as can be, corrected by what was used.
enum AdmissionEstimate {
    private static let bytesPerToken = 4
    /// Bodies below it are text for the most part.
    private static let smallBody = 16_384
    /// A string without a space in its beginning that is longer than this is no text but an image or another file.
    private static let longWord = 4_096
    private static let tokensPerFile = 1_000

    /// A token for every four bytes, and a flat number for files inside the body.
    static func tokens(of body: ByteBuffer) -> Int {
        let size = body.readableBytes
        guard size > smallBody else { return size / bytesPerToken + 1 }
        return body.withUnsafeReadableBytes { bytes in
            let files = filesIn(bytes)
            return (size - files.bytes) / bytesPerToken + files.count * tokensPerFile + 1
        }
    }

    private static func filesIn(_ bytes: UnsafeRawBufferPointer) -> (bytes: Int, count: Int) {
        var found = (bytes: 0, count: 0)
        var start = bytes.startIndex
        while start < bytes.endIndex {
            let end = bytes[start...].firstIndex(of: UInt8(ascii: "\"")) ?? bytes.endIndex
            if end - start > longWord, !bytes[start..<start + 256].contains(UInt8(ascii: " ")) {
                found.bytes += end - start
                found.count += 1
            }
            start = end + 1
        }
        return found
    }
}
