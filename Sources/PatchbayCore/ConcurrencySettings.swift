/// How many attempts a site takes at once, and how requests wait for their turn.
///
/// At the top level it is the default of every site; a part that is nil is decided by the place around it.
package struct ConcurrencySettings: Sendable, Hashable {
    /// Attempts under way, over all event loops; nil = as many as there are.
    package var maxConcurrency: Int?
    /// Requests that may wait; 0 = none waits.
    package var queueLength: Int?
    /// Milliseconds that a request waits at most.
    package var queueTimeout: Int?

    package init(maxConcurrency: Int? = nil, queueLength: Int? = nil, queueTimeout: Int? = nil) {
        self.maxConcurrency = maxConcurrency
        self.queueLength = queueLength
        self.queueTimeout = queueTimeout
    }

    /// The same with everything that a nearer place says.
    package func overlaid(by nearer: ConcurrencySettings) -> ConcurrencySettings {
        ConcurrencySettings(
            maxConcurrency: nearer.maxConcurrency ?? maxConcurrency, queueLength: nearer.queueLength ?? queueLength,
            queueTimeout: nearer.queueTimeout ?? queueTimeout)
    }

    /// Says nothing at all.
    package var isEmpty: Bool { maxConcurrency == nil && queueLength == nil && queueTimeout == nil }

    package static let standardLength = 128
    package static let standardTimeout = 10_000
}

/// The connections that are kept to an upstream. A part that is nil is decided by the place around it.
package struct PoolSettings: Sendable, Hashable {
    /// Open connections of the process; more requests wait for one. Nil everywhere = as many as there are requests.
    package var size: Int?
    /// Unused connections of each event loop.
    package var idle: Int?
    /// Milliseconds that an unused connection is kept.
    package var idleTime: Int?
    /// Milliseconds after which a connection is not used for another request.
    package var maxAge: Int?

    package init(size: Int? = nil, idle: Int? = nil, idleTime: Int? = nil, maxAge: Int? = nil) {
        self.size = size
        self.idle = idle
        self.idleTime = idleTime
        self.maxAge = maxAge
    }

    /// The same with everything that a nearer place says.
    package func overlaid(by nearer: PoolSettings) -> PoolSettings {
        PoolSettings(
            size: nearer.size ?? size, idle: nearer.idle ?? idle, idleTime: nearer.idleTime ?? idleTime,
            maxAge: nearer.maxAge ?? maxAge)
    }

    package var isEmpty: Bool { size == nil && idle == nil && idleTime == nil && maxAge == nil }
}
