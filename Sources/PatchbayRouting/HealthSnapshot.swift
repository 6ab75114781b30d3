import PatchbayCore

/// A copy of what one or several event loops know of the channels, by id.
package struct HealthSnapshot: Sendable {
    var sites: [String: HealthCell] = [:]
    var credentials: [String: HealthCell] = [:]
    var channels: [String: HealthCell] = [:]
    var endpoints: [Endpoint: HealthCell] = [:]
    var counters: [String: ChannelCounters] = [:]
    var learned = LearnedTraits()

    struct Endpoint: Sendable, Hashable {
        var channel: String
        var format: WireFormat
        var model = ""
    }

    /// Knows nothing.
    package init() {}

    /// Both together: the longer rest of each party, the sums of the counters.
    package func merging(_ other: HealthSnapshot) -> HealthSnapshot {
        var result = self
        result.sites.merge(other.sites, uniquingKeysWith: Self.longer)
        result.credentials.merge(other.credentials, uniquingKeysWith: Self.longer)
        result.channels.merge(other.channels, uniquingKeysWith: Self.longer)
        result.endpoints.merge(other.endpoints, uniquingKeysWith: Self.longer)
        result.counters.merge(other.counters) { left, right in
            ChannelCounters(
                attempts: left.attempts &+ right.attempts, failures: left.failures &+ right.failures,
                inFlight: left.inFlight + right.inFlight)
        }
        result.learned.merge(other.learned)
        return result
    }

    private static func longer(_ left: HealthCell, _ right: HealthCell) -> HealthCell {
        left.until >= right.until ? left : right
    }
}

/// What has happened to a channel since the process started.
package struct ChannelCounters: Sendable, Hashable {
    package var attempts: UInt64 = 0
    package var failures: UInt64 = 0
    package var inFlight: Int = 0

    package init(attempts: UInt64 = 0, failures: UInt64 = 0, inFlight: Int = 0) {
        self.attempts = attempts
        self.failures = failures
        self.inFlight = inFlight
    }
}
