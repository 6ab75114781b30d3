/// How much time, size and repetition a request may take: what the places of the configuration say, worked out.
///
/// A value without references: one is kept for each pair of route and site that differs from the others.
package struct RequestPolicy: Sendable, Hashable {
    /// Milliseconds.
    package struct Timeouts: Sendable, Hashable {
        /// Connecting to an upstream: waiting for a free connection, name, TCP and TLS.
        package var connect = 5_000
        /// Each pause in which an upstream takes nothing of the request.
        package var write = 30_000
        /// From the end of the request to the head of the answer.
        package var firstByte = 60_000
        /// From the head of a streamed answer to its first event with content.
        package var firstEvent = 60_000
        /// Each pause in an answer.
        package var idle = 60_000
        /// The request with all its attempts.
        package var total = 600_000

        package init() {}
    }

    /// Bytes, connections, and bytes per second.
    package struct Limits: Sendable, Hashable {
        package var header = 65_536
        package var body = 33_554_432
        package var connectionsPerAddress = 1_024
        /// Bytes per second that a client has to take of an answer, and send of a body, while it is the one who is
        /// waited for; 0 = any.
        package var minimumRate = 64

        package init() {}
    }

    package struct Retry: Sendable, Hashable {
        /// Upstream calls for one request, the first one included.
        package var maxAttempts = 4
        /// Milliseconds before a party that has failed is asked again; doubles each time.
        package var backoffBase = 200
        /// Milliseconds; nobody waits longer for a second chance of the same party.
        package var backoffLimit = 5_000
        /// Milliseconds without content of a streamed answer after which a second channel is asked at the same time;
        /// 0 = never.
        package var hedge = 0
        /// A stream that breaks after text has been delivered is continued by another attempt where that is sound.
        package var continuesCutStreams = false

        package init() {}
    }

    package var timeouts = Timeouts()
    package var limits = Limits()
    package var retry = Retry()

    package init() {}

    /// The same with everything that a nearer place says.
    package func overlaid(by settings: PolicySettings) -> RequestPolicy {
        var policy = self
        settings.timeouts.apply(to: &policy.timeouts)
        settings.limits.apply(to: &policy.limits)
        settings.retry.apply(to: &policy.retry)
        return policy
    }
}
