import Testing

@testable import PatchbayGateway

/// Whether somebody who is waited for keeps up a minimum rate.
struct RateWatchTests {
    private static let second: Int64 = 1_000_000_000

    /// The seconds at which the watch complains while so many bytes move in each quarter of a second.
    private func complaints(_ bytes: Int, rate: Int, for seconds: Int, window: Int64 = 4) -> [Int64] {
        var watch = RateWatch()
        return (1...Int64(4 * seconds)).filter { quarter in
            watch.isTooSlow(
                moving: bytes, now: quarter * Self.second / 4, window: window * Self.second, rate: rate)
        }.map { $0 / 4 }
    }

    private func look(_ watch: inout RateWatch, _ bytes: Int, _ quarter: Int) -> Bool {
        watch.isTooSlow(
            moving: bytes, now: Int64(quarter) * Self.second / 4, window: 4 * Self.second, rate: 100)
    }

    @Test func aRateBelowTheMinimumIsNoticedAtTheEndOfEveryWindow() {
        #expect(complaints(10, rate: 100, for: 9) == [4, 8])
        #expect(complaints(0, rate: 1, for: 5) == [4])
    }

    @Test func theMinimumIsEnough() {
        #expect(complaints(25, rate: 100, for: 60).isEmpty)
        #expect(complaints(24, rate: 100, for: 5) == [4])
    }

    @Test func zeroMeansAnyRate() {
        #expect(complaints(0, rate: 0, for: 60).isEmpty)
    }

    @Test func burstsAndPausesWithinAWindowDoNotMatter() {
        var watch = RateWatch()
        for quarter in 1...64 {
            let bytes = quarter % 16 == 3 ? 400 : 0
            let isTooSlow = look(&watch, bytes, quarter)
            #expect(!isTooSlow)
        }
    }

    @Test func whoIsNotWaitedForBeginsAnew() {
        var watch = RateWatch()
        for quarter in 1...64 {
            if quarter % 10 == 0 { watch.rest() }
            let isTooSlow = look(&watch, 0, quarter)
            #expect(!isTooSlow)
        }
    }
}
