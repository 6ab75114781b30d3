import PatchbayCore

/// Changes of the configuration between two steps of a request.
extension Exchange {
    /// Takes over the configuration in force and forgets what was remembered of the one before: a key found there may
    /// have been revoked, and its permissions count the routes of another table. False if nothing has changed.
    @discardableResult
    func adoptSnapshot() -> Bool {
        guard snapshot !== loop.snapshot else { return false }
        snapshot = loop.snapshot
        knownKey = nil
        knownWords = nil
        knownBinding = nil
        knownSerial = -1
        knownHead = nil
        return true
    }

    /// The configuration may have changed while the body was on its way. The health of the loop knows the new table
    /// only, and who was let in under the old configuration has to be let in under the new one as well.
    func adoptSnapshotWithBody() throws(GatewayError) {
        guard adoptSnapshot(), let endpoint, endpoint.needsKey else { return }
        key = try authenticate()
    }
}
