import Foundation
import PatchbayCore
import Synchronization
import Testing

@testable import PatchbayGateway

@Suite struct KeyLimiterTests {
    private let registry = LimitRegistry()
    private let now: Int64 = 1_000_000_000_000

    private func limiter(_ own: KeyLimits, group: KeyLimits = KeyLimits(), key: String = "dev") throws -> KeyLimiter {
        try #require(
            KeyLimiter(
                own: registry.scope(.key, key, own, now: now), group: registry.scope(.group, "team", group, now: now)))
    }

    @Test func nothingToLimitIsNoLimiter() {
        #expect(KeyLimiter(own: registry.scope(.key, "a", KeyLimits()), group: nil) == nil)
    }

    @Test func placesAreTakenAndGivenBack() throws {
        let limiter = try limiter(KeyLimits(concurrency: 2))
        #expect(limiter.admit(tokens: 1, now: now) == nil)
        #expect(limiter.admit(tokens: 1, now: now) == nil)
        let hit = try #require(limiter.admit(tokens: 1, now: now))
        #expect(hit.limit == .concurrency && hit.value == 2 && hit.wait > 0)
        limiter.finish(estimated: 1, used: 1, now: now)
        #expect(limiter.admit(tokens: 1, now: now) == nil)
    }

    @Test func aRefusalOfOneLimitTakesNothingOfTheOthers() throws {
        let limiter = try limiter(KeyLimits(requestsPerMinute: 10, tokensPerMinute: 100, concurrency: 5))
        #expect(limiter.admit(tokens: 100, now: now) == nil)
        for _ in 0..<20 { #expect(limiter.admit(tokens: 50, now: now)?.limit == .tokens) }
        let scope = try #require(limiter.own)
        #expect(scope.cell.requests.remaining(of: 10, now: now) == 9)
        #expect(scope.cell.inFlight.load(ordering: .relaxed) == 1)
    }

    @Test func aRefusalOfTheGroupTakesNothingOfTheKey() throws {
        let limits = KeyLimits(requestsPerMinute: 10, tokensPerMinute: 100, concurrency: 5)
        let first = try limiter(limits, group: KeyLimits(requestsPerMinute: 3), key: "first")
        let second = try limiter(limits, group: KeyLimits(requestsPerMinute: 3), key: "second")
        #expect(first.admit(tokens: 10, now: now) == nil)
        #expect(second.admit(tokens: 10, now: now) == nil)
        #expect(first.admit(tokens: 10, now: now) == nil)
        let hit = try #require(second.admit(tokens: 10, now: now))
        #expect(hit.kind == .group && hit.name == "team")
        let own = try #require(second.own)
        #expect(own.cell.requests.remaining(of: 10, now: now) == 9)
        #expect(own.cell.tokens.remaining(of: 100, now: now) == 90)
        #expect(own.cell.inFlight.load(ordering: .relaxed) == 1)
    }

    @Test(arguments: [(10, 4, 96), (10, 30, 70), (500, 20, 80), (10, 10, 90)])
    func tokensBecomeWhatWasUsed(estimate: Int, used: Int, remaining: Int) throws {
        let limiter = try limiter(KeyLimits(tokensPerMinute: 100))
        #expect(limiter.admit(tokens: estimate, now: now) == nil)
        limiter.finish(estimated: estimate, used: used, now: now)
        #expect(try #require(limiter.own).cell.tokens.remaining(of: 100, now: now) == remaining)
    }

    @Test func whatWasUsedOutlivesAChangeOfTheLimit() throws {
        let before = try limiter(KeyLimits(requestsPerMinute: 10))
        for _ in 0..<5 { _ = before.admit(tokens: 1, now: now) }
        let after = try limiter(KeyLimits(requestsPerMinute: 100))
        #expect(try #require(after.own).cell.requests.remaining(of: 100, now: now) == 95)
        let less = try limiter(KeyLimits(requestsPerMinute: 6))
        #expect(try #require(less.own).cell.requests.remaining(of: 6, now: now) == 1)
    }

    @Test func whatNoConfigurationNamesIsForgotten() throws {
        let before = try limiter(KeyLimits(requestsPerMinute: 10))
        _ = before.admit(tokens: 1, now: now)
        registry.keep(keys: ["dev"], groups: [])
        #expect(try limiter(KeyLimits(requestsPerMinute: 10)).own?.cell === before.own?.cell)
        registry.keep(keys: [], groups: [])
        #expect(try limiter(KeyLimits(requestsPerMinute: 10)).own?.cell !== before.own?.cell)
    }

    @Test func anObstacleIsSeenWithoutTakingAnything() throws {
        let limiter = try limiter(KeyLimits(requestsPerMinute: 1, concurrency: 1))
        #expect(limiter.obstacle(now: now) == nil)
        #expect(limiter.admit(tokens: 1, now: now) == nil)
        #expect(limiter.obstacle(now: now)?.limit == .concurrency)
        limiter.finish(estimated: 1, used: 1, now: now)
        #expect(limiter.obstacle(now: now)?.limit == .requests)
        #expect(limiter.obstacle(now: now + RateBucket.window) == nil)
    }

    @Test func threadsNeverHoldMorePlacesThanThereAre() throws {
        let limiter = try limiter(KeyLimits(concurrency: 3))
        let inside = Atomic<Int>(0)
        let most = Atomic<Int>(0)
        let now = now
        DispatchQueue.concurrentPerform(iterations: 8) { _ in
            for _ in 0..<5_000 where limiter.admit(tokens: 1, now: now) == nil {
                let count = inside.wrappingAdd(1, ordering: .relaxed).newValue
                most.max(count, ordering: .relaxed)
                inside.wrappingSubtract(1, ordering: .relaxed)
                limiter.finish(estimated: 1, used: 1, now: now)
            }
        }
        #expect(most.load(ordering: .relaxed) <= 3)
        #expect(try #require(limiter.own).cell.inFlight.load(ordering: .relaxed) == 0)
    }
}
