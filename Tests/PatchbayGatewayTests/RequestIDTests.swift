import PatchbayCore
import Testing

@testable import PatchbayGateway

@Suite struct RequestIDTests {
    @Test func theFormIsFixed() {
        var ids = RequestIDGenerator(random: 0)
        let id = ids.next(time: 0).text
        #expect(id == "req_" + String(repeating: "0", count: 25) + "1")
        #expect(id.utf8.count == 30)
    }

    @Test func idsAreUniqueAndSortInTheOrderOfTheirMaking() {
        var ids = RequestIDGenerator()
        var made: [String] = []
        for time in [1, 1, 1, 2, 1_700_000_000_000, 1_700_000_000_000, 1_700_000_000_001, (1 << 48) - 1] as [Int64] {
            for _ in 0..<100 { made.append(ids.next(time: time).text) }
        }
        #expect(Set(made).count == made.count)
        #expect(made == made.sorted())
    }

    @Test func theRandomPartKeepsGeneratorsApart() {
        let parts: [UInt64] = [0, 1, 1 << 31, 1 << 32, 1 << 47, (1 << 48) - 1]
        let ids = parts.map { part in
            var generator = RequestIDGenerator(random: part)
            return generator.next(time: 1_700_000_000_000).text
        }
        #expect(Set(ids).count == parts.count)
    }

    @Test(arguments: [0, 1, 1_763_690_000_123, (1 << 48) - 1] as [Int64])
    func theTimeCanBeReadFromIt(time: Int64) {
        var ids = RequestIDGenerator()
        #expect(RequestMoment.milliseconds(of: ids.next(time: time).text) == time)
    }
}
