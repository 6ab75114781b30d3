package import PatchbayCore

/// The health of one party: a site, the owner of a credential, a channel, or a format of a channel.
struct HealthCell: Sendable {
    /// Rests until then, in monotonic nanoseconds; `.max` = until its credential is renewed.
    var until: Int64 = 0
    var lastFailure: Int64 = 0
    /// Failures in a row as far as the length of the next rest is concerned; halved by each success.
    var level: UInt8 = 0
    var fault = Fault.none
    var reason = ""

    static let shortestRest: Int64 = 1_000_000_000
    static let longestBackoff: Int64 = 60_000_000_000
    static let longestRetryAfter: Int64 = 600_000_000_000
    /// An endpoint that a site does not have is tried again after this.
    static let endpointMemory: Int64 = 1_800_000_000_000
    static let longestCooldown: Int64 = 86_400_000_000_000
    /// Failures longer ago than this say nothing about the next one.
    static let memory: Int64 = 600_000_000_000

    var isBlank: Bool { level == 0 && until == 0 }

    func isCooling(_ now: Int64) -> Bool { until > now }

    mutating func recordSuccess() { level >>= 1 }

    /// Rests for what the verdict says, else for what the upstream asked for, else for a time that doubles with every
    /// failure. Failures of requests that were under way when the rest began do not lengthen it.
    mutating func recordFailure(_ failure: AttemptFailure, now: Int64) {
        if now &- lastFailure > Self.memory { level = 0 }
        let end = failure.disablesCredential ? .max : now &+ rest(for: failure)
        if !isCooling(now) { level = min(level + 1, 32) }
        lastFailure = now
        guard end > until else { return }
        until = end
        fault = failure.fault
        reason = failure.reason
    }

    private func rest(for failure: AttemptFailure) -> Int64 {
        if failure.cooldownMilliseconds > 0 {
            return min(Self.nanoseconds(failure.cooldownMilliseconds), Self.longestCooldown)
        }
        if failure.retryAfterMilliseconds > 0 {
            let asked = Self.nanoseconds(failure.retryAfterMilliseconds)
            return max(Self.shortestRest, min(asked, Self.longestRetryAfter))
        }
        return min(Self.shortestRest << Int64(min(level, 6)), Self.longestBackoff)
    }

    private static func nanoseconds(_ milliseconds: UInt64) -> Int64 {
        Int64(clamping: min(milliseconds, UInt64(Int64.max / 1_000_000)) * 1_000_000)
    }
}

/// How an attempt failed, as far as health is concerned.
package struct AttemptFailure: Sendable, Hashable {
    package var fault: Fault
    /// Nothing answered: refused, unresolvable, no TLS, timed out while connecting.
    package var connectLevel: Bool
    /// How long the party at fault should rest; 0 = not said.
    package var cooldownMilliseconds: UInt64
    /// What the upstream asked for; 0 = nothing.
    package var retryAfterMilliseconds: UInt64
    /// The credential is not to be used until it has been renewed.
    package var disablesCredential: Bool
    /// The wire format of the attempt; needed for a fault of the endpoint.
    package var format: WireFormat?
    /// The name of the model that was sent; needed for a fault of the endpoint.
    package var model: String
    /// One short sentence; may be empty.
    package var reason: String

    package init(
        fault: Fault, connectLevel: Bool = false, cooldownMilliseconds: UInt64 = 0, retryAfterMilliseconds: UInt64 = 0,
        disablesCredential: Bool = false, format: WireFormat? = nil, model: String = "",
        reason: String = ""
    ) {
        self.fault = fault
        self.connectLevel = connectLevel
        self.cooldownMilliseconds = cooldownMilliseconds
        self.retryAfterMilliseconds = retryAfterMilliseconds
        self.disablesCredential = disablesCredential
        self.format = format
        self.model = model
        self.reason = reason
    }
}

/// Who pays for a failure.
package enum PartyAtFault: String, Sendable, CaseIterable {
    case nobody
    /// The token, or the account where it has none.
    case credential
    case channel
    case site
    /// One wire format of a channel.
    case endpoint

    /// The attribution table: only the party at fault is penalised.
    ///
    /// - Parameter sendsClientModel: The channel sends whatever name the client asked for. A model that is unknown
    ///   there is the client's choice and must not close the channel to others.
    package init(of failure: AttemptFailure, sendsClientModel: Bool) {
        switch failure.fault {
        case .none, .client: self = .nobody
        case .model: self = sendsClientModel ? .nobody : .channel
        case .credential, .quota, .rate: self = .credential
        case .overload, .site, .network, .challenge: self = failure.connectLevel ? .site : .channel
        case .endpoint: self = .endpoint
        }
    }
}
