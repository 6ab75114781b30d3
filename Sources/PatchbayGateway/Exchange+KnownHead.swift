import PatchbayWire

/// Requests of a connection whose heads say the same. What was worked out from one holds for the next as long as the
/// configuration is the same.
extension Exchange {
    /// Takes over what the head before led to, without looking at this one. False if it has to be looked at.
    func recallsHead() -> Bool {
        guard knownSerial == connection.headSerial, knownHops < loop.maxHops, let knownKey else { return false }
        // Who has reached a limit is refused with what belongs to that.
        if let limiter = knownKey.limiter, limiter.obstacle(now: startedAt) != nil { return false }
        key = knownKey
        governed.hops = knownHops
        state = .receiving
        return true
    }

    /// Notes that the head at hand was accepted, with a key from one of its fields.
    func rememberHead() {
        knownSerial = -1
        guard let key, key === knownKey, endpoint?.format != nil, !isHead else { return }
        // What is known of another endpoint is not known of this one.
        if knownBinding?.endpoint != endpoint { knownBinding = nil }
        knownSerial = connection.headSerial
        knownHops = governed.hops
    }
}
