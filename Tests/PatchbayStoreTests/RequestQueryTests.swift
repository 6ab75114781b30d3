import PatchbayCore
import Testing

@testable import PatchbayStore

@Suite struct RequestQueryTests {
    let scratch: Scratch
    let store: Store

    init() throws {
        scratch = try Scratch()
        store = try scratch.store()
        let writer = try LedgerWriter(directory: scratch.path, loop: 0)
        for index in 0..<60 {
            var record = RequestRecord(
                id: "r\(index)", time: Int64(index), key: index % 2 == 0 ? "a" : "b", model: "m\(index % 5)")
            record.site = "s\(index % 3)"
            record.status = [200, 429, 500][index % 3]
            record.outcome = [.completed, .failed, .cancelled][index % 3]
            record.usage = TokenUsage(input: 10, output: 2, cached: index % 2 == 0 ? 4 : nil)
            record.cost = Money(picodollars: 1_500_001)
            writer.finish(record)
        }
        writer.close()
        try scratch.importer(store).drain()
    }

    private func ids(_ change: (inout RequestQuery) -> Void) async throws -> [String] {
        var query = RequestQuery()
        query.limit = 1_000
        change(&query)
        return try await store.requests(query: query).data.map(\.id)
    }

    private func numbers(where condition: (Int) -> Bool) -> [String] {
        (0..<60).reversed().filter(condition).map { "r\($0)" }
    }

    @Test(arguments: [1, 7, 59, 60, 61])
    func pagesCoverEverythingOnceNewestFirst(limit: Int) async throws {
        var query = RequestQuery()
        query.limit = limit
        var found: [String] = []
        repeat {
            let page = try await store.requests(query: query)
            #expect(page.data.count <= limit)
            found += page.data.map(\.id)
            query.cursor = page.next
        } while query.cursor != nil
        #expect(found == numbers { _ in true })
    }

    @Test func filtersNarrowAndCombine() async throws {
        #expect(try await ids { $0.key = "a" } == numbers { $0 % 2 == 0 })
        #expect(try await ids { $0.model = "m3" } == numbers { $0 % 5 == 3 })
        #expect(try await ids { $0.site = "s1" } == numbers { $0 % 3 == 1 })
        #expect(try await ids { $0.statusClass = 4 } == numbers { $0 % 3 == 1 })
        #expect(try await ids { $0.outcome = .cancelled } == numbers { $0 % 3 == 2 })
        #expect(
            try await ids {
                $0.since = 15; $0.until = 21
            } == numbers { (15..<21).contains($0) })
        #expect(
            try await ids {
                $0.key = "b"; $0.statusClass = 2
            } == numbers { $0 % 6 == 3 })
        #expect(try await ids { $0.key = "' OR 1=1 --" }.isEmpty)
    }

    @Test func nonsenseIsRefused() async throws {
        await #expect(throws: StoreError.self) { try await ids { $0.cursor = "x" } }
        await #expect(throws: StoreError.self) { try await ids { $0.limit = 0 } }
        await #expect(throws: StoreError.self) { try await ids { $0.limit = 1_001 } }
    }

    @Test func usageSumsByGroup() async throws {
        let rows = try await store.usage(groupBy: .key)
        #expect(rows.map(\.group) == ["a", "b"])
        #expect(rows.map(\.requests) == [30, 30] && rows.map(\.failures) == [10, 10])
        #expect(rows.map(\.inputTokens) == [300, 300] && rows.map(\.outputTokens) == [60, 60])
        #expect(rows.map(\.cachedTokens) == [120, 0])
        #expect(rows.map(\.cost) == Array(repeating: Money(picodollars: 45_000_030), count: 2))
        #expect(try await store.usage(groupBy: .model).count == 5)
        #expect(try await store.usage(groupBy: .site, since: 0, until: 3).map(\.requests) == [1, 1, 1])
    }

    @Test func absurdCountersDoNotBreakTheSums() async throws {
        let writer = try LedgerWriter(directory: scratch.path, loop: 1)
        for index in 0..<3 {
            var record = RequestRecord(id: "x\(index)", time: 100, key: "x", model: "m")
            record.usage = TokenUsage(input: .max - 1, output: .max / 2)
            record.cost = Money(picodollars: .max)
            writer.finish(record)
        }
        try scratch.importer(store).drain()
        let row = try #require(try await store.usage(groupBy: .key).last)
        #expect(row.group == "x" && row.cost == Money(picodollars: .max) && row.inputTokens == 3 << 40)
    }

    @Test func oldRequestsCanBeForgotten() async throws {
        #expect(try await store.pruneRequests(before: 30) == 30)
        #expect(try await ids { _ in } == numbers { $0 >= 30 })
    }
}
