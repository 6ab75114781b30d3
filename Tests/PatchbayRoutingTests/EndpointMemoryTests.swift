import PatchbayCore
import Testing

@testable import PatchbayRouting

@Suite struct EndpointMemoryTests {
    private static let minute: Int64 = 60_000_000_000
    private let both: [WireFormat] = [.openAIChat, .anthropicMessages]

    private func unsupported(_ model: String) -> AttemptFailure {
        AttemptFailure(fault: .endpoint, format: .openAIChat, model: model, reason: "404")
    }

    @Test func aConfirmedFallbackIsRememberedForHalfAnHour() {
        let table = Make.table([Make.site("s", [Make.account("a", ["m"])], formats: both)])
        let health = HealthTable(table: table)
        let messages = table.formatSet([.anthropicMessages])
        health.recordFailure(unsupported("m"), channel: 0, of: table, now: 0)
        #expect(health.usableFormats(0, model: "m", of: health.table, now: 1) == messages)
        #expect(health.usableFormats(0, model: "m", of: health.table, now: Self.minute) == table.formatSet(both))
        health.confirmUnsupported(.openAIChat, model: "m", channel: 0, of: table, now: 1)
        #expect(health.usableFormats(0, model: "m", of: health.table, now: 29 * Self.minute) == messages)
        #expect(health.usableFormats(0, model: "m", of: health.table, now: 31 * Self.minute) == table.formatSet(both))
        let explained = health.restingEndpoints(0, model: "m", now: 1)
        #expect(explained == [ExplainedEndpoint(format: .openAIChat, milliseconds: 1_800_000, reason: "404")])
    }

    @Test func withoutAFailureNothingIsConfirmed() {
        let table = Make.table([Make.site("s", [Make.account("a", ["m"])], formats: both)])
        let health = HealthTable(table: table)
        health.confirmUnsupported(.openAIChat, model: "m", channel: 0, of: table, now: 1)
        #expect(health.usableFormats(0, model: "m", of: health.table, now: 2) == table.formatSet(both))
    }

    @Test func whereAnyModelIsSentEachIsRememberedByItself() {
        let route = Route(model: "*", channels: [ChannelReference(site: "s", account: "a")], source: .file)
        let table = Make.table([Make.site("s", [Make.account("a", [])], formats: both)], routes: [route])
        let health = HealthTable(table: table)
        health.recordFailure(unsupported("one"), channel: 0, of: table, now: 0)
        #expect(health.usableFormats(0, model: "one", of: health.table, now: 1) == table.formatSet([.anthropicMessages]))
        #expect(health.usableFormats(0, model: "two", of: health.table, now: 1) == table.formatSet(both))
        #expect(health.restingEndpoints(0, model: "two", now: 1).isEmpty)
    }

    @Test func aNewTableAndASnapshotKeepWhatIsKnown() {
        let sites = [Make.site("s", [Make.account("a", ["m"])], formats: both)]
        let table = Make.table(sites)
        let health = HealthTable(table: table)
        health.recordFailure(unsupported("m"), channel: 0, of: table, now: 0)
        health.confirmUnsupported(.openAIChat, model: "m", channel: 0, of: table, now: 0)
        health.learn(.always, channel: 0, model: "m", of: table, now: 0)
        let next = Make.table([Make.site("r", [Make.account("b", ["m"])])] + sites)
        health.adopt(next)
        let channel = next.channel("s/a:m")
        #expect(health.usableFormats(channel, model: "m", of: health.table, now: 1) == next.formatSet([.anthropicMessages]))
        let restored = HealthTable(table: next, restoring: health.snapshot())
        #expect(restored.usableFormats(channel, model: "m", of: restored.table, now: 1) == next.formatSet([.anthropicMessages]))
        #expect(restored.learned.streaming("s/a:m", model: "m", now: 1) == .always)
        let explained = Router.explain(
            model: "m", key: nil, in: next, health: health.snapshot(), now: 1, seed: 1)
        let candidate = explained.candidates.first { $0.site == "s" }
        #expect(candidate?.restingFormats.map(\.format) == [.openAIChat])
        #expect(candidate?.learnedStreaming == .always)
    }

    @Test func marksAreBounded() {
        let route = Route(model: "*", channels: [ChannelReference(site: "s", account: "a")], source: .file)
        let table = Make.table([Make.site("s", [Make.account("a", [])], formats: both)], routes: [route])
        let health = HealthTable(table: table)
        for number in 0...HealthTable.maximumEndpoints {
            health.recordFailure(unsupported("\(number)"), channel: 0, of: table, now: 0)
        }
        let last = "\(HealthTable.maximumEndpoints)"
        #expect(health.usableFormats(0, model: last, of: health.table, now: 1) == table.formatSet(both))
        health.recordFailure(unsupported(last), channel: 0, of: table, now: Self.minute)
        #expect(health.usableFormats(0, model: last, of: health.table, now: Self.minute + 1) == table.formatSet([.anthropicMessages]))
    }
}
