import PatchbayCore
import Synchronization

/// The limits of one key or group with what has been used of them.
final class LimitScope: Sendable {
    /// Whose limits they are: a bounded word, also for metrics.
    enum Kind: String, Sendable {
        case key
        case group
    }

    let kind: Kind
    let name: String
    let limits: KeyLimits
    let cell: LimitCell

    init(kind: Kind, name: String, limits: KeyLimits, cell: LimitCell) {
        self.kind = kind
        self.name = name
        self.limits = limits
        self.cell = cell
    }
}

/// A limit that a request has run into.
struct LimitHit {
    /// A bounded word, also for metrics.
    enum Limit: String, Sendable, CaseIterable {
        case requests
        case tokens
        case concurrency
    }

    var limit: Limit
    var kind: LimitScope.Kind
    var name: String
    var value: Int
    /// Nanoseconds until another try may succeed.
    var wait: Int64
}

/// Admits the requests of one key: its own limits and those of its group. Any loop, no lock.
final class KeyLimiter: Sendable {
    let own: LimitScope?
    let group: LimitScope?
    /// One of the limits is of tokens.
    let countsTokens: Bool

    /// How long a client that has too many requests under way is asked to wait.
    static let concurrencyWait: Int64 = 1_000_000_000

    init?(own: LimitScope?, group: LimitScope?) {
        guard own != nil || group != nil else { return nil }
        self.own = own
        self.group = group
        countsTokens = own?.limits.tokensPerMinute != nil || group?.limits.tokensPerMinute != nil
    }

    /// Takes a place, a request and the estimated tokens; nothing is taken if one of them is not there.
    func admit(tokens: Int, now: Int64) -> LimitHit? {
        if let own, let hit = own.admit(tokens: tokens, now: now) { return hit }
        if let group, let hit = group.admit(tokens: tokens, now: now) {
            own?.revoke(tokens: tokens, now: now)
            return hit
        }
        return nil
    }

    /// Ends an admitted request: the place is free again, and the tokens become what was really used.
    ///
    func finish(estimated: Int, used: Int, now: Int64) {
        own?.finish(estimated: estimated, used: used, now: now)
        group?.finish(estimated: estimated, used: used, now: now)
    }

    /// Undoes ``admit(tokens:now:)``.
    func revoke(tokens: Int, now: Int64) {
        own?.revoke(tokens: tokens, now: now)
        group?.revoke(tokens: tokens, now: now)
    }

    /// A limit that would refuse a request now, whatever it holds; nothing is taken.
    func obstacle(now: Int64) -> LimitHit? {
        own?.obstacle(now: now) ?? group?.obstacle(now: now)
    }
}

extension LimitScope {
    func admit(tokens: Int, now: Int64) -> LimitHit? {
        if let limit = limits.concurrency {
            let count = cell.inFlight.wrappingAdd(1, ordering: .relaxed).newValue
            if count > limit {
                cell.inFlight.wrappingSubtract(1, ordering: .relaxed)
                return hit(.concurrency, limit, KeyLimiter.concurrencyWait)
            }
        }
        if let limit = limits.requestsPerMinute {
            let wait = cell.requests.take(1, of: limit, now: now)
            if wait > 0 {
                release()
                return hit(.requests, limit, wait)
            }
        }
        guard let limit = limits.tokensPerMinute else { return nil }
        let wait = cell.tokens.take(tokens, of: limit, now: now)
        guard wait > 0 else { return nil }
        if let limit = limits.requestsPerMinute { cell.requests.correct(by: -1, of: limit, now: now) }
        release()
        return hit(.tokens, limit, wait)
    }

    /// Undoes ``admit(tokens:now:)``.
    func revoke(tokens: Int, now: Int64) {
        if let limit = limits.requestsPerMinute { cell.requests.correct(by: -1, of: limit, now: now) }
        finish(estimated: tokens, used: 0, now: now)
    }

    func finish(estimated: Int, used: Int, now: Int64) {
        release()
        guard let limit = limits.tokensPerMinute else { return }
        // More than the bucket holds was not taken from it.
        cell.tokens.correct(by: used - min(estimated, limit), of: limit, now: now)
    }

    private func release() {
        if limits.concurrency != nil { cell.inFlight.wrappingSubtract(1, ordering: .relaxed) }
    }

    func obstacle(now: Int64) -> LimitHit? {
        if let limit = limits.concurrency, cell.inFlight.load(ordering: .relaxed) >= limit {
            return hit(.concurrency, limit, KeyLimiter.concurrencyWait)
        }
        if let limit = limits.requestsPerMinute {
            let wait = cell.requests.wait(for: 1, of: limit, now: now)
            if wait > 0 { return hit(.requests, limit, wait) }
        }
        if let limit = limits.tokensPerMinute {
            let wait = cell.tokens.wait(for: 1, of: limit, now: now)
            if wait > 0 { return hit(.tokens, limit, wait) }
        }
        return nil
    }

    private func hit(_ limit: LimitHit.Limit, _ value: Int, _ wait: Int64) -> LimitHit {
        LimitHit(limit: limit, kind: kind, name: name, value: value, wait: wait)
    }
}
