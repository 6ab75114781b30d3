import PatchbayCore
import Testing

@testable import PatchbayRouting

@Suite struct RouterTests {
    /// Computed with an independent implementation of the generator and of the sampling.
    @Test func orderIsDecidedByTheSeed() {
        var planner = Planner(Make.weighted([10, 5, 1]), seed: 7)
        let orders = (0..<12).map { _ in planner.order() }
        #expect(orders == ["bac", "bca", "cab", "abc", "abc", "abc", "cab", "abc", "abc", "abc", "abc", "bac"])
    }

    @Test func firstChoiceFollowsTheWeights() {
        let weights = [10, 5, 1, 0, 4]
        var planner = Planner(Make.weighted(weights), seed: 1)
        var counts: [Character: Int] = [:]
        let rounds = 20_000
        for _ in 0..<rounds { counts[planner.order().first ?? "-", default: 0] += 1 }
        for (index, weight) in weights.enumerated() {
            let share = Double(weight) / 20
            let name = Character(UnicodeScalar(UInt8(97 + index)))
            // Five standard deviations of a binomial distribution.
            let bound = 5 * (share * (1 - share) / Double(rounds)).squareRoot()
            #expect(abs(Double(counts[name] ?? 0) / Double(rounds) - share) <= bound)
        }
    }

    @Test func everyCandidateAppearsOnceInEveryPlan() {
        var planner = Planner(Make.weighted([1, 2, 3, 4, 5]))
        #expect((0..<200).allSatisfy { _ in planner.order().sorted() == ["a", "b", "c", "d", "e"] })
    }

    @Test func lowerPriorityNumbersComeFirst() {
        var planner = Planner(Make.weighted([1, 1, 1000, 1000], priorities: [0, 0, 5, -1]))
        for _ in 0..<100 {
            let order = planner.order()
            #expect(order.first == "d" && order.last == "c" && order.count == 4)
        }
    }

    @Test func planStopsAtTheLimit() {
        var planner = Planner(Make.weighted([1, 1, 1, 1, 1, 1], priorities: [0, 0, 0, 1, 1, 1]))
        #expect(planner.order(limit: 2).count == 2)
        let order = planner.order(limit: 4)
        #expect(order.count == 4 && Set(order.prefix(3)) == ["a", "b", "c"])
    }

    @Test func candidateOfWeightZeroIsNeverTaken() {
        var planner = Planner(Make.weighted([0, 1]))
        #expect((0..<20).allSatisfy { _ in planner.order() == "b" })
    }

    @Test func restingChannelIsSkippedAndComesBack() {
        var planner = Planner(Make.weighted([1, 1]))
        let table = planner.table
        planner.health.recordFailure(AttemptFailure(fault: .site), channel: table.channel("s/a:m"), of: table, now: 0)
        #expect((0..<20).allSatisfy { _ in planner.order(now: 999_999_999) == "b" })
        #expect(Set((0..<50).map { _ in planner.order(now: 1_000_000_000) }) == ["ab", "ba"])
    }

    @Test func planIsEmptyWhenEveryChannelRestsAndSaysWhenTheFirstIsBack() {
        var planner = Planner(Make.weighted([1, 1]))
        let table = planner.table
        let failures = [("s/a:m", UInt64(30_000)), ("s/b:m", 12_000)]
        for (id, milliseconds) in failures {
            let failure = AttemptFailure(fault: .rate, retryAfterMilliseconds: milliseconds)
            planner.health.recordFailure(failure, channel: table.channel(id), of: table, now: 0)
        }
        #expect(planner.outcome(now: 2_000_000_000) == .cooling(milliseconds: 10_000))
        #expect(planner.plan.isEmpty)
        #expect(planner.outcome(now: 12_000_000_000) == .ready)
    }

    @Test func disabledCredentialsSayNothingAboutWhenTheyAreBack() {
        var planner = Planner(Make.weighted([1]))
        let failure = AttemptFailure(fault: .credential, disablesCredential: true)
        planner.health.recordFailure(failure, channel: 0, of: planner.table, now: 0)
        #expect(planner.outcome(now: 3_600_000_000_000) == .cooling(milliseconds: 60_000))
    }

    @Test func channelWithoutAUsableFormatIsSkipped() {
        let table = Make.table([
            Make.site("s", [Make.account("a", ["m"])], formats: [.openAIChat]),
            Make.site("t", [Make.account("b", ["m"])], formats: [.anthropicMessages]),
            Make.site("u", [Make.account("c", ["m"])], formats: []),
        ])
        var planner = Planner(table)
        #expect(planner.outcome(formats: table.formatSet([.anthropicMessages])) == .ready)
        #expect(planner.plan.map { table.channel(of: $0).accountName } == ["b"])
        #expect(planner.outcome(formats: []) == .unserved)
    }

    @Test func planningPenalisesNobody() {
        var planner = Planner(Make.weighted([1, 1]))
        for _ in 0..<100 { _ = planner.order() }
        #expect(planner.health.snapshot().channels.isEmpty)
    }

    @Test func planReusesItsStorage() {
        var planner = Planner(Make.weighted([1, 2, 3, 4]))
        _ = planner.order()
        let before = planner.plan.withUnsafeBufferPointer { $0.baseAddress }
        for _ in 0..<100 { _ = planner.outcome() }
        #expect(planner.plan.withUnsafeBufferPointer { $0.baseAddress } == before)
    }

    @Test func restGoesOnAfterANewConfiguration() {
        var planner = Planner(Make.weighted([1, 1]))
        planner.health.recordFailure(AttemptFailure(fault: .site), channel: 0, of: planner.table, now: 0)
        let next = Make.weighted([1, 1, 1])
        planner.health.adopt(next)
        var plan: [Int32] = []
        guard let route = next.route(forModel: "m") else { return #expect(Bool(false)) }
        let outcome = Router.plan(
            route, in: next, formats: .all, health: planner.health, now: 1, random: &planner.random, into: &plan)
        #expect(outcome == .ready && Set(plan.map { next.channel(of: $0).accountName }) == ["b", "c"])
    }
}
