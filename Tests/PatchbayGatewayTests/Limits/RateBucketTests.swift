import Foundation
import PatchbayCore
import Synchronization
import Testing

@testable import PatchbayGateway

@Suite struct RateBucketTests {
    private static let second: Int64 = 1_000_000_000
    private let start: Int64 = 1_000 * RateBucketTests.second

    @Test(arguments: [1, 3, 7, 60, 600, 100_000])
    func aFullBucketHoldsAMinutesWorthAndNoMore(limit: Int) {
        let bucket = RateBucket()
        for _ in 0..<limit { #expect(bucket.take(1, of: limit, now: start) == 0) }
        let wait = bucket.take(1, of: limit, now: start)
        #expect(wait > 0 && wait <= RateBucket.window / Int64(limit) + 1)
        #expect(bucket.remaining(of: limit, now: start) == 0)
        #expect(bucket.take(1, of: limit, now: start + wait) == 0)
    }

    @Test func itRefillsEvenlyUpToTheLimit() {
        let bucket = RateBucket()
        for _ in 0..<60 { _ = bucket.take(1, of: 60, now: start) }
        for seconds in 1...60 {
            #expect(bucket.remaining(of: 60, now: start + Int64(seconds) * Self.second) == seconds)
        }
        #expect(bucket.remaining(of: 60, now: start + 3600 * Self.second) == 60)
        #expect(bucket.untilFull(now: start) == RateBucket.window)
        #expect(bucket.untilFull(now: start + 3600 * Self.second) == 0)
    }

    @Test func whatIsRefusedIsNotTaken() {
        let bucket = RateBucket()
        #expect(bucket.take(90, of: 100, now: start) == 0)
        #expect(bucket.take(20, of: 100, now: start) > 0)
        #expect(bucket.remaining(of: 100, now: start) == 10)
        #expect(bucket.take(10, of: 100, now: start) == 0)
    }

    @Test func moreThanItHoldsIsTakenFromAFullBucket() {
        let bucket = RateBucket()
        #expect(bucket.take(1_000_000, of: 100, now: start) == 0)
        #expect(bucket.remaining(of: 100, now: start) == 0)
        #expect(bucket.take(1_000_000, of: 100, now: start) == RateBucket.window)
    }

    @Test func correctionsTakeMoreAndGiveBack() {
        let bucket = RateBucket()
        _ = bucket.take(100, of: 1000, now: start)
        bucket.correct(by: -60, of: 1000, now: start)
        #expect(bucket.remaining(of: 1000, now: start) == 960)
        bucket.correct(by: 500, of: 1000, now: start)
        #expect(bucket.remaining(of: 1000, now: start) == 460)
        bucket.correct(by: 5_000, of: 1000, now: start)
        #expect(bucket.remaining(of: 1000, now: start) == 0)
        #expect(bucket.wait(for: 1, of: 1000, now: start) > 4 * RateBucket.window)
    }

    @Test func aFullBucketTakesNothingBack() {
        let bucket = RateBucket()
        bucket.correct(by: -1_000_000, of: 10, now: start)
        #expect(bucket.remaining(of: 10, now: start) == 10)
        for _ in 0..<10 { #expect(bucket.take(1, of: 10, now: start) == 0) }
        #expect(bucket.take(1, of: 10, now: start) > 0)
    }

    @Test(arguments: [Int.max, Int.max - 1, 1 << 40])
    func nonsenseFromAnUpstreamLocksNobodyOutForEver(tokens: Int) {
        let bucket = RateBucket()
        bucket.correct(by: tokens, of: 1, now: start)
        #expect(bucket.untilFull(now: start) == RateBucket.longestDebt)
        bucket.correct(by: -tokens, of: 1, now: start)
        #expect(bucket.untilFull(now: start) >= 0)
    }

    @Test func threadsTogetherGetWhatOneWouldGet() {
        let cell = LimitCell()
        let taken = Atomic<Int>(0)
        let now = start
        DispatchQueue.concurrentPerform(iterations: 8) { _ in
            for _ in 0..<2_000 where cell.requests.take(1, of: 5_000, now: now) == 0 {
                taken.wrappingAdd(1, ordering: .relaxed)
            }
        }
        #expect(taken.load(ordering: .relaxed) == 5_000)
    }
}
