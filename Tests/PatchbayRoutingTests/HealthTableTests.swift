import PatchbayCore
import Testing

@testable import PatchbayRouting

@Suite struct HealthTableTests {
    static let second: Int64 = 1_000_000_000

    /// Two sites; on the first two accounts with two models each.
    private func sites(key: String = "sk") -> [Site] {
        [
            Make.site(
                "s", [Make.account("a", ["m", "n"], key: key), Make.account("b", ["m", "n"])],
                formats: [.openAIChat, .anthropicMessages]),
            Make.site("t", [Make.account("c", ["m", "n"])]),
        ]
    }

    /// Who rests after one failure of `s/a:m`.
    @Test(arguments: [
        (AttemptFailure(fault: .none), []), (AttemptFailure(fault: .client, cooldownMilliseconds: 5000), []),
        (AttemptFailure(fault: .model), ["s/a:m"]), (AttemptFailure(fault: .credential), ["s/a:m", "s/a:n"]),
        (AttemptFailure(fault: .quota), ["s/a:m", "s/a:n"]), (AttemptFailure(fault: .rate), ["s/a:m", "s/a:n"]),
        (AttemptFailure(fault: .overload), ["s/a:m"]), (AttemptFailure(fault: .site), ["s/a:m"]),
        (AttemptFailure(fault: .network), ["s/a:m"]), (AttemptFailure(fault: .challenge), ["s/a:m"]),
        (AttemptFailure(fault: .network, connectLevel: true), ["s/a:m", "s/a:n", "s/b:m", "s/b:n"]),
        (AttemptFailure(fault: .site, connectLevel: true), ["s/a:m", "s/a:n", "s/b:m", "s/b:n"]),
        (AttemptFailure(fault: .endpoint, format: .openAIChat), []),
    ])
    func onlyThePartyAtFaultRests(failure: AttemptFailure, resting: [String]) {
        let table = Make.table(sites())
        let health = HealthTable(table: table)
        health.recordFailure(failure, channel: table.channel("s/a:m"), of: table, now: 0)
        let found = table.channels.indices.filter { health.isCooling(Int32($0), now: 1) }.map { table.channels[$0].id }
        #expect(Set(found) == Set(resting))
    }

    @Test func endpointFaultClosesOneFormatOfOneChannel() {
        let table = Make.table(sites())
        let health = HealthTable(table: table)
        let (channel, sibling) = (table.channel("s/a:m"), table.channel("s/a:n"))
        health.recordFailure(AttemptFailure(fault: .endpoint, format: .openAIChat), channel: channel, of: table, now: 0)
        #expect(health.usableFormats(channel, now: 1) == table.formatSet([.anthropicMessages]))
        #expect(health.usableFormats(sibling, now: 1) == table.formatSet([.openAIChat, .anthropicMessages]))
        #expect(health.usableFormats(channel, now: Self.second) == table.formatSet([.openAIChat, .anthropicMessages]))
    }

    @Test func unknownModelOnAChannelThatSendsTheClientsNameCoolsNobody() {
        let route = Route(model: "*", channels: [ChannelReference(site: "s", account: "a")], source: .file)
        let table = Make.table([Make.site("s", [Make.account("a", [])])], routes: [route])
        let health = HealthTable(table: table)
        health.recordFailure(AttemptFailure(fault: .model), channel: 0, of: table, now: 0)
        #expect(!health.isCooling(0, now: 1))
    }

    @Test func restDoublesUpToAMinute() {
        var cell = HealthCell()
        var now: Int64 = 0
        var rests: [Int64] = []
        for _ in 0..<9 {
            cell.recordFailure(AttemptFailure(fault: .site), now: now)
            rests.append((cell.until - now) / Self.second)
            now = cell.until
        }
        #expect(rests == [1, 2, 4, 8, 16, 32, 60, 60, 60])
    }

    @Test func successHalvesTheNextRest() {
        var cell = HealthCell()
        var now: Int64 = 0
        for _ in 0..<5 {
            cell.recordFailure(AttemptFailure(fault: .site), now: now)
            now = cell.until
        }
        cell.recordSuccess()
        cell.recordFailure(AttemptFailure(fault: .site), now: now)
        // Five failures: the next rest would be 32 s; after a success it counts as the third.
        #expect(cell.until - now == 4 * Self.second)
        for _ in 0..<3 { cell.recordSuccess() }
        now = cell.until
        cell.recordFailure(AttemptFailure(fault: .site), now: now)
        #expect(cell.until - now == Self.second)
    }

    @Test func oldFailuresAreForgotten() {
        var cell = HealthCell()
        for _ in 0..<5 { cell.recordFailure(AttemptFailure(fault: .site), now: cell.until) }
        let later = cell.until + 601 * Self.second
        cell.recordFailure(AttemptFailure(fault: .site), now: later)
        #expect(cell.until - later == Self.second)
    }

    @Test func failuresOfRequestsUnderWayDoNotLengthenTheRest() {
        var cell = HealthCell()
        for _ in 0..<100 { cell.recordFailure(AttemptFailure(fault: .site), now: 0) }
        #expect(cell.until == 2 * Self.second)
        cell.recordFailure(AttemptFailure(fault: .site), now: 2 * Self.second)
        #expect(cell.until == 4 * Self.second)
    }

    @Test(arguments: [
        (UInt64(1), Int64(1)), (999, 1), (1000, 1), (90_000, 90), (600_000, 600), (86_400_000, 600), (.max, 600),
    ])
    func retryAfterIsHeldBetweenOneSecondAndTenMinutes(milliseconds: UInt64, seconds: Int64) {
        var cell = HealthCell()
        cell.recordFailure(AttemptFailure(fault: .rate, retryAfterMilliseconds: milliseconds), now: 0)
        #expect(cell.until == seconds * Self.second)
    }

    @Test func verdictsCooldownComesBeforeRetryAfterAndAShorterRestDoesNotReplaceALongerOne() {
        var cell = HealthCell()
        let failure = AttemptFailure(fault: .quota, cooldownMilliseconds: 3_600_000, retryAfterMilliseconds: 5000)
        cell.recordFailure(failure, now: 0)
        #expect(cell.until == 3600 * Self.second)
        cell.recordFailure(AttemptFailure(fault: .rate), now: 1)
        #expect(cell.until == 3600 * Self.second && cell.fault == .quota)
    }

    @Test func healthIsKeptByIdWhenTheConfigurationChanges() {
        let old = Make.table(sites())
        let health = HealthTable(table: old)
        for (id, fault) in [("s/a:m", Fault.model), ("t/c:m", .rate)] {
            let failure = AttemptFailure(fault: fault, cooldownMilliseconds: 60_000)
            health.recordFailure(failure, channel: old.channel(id), of: old, now: 0)
        }
        let endpoint = AttemptFailure(fault: .endpoint, cooldownMilliseconds: 60_000, format: .anthropicMessages)
        health.recordFailure(endpoint, channel: old.channel("s/b:n"), of: old, now: 0)
        // A site in front moves every index.
        let front = Make.site("new", [Make.account("x", ["m"])], formats: [.anthropicMessages])
        let next = Make.table([front] + sites())
        health.adopt(next)
        let resting = next.channels.indices.filter { health.isCooling(Int32($0), now: 1) }.map { next.channels[$0].id }
        #expect(Set(resting) == ["s/a:m", "t/c:m", "t/c:n"])
        #expect(health.usableFormats(next.channel("s/b:n"), now: 1) == next.formatSet([.openAIChat]))
    }

    @Test func renewedCredentialStartsAfresh() {
        let old = Make.table(sites())
        let health = HealthTable(table: old)
        let failure = AttemptFailure(fault: .credential, disablesCredential: true)
        health.recordFailure(failure, channel: old.channel("s/a:m"), of: old, now: 0)
        health.adopt(Make.table(sites()))
        #expect(health.isCooling(health.table.channel("s/a:n"), now: .max - 1))
        health.adopt(Make.table(sites(key: "sk-renewed")))
        #expect(!health.isCooling(health.table.channel("s/a:n"), now: 1))
    }

    @Test func reportsOfAnOlderTableReachTheRightChannelOrNone() {
        let old = Make.table(sites())
        let health = HealthTable(table: old)
        health.attemptStarted(old.channel("t/c:m"), of: old)
        let next = Make.table([sites()[1]])
        health.adopt(next)
        health.recordFailure(AttemptFailure(fault: .model), channel: old.channel("t/c:m"), of: old, now: 0)
        health.recordFailure(AttemptFailure(fault: .model), channel: old.channel("s/a:m"), of: old, now: 0)
        health.attemptEnded(old.channel("t/c:m"), of: old)
        #expect(health.isCooling(next.channel("t/c:m"), now: 1))
        #expect(!health.isCooling(next.channel("t/c:n"), now: 1))
        #expect(health.counters(of: next.channel("t/c:m")) == ChannelCounters(attempts: 1, failures: 1, inFlight: 0))
    }

    @Test func snapshotsOfSeveralLoopsMerge() {
        let table = Make.table(sites())
        let (left, right) = (HealthTable(table: table), HealthTable(table: table))
        let channel = table.channel("s/a:m")
        for (health, milliseconds) in [(left, UInt64(5000)), (right, 9000)] {
            health.attemptStarted(channel, of: table)
            let failure = AttemptFailure(fault: .model, cooldownMilliseconds: milliseconds)
            health.recordFailure(failure, channel: channel, of: table, now: 0)
        }
        let merged = HealthTable(table: table, restoring: left.snapshot().merging(right.snapshot()))
        #expect(merged.readyTime(channel) == 9 * Self.second)
        #expect(merged.counters(of: channel) == ChannelCounters(attempts: 2, failures: 2, inFlight: 2))
    }
}
