/// A whole number or a truth value that people may set in several places: its name, its unit, its bounds and where it
/// is kept.
///
/// The configuration file, the admin API and the store read and write settings through these lists, so that a setting
/// is described once.
package struct SettingMember<Settings>: Sendable {
    package enum Unit: Sendable {
        /// Milliseconds; written `5s` in the file.
        case duration
        /// Bytes; written `64KiB` in the file.
        case size
        case count
        /// 0 or 1; written `true` in the file and in the admin API.
        case truth
    }

    /// Mappings that it is inside of, outermost first.
    package let section: [String]
    package let name: String
    package let unit: Unit
    package let range: ClosedRange<Int>
    /// One sentence for people.
    package let note: String
    package let path: any WritableKeyPath<Settings, Int?> & Sendable

    init(
        _ section: [String] = [], _ name: String, _ unit: Unit, _ range: ClosedRange<Int>? = nil,
        _ path: any WritableKeyPath<Settings, Int?> & Sendable, _ note: String
    ) {
        self.section = section
        self.name = name
        self.unit = unit
        self.range = range ?? SettingMember.durations
        self.note = note
        self.path = path
    }

    /// Section and name joined by dots.
    package var id: String { (section + [name]).joined(separator: ".") }

    /// Milliseconds from one to a day.
    package static var durations: ClosedRange<Int> { 1...86_400_000 }
}

extension PolicySettings {
    package static let members: [SettingMember<PolicySettings>] = [
        .init(["timeouts"], "connect", .duration, nil, \.timeouts.connect, "Connecting to an upstream, TLS included."),
        .init(
            ["timeouts"], "write", .duration, nil, \.timeouts.write,
            "Each pause in which an upstream takes nothing of the request."),
        .init(
            ["timeouts"], "first_byte", .duration, nil, \.timeouts.firstByte,
            "From the end of the request to the head of the answer."),
        .init(
            ["timeouts"], "first_event", .duration, nil, \.timeouts.firstEvent,
            "From the head of a streamed answer to its first content."),
        .init(["timeouts"], "idle", .duration, nil, \.timeouts.idle, "Each pause in an answer."),
        .init(["timeouts"], "total", .duration, nil, \.timeouts.total, "The request with all its attempts."),
        .init(["limits"], "header", .size, 1_024...1_048_576, \.limits.header, "Size of a request's head."),
        .init(["limits"], "body", .size, 1_024...2_147_483_647, \.limits.body, "Size of a request's body."),
        .init(
            ["limits"], "connections_per_address", .count, 1...1_000_000, \.limits.connectionsPerAddress,
            "Open connections of one client address."),
        .init(
            ["limits"], "minimum_rate", .size, 0...1_073_741_824, \.limits.minimumRate,
            "What a client has to take or send each second while it is waited for; 0 = anything."),
        .init(["retry"], "max_attempts", .count, 1...16, \.retry.maxAttempts, "Upstream calls for one request."),
        .init(
            ["retry", "backoff"], "base", .duration, nil, \.retry.backoffBase,
            "Before a party that has failed is asked again; doubles each time."),
        .init(
            ["retry", "backoff"], "max", .duration, nil, \.retry.backoffLimit,
            "The longest wait for a second chance of the same party."),
        .init(
            ["retry"], "hedge", .duration, 0...86_400_000, \.retry.hedge,
            "Without content of a streamed answer for so long, a second channel is asked at the same time; 0 = never."),
        .init(
            ["retry"], "continue_cut_streams", .truth, 0...1, \.retry.continueCutStreams,
            "A stream that breaks after text has been delivered is continued by another attempt where that is sound."),
    ]
}

extension ConcurrencySettings {
    package static let members: [SettingMember<ConcurrencySettings>] = [
        .init(
            [], "max_concurrency", .count, 1...1_000_000, \.maxConcurrency, "Attempts or requests under way at once."),
        .init(["queue"], "length", .count, 0...1_000_000, \.queueLength, "Requests that may wait for their turn."),
        .init(["queue"], "timeout", .duration, nil, \.queueTimeout, "How long a request waits at most."),
    ]
}

extension PoolSettings {
    package static let members: [SettingMember<PoolSettings>] = [
        .init(["pool"], "size", .count, 1...100_000, \.size, "Open connections; more requests wait for one."),
        .init(["pool"], "idle", .count, 0...100_000, \.idle, "Unused connections that each event loop keeps."),
        .init(["pool"], "idle_time", .duration, nil, \.idleTime, "How long an unused connection is kept."),
        .init(["pool"], "max_age", .duration, nil, \.maxAge, "After so long a connection takes no further request."),
    ]
}

extension KeyLimits {
    package static let members: [SettingMember<KeyLimits>] = [
        .init(["limits"], "rpm", .count, 1...1_000_000_000, \.requestsPerMinute, "Requests per minute."),
        .init(["limits"], "tpm", .count, 1...1_000_000_000, \.tokensPerMinute, "Tokens per minute."),
        .init(["limits"], "concurrency", .count, 1...1_000_000, \.concurrency, "Requests under way at once."),
    ]
}
