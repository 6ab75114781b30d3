/// What one place of the configuration (the top level, a site, a route) says about time, size and repetition.
///
/// A part that is nil is decided by the place around it; see ``RequestPolicy``.
package struct PolicySettings: Sendable, Hashable {
    package var timeouts = TimeoutSettings()
    package var limits = LimitSettings()
    package var retry = RetrySettings()

    package init() {}

    /// Says nothing at all.
    package var isEmpty: Bool { self == PolicySettings.nothing }

    private static let nothing = PolicySettings()
}

/// Milliseconds; the meaning of each is that of ``RequestPolicy/Timeouts``.
package struct TimeoutSettings: Sendable, Hashable {
    package var connect: Int?
    package var write: Int?
    package var firstByte: Int?
    package var firstEvent: Int?
    package var idle: Int?
    package var total: Int?

    package init() {}

    func apply(to timeouts: inout RequestPolicy.Timeouts) {
        timeouts.connect = connect ?? timeouts.connect
        timeouts.write = write ?? timeouts.write
        timeouts.firstByte = firstByte ?? timeouts.firstByte
        timeouts.firstEvent = firstEvent ?? timeouts.firstEvent
        timeouts.idle = idle ?? timeouts.idle
        timeouts.total = total ?? timeouts.total
    }
}

/// Bytes, and connections; the meaning of each is that of ``RequestPolicy/Limits``.
package struct LimitSettings: Sendable, Hashable {
    package var header: Int?
    package var body: Int?
    package var connectionsPerAddress: Int?
    package var minimumRate: Int?

    package init() {}

    func apply(to limits: inout RequestPolicy.Limits) {
        limits.header = header ?? limits.header
        limits.body = body ?? limits.body
        limits.connectionsPerAddress = connectionsPerAddress ?? limits.connectionsPerAddress
        limits.minimumRate = minimumRate ?? limits.minimumRate
    }
}

/// The meaning of each is that of ``RequestPolicy/Retry``.
package struct RetrySettings: Sendable, Hashable {
    package var maxAttempts: Int?
    /// Milliseconds.
    package var backoffBase: Int?
    /// Milliseconds.
    package var backoffLimit: Int?
    /// Milliseconds.
    package var hedge: Int?
    /// 0 or 1.
    package var continueCutStreams: Int?

    package init() {}

    func apply(to retry: inout RequestPolicy.Retry) {
        retry.maxAttempts = maxAttempts ?? retry.maxAttempts
        retry.backoffBase = backoffBase ?? retry.backoffBase
        retry.backoffLimit = backoffLimit ?? retry.backoffLimit
        retry.hedge = hedge ?? retry.hedge
        if let continueCutStreams { retry.continuesCutStreams = continueCutStreams != 0 }
    }
}
