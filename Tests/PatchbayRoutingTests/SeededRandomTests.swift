import PatchbayRouting
import Testing

@Suite struct SeededRandomTests {
    /// Values of the published reference implementation, seeded by SplitMix64 from 0.
    @Test func sequenceIsThatOfXoshiro256StarStar() {
        var random = SeededRandom(seed: 0)
        #expect(
            (0..<3).map { _ in random.next() } == [0x99ec_5f36_cb75_f2b4, 0xbf6e_1f78_4956_452a, 0x1a5f_849d_4933_e6e0])
    }

    @Test func equalSeedsGiveEqualSequences() {
        var (left, right) = (SeededRandom(seed: 42), SeededRandom(seed: 42))
        #expect((0..<100).allSatisfy { _ in left.next() == right.next() })
    }

    @Test func boundIsKept() {
        var random = SeededRandom(seed: 1)
        for bound in [UInt64(1), 2, 3, 1000, .max] {
            #expect((0..<100).allSatisfy { _ in random.next(below: bound) < bound })
        }
    }
}
