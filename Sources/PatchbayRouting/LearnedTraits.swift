package import PatchbayCore

/// What upstreams have shown of themselves in their answers, and that is worth knowing before the next request: by
/// channel and model, for a while.
package struct LearnedTraits: Sendable {
    struct Key: Sendable, Hashable {
        /// Id of the channel.
        var channel: String
        var model: String
    }

    struct Entry: Sendable, Hashable {
        var streaming: ConversionSetting.Streaming
        var until: Int64
    }

    /// Half an hour, in nanoseconds.
    package static let memory: Int64 = 1_800_000_000_000
    static let limit = 4096

    private var entries: [Key: Entry] = [:]

    package init() {}

    /// Nothing has been learned; what is checked for every request when that is so.
    package var isEmpty: Bool { entries.isEmpty }

    /// How the channel answers for the model; nil = nothing is known, or no more.
    package func streaming(_ channel: String, model: String, now: Int64) -> ConversionSetting.Streaming? {
        guard let entry = entries[Key(channel: channel, model: model)], entry.until > now else { return nil }
        return entry.streaming
    }

    /// How long what is known of a channel and model holds yet, in nanoseconds.
    func rest(_ channel: String, model: String, now: Int64) -> Int64? {
        guard let entry = entries[Key(channel: channel, model: model)], entry.until > now else { return nil }
        return entry.until &- now
    }

    package mutating func learn(
        _ streaming: ConversionSetting.Streaming, channel: String, model: String, now: Int64
    ) {
        if entries.count >= Self.limit { entries = entries.filter { $0.value.until > now } }
        guard entries.count < Self.limit else { return }
        entries[Key(channel: channel, model: model)] = Entry(streaming: streaming, until: now &+ Self.memory)
    }

    /// Forgets the channels that `isKnown` does not know.
    mutating func keep(_ isKnown: (String) -> Bool) {
        guard !entries.isEmpty else { return }
        entries = entries.filter { isKnown($0.key.channel) }
    }

    mutating func merge(_ other: LearnedTraits) {
        entries.merge(other.entries) { $0.until >= $1.until ? $0 : $1 }
    }
}

extension HealthTable {
    package func learn(
        _ streaming: ConversionSetting.Streaming, channel: Int32, model: String, of origin: RoutingTable, now: Int64
    ) {
        learned.learn(streaming, channel: origin.channels[Int(channel)].id, model: model, now: now)
    }
}
