import PatchbayCore
import Testing

@testable import PatchbayRouting

struct LearnedTraitsTests {
    @Test func isForgottenAfterHalfAnHour() {
        var traits = LearnedTraits()
        traits.learn(.always, channel: "s/a:m", model: "m", now: 1000)
        #expect(traits.streaming("s/a:m", model: "m", now: 1000) == .always)
        #expect(traits.streaming("s/a:m", model: "n", now: 1000) == nil)
        #expect(traits.streaming("s/b:m", model: "m", now: 1000) == nil)
        #expect(traits.streaming("s/a:m", model: "m", now: 1000 + LearnedTraits.memory) == nil)
    }

    @Test func isBounded() {
        var traits = LearnedTraits()
        for number in 0..<(LearnedTraits.limit + 100) {
            traits.learn(.never, channel: "c", model: "\(number)", now: 0)
        }
        #expect(traits.streaming("c", model: "\(LearnedTraits.limit)", now: 1) == nil)
        // What has been forgotten makes room.
        traits.learn(.never, channel: "c", model: "late", now: LearnedTraits.memory)
        #expect(traits.streaming("c", model: "late", now: LearnedTraits.memory) == .never)
    }

    @Test func theLongerMemoryOfTwoLoopsWins() {
        var one = LearnedTraits()
        var other = LearnedTraits()
        one.learn(.always, channel: "c", model: "m", now: 0)
        other.learn(.never, channel: "c", model: "m", now: 50)
        one.merge(other)
        #expect(one.streaming("c", model: "m", now: 60) == .never)
    }

    @Test func forgetsChannelsThatAreGone() {
        var traits = LearnedTraits()
        traits.learn(.always, channel: "c", model: "m", now: 0)
        traits.keep { $0 != "c" }
        #expect(traits.isEmpty)
    }
}
