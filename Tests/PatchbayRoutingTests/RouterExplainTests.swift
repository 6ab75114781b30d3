import PatchbayCore
import Testing

@testable import PatchbayRouting

@Suite struct RouterExplainTests {
    private let table: RoutingTable
    private let health: HealthTable

    init() {
        let tokens = [Make.token("off", enabled: false), Make.token("on", ratio: 0.5)]
        table = Make.table(
            [
                Make.site(
                    "s",
                    [
                        Make.account("a", ["m"]), Make.account("b", ["m"]), Make.account("off", ["m"], enabled: false),
                        Make.account("t", ["m"], tokens: tokens),
                    ]),
                Make.site("off", [Make.account("a", ["m"])], enabled: false),
                Make.site("plugin-missing", [Make.account("a", ["m"])], formats: []),
                Make.site("other-format", [Make.account("a", ["m"])], formats: [.anthropicMessages]),
            ],
            routes: [
                Route(
                    model: "m",
                    channels: [
                        ChannelReference(site: "s", account: "a", weight: 3), ChannelReference(site: "s", account: "b"),
                        ChannelReference(site: "s", account: "t", priority: 1), ChannelReference(site: "s"),
                        ChannelReference(site: "off"), ChannelReference(site: "plugin-missing"),
                        ChannelReference(site: "other-format"), ChannelReference(site: "gone"),
                    ], source: .file)
            ], prices: ["m": ModelPrice(perMillionInput: 1, output: 2)])
        health = HealthTable(table: table)
    }

    private func explain(
        _ model: String = "m", key: Key? = nil, limit: Int = 16, seed: UInt64 = 1
    ) -> RouteExplanation {
        Router.explain(
            model: model, key: key, in: table, formats: table.formatSet([.openAIChat]), health: health.snapshot(),
            now: 1,
            limit: limit, seed: seed)
    }

    @Test func everyCandidateIsNamedWithItsReason() {
        let failure = AttemptFailure(fault: .rate, retryAfterMilliseconds: 5000, reason: "Too many requests.")
        health.recordFailure(failure, channel: table.channel("s/b:m"), of: table, now: 0)
        let explanation = explain()
        let reasons = Dictionary(uniqueKeysWithValues: explanation.candidates.map { ($0.channel, $0.reason) })
        #expect(
            reasons == [
                "s/a:m": .taken, "s/b:m": .cooling, "s/off:m": .accountDisabled, "s/t/off:m": .tokenDisabled,
                "s/t/on:m": .taken, "off/a:m": .siteDisabled, "plugin-missing/a:m": .formatUnknown,
                "other-format/a:m": .formatUnsupported,
            ])
        #expect(explanation.candidates.allSatisfy { !$0.sentence.isEmpty })
        #expect(explanation.candidates.compactMap(\.position) == [1, 2])
        #expect(explanation.problems == ["The route names the site 'gone', which does not exist."])
        #expect(explanation.outcome == .routed && explanation.summary == "2 channels would be tried, in this order.")
        #expect(explanation.route == .init(model: "m", pattern: nil, source: .file))
    }

    @Test func restIsDescribed() throws {
        let failure = AttemptFailure(fault: .rate, retryAfterMilliseconds: 5000, reason: "Too many requests.")
        health.recordFailure(failure, channel: table.channel("s/b:m"), of: table, now: 1)
        let resting = try #require(explain().candidates.first { $0.channel == "s/b:m" })
        #expect(
            resting.coolingMilliseconds == 5000 && resting.coolingFault == .rate && resting.coolingParty == .credential)
        #expect(resting.sentence == "'s/b' rests after a failure of kind 'rate': Too many requests.")
        #expect(resting.share == 0)
    }

    @Test func sharesAreThoseOfTheReadyCandidatesOfAGroup() {
        let shares = Dictionary(uniqueKeysWithValues: explain().candidates.map { ($0.channel, $0.share) })
        #expect(shares["s/a:m"] == 0.75 && shares["s/b:m"] == 0.25 && shares["s/t/on:m"] == 1)
        #expect(shares["off/a:m"] == 0)
    }

    @Test func explanationFollowsThePlanOfTheSameSeed() throws {
        let route = try #require(table.route(forModel: "m"))
        for seed in UInt64(0)..<20 {
            var random = SeededRandom(seed: seed)
            var plan: [Int32] = []
            _ = Router.plan(
                route, in: table, formats: table.formatSet([.openAIChat]), health: health, now: 1, random: &random,
                into: &plan)
            let explained = explain(seed: seed).candidates.filter { $0.reason == .taken }.map(\.channel)
            #expect(explained == plan.map { table.channel(of: $0).id })
        }
    }

    @Test func candidatesBeyondTheLimitSaySo() {
        let reasons = explain(limit: 1).candidates.map(\.reason)
        #expect(reasons.filter { $0 == .taken }.count == 1 && reasons.filter { $0 == .beyondLimit }.count == 2)
    }

    @Test func unknownModelHasNoCandidates() {
        let explanation = explain("none-such")
        #expect(explanation.outcome == .unknownModel && explanation.candidates.isEmpty && explanation.route == nil)
        #expect(explanation.summary == "No account lists the model 'none-such' and no route matches it.")
    }

    @Test func forbiddenModelAndDisabledKeyAreNamed() {
        #expect(explain(key: Make.key(["gpt-*"])).outcome == .modelNotAllowed)
        #expect(explain(key: Make.key(["*"], enabled: false)).outcome == .keyDisabled)
        #expect(explain(key: Make.key(["m"])).outcome == .routed)
    }

    @Test func everythingRestingSaysWhenTheFirstIsBack() {
        for id in ["s/a:m", "s/b:m", "s/t/on:m"] {
            let failure = AttemptFailure(fault: .site, cooldownMilliseconds: 8000)
            health.recordFailure(failure, channel: table.channel(id), of: table, now: 1)
        }
        let explanation = explain()
        #expect(explanation.outcome == .cooling && explanation.retryAfterMilliseconds == 8000)
    }

    @Test func explainingChangesNothing() {
        _ = explain()
        #expect(health.snapshot().channels.isEmpty && health.snapshot().counters.isEmpty)
    }
}
