import Foundation
import PatchbayCore
import Testing

@testable import PatchbayStore

@Suite("Numbers of requests")
struct RequestNumberTests {
    private let time: Int64 = 1_700_000_000_000

    private func number(_ id: String, time: Int64? = nil) -> RequestNumber {
        Array(id.utf8).withUnsafeBytes { RequestNumber(time: time ?? self.time, id: $0) }
    }

    @Test("They sort by time, and the time can be read from them")
    func order() {
        let earlier = number("a", time: time - 1).rawValue
        let later = number("a", time: time + 1).rawValue
        #expect(earlier < RequestNumber.first(of: time) && RequestNumber.first(of: time) <= number("b").rawValue)
        #expect(number("b").rawValue < RequestNumber.first(of: time + 1) && number("b").rawValue < later)
        #expect(RequestNumber.time(of: number("b").rawValue) == time)
    }

    @Test("Those of ids that are counted up lie in their order, and no two at the same place")
    func counted() throws {
        let letters = Array("0123456789abcdefghjkmnpqrstvwxyz")
        func id(_ count: Int) -> String {
            "req_01k9x4n7q2v5w8y0abcdef" + String((0..<4).reversed().map { letters[count >> ($0 * 5) & 31] })
        }
        let numbers = (1_000..<3_000).map { number(id($0)).rawValue }
        let descents = zip(numbers, numbers.dropFirst()).filter { $0 > $1 }
        // At most once they go over the end of the millisecond.
        #expect(descents.count <= 1 && Set(numbers).count == numbers.count)
    }

    @Test("Absurd times count as the nearest that can be told", arguments: [Int64.min, -1, 1 << 43, Int64.max])
    func absurd(time: Int64) {
        let found = RequestNumber.time(of: number("a", time: time).rawValue)
        #expect(found == (time < 0 ? 0 : (1 << 43) - 1))
    }

    @Test("The place behind the last of a millisecond is its first")
    func wrap() {
        var number = number("a")
        let start = number.rawValue
        var seen: Set<Int64> = []
        for _ in 0..<1 << 20 {
            seen.insert(number.rawValue)
            number.moveOn()
        }
        #expect(number.rawValue == start && seen.count == 1 << 20)
        #expect(seen.allSatisfy { RequestNumber.time(of: $0) == time })
    }

    /// Ids that want the same place.
    private func rivals(_ count: Int) -> [String] {
        var byNumber: [RequestNumber: [String]] = [:]
        for index in 0... {
            let id = "r\(index)"
            byNumber[number(id), default: []].append(id)
            if let found = byNumber[number(id)], found.count == count { return found }
        }
        return []
    }

    @Test("Requests that want the same place are all kept, and each only once")
    func rivalry() async throws {
        let scratch = try Scratch()
        let store = try scratch.store()
        let ids = rivals(3)
        for round in 0..<2 {
            let writer = try LedgerWriter(directory: scratch.path, loop: round)
            for id in round == 0 ? ids : ids.reversed() { writer.finish(.sample(id, time: time)) }
            writer.close()
            try scratch.importer(store).drain()
        }
        let kept = try await store.everyRequest()
        #expect(Set(kept.map(\.id)) == Set(ids) && kept.count == 3)
        #expect(kept.allSatisfy { $0.time == time && $0.attempts.count == 2 })
        for id in ids { #expect(try await store.request(id: id)?.id == id) }
    }

    @Test("A page can end within a millisecond")
    func pages() async throws {
        let scratch = try Scratch()
        let store = try scratch.store()
        let writer = try LedgerWriter(directory: scratch.path, loop: 0)
        for index in 0..<20 { writer.finish(RequestRecord(id: "r\(index)", time: time, key: "dev", model: "m")) }
        writer.close()
        try scratch.importer(store).drain()
        var query = RequestQuery()
        query.limit = 3
        var found: [String] = []
        repeat {
            let page = try await store.requests(query: query)
            found += page.data.map(\.id)
            query.cursor = page.next
        } while query.cursor != nil
        #expect(found.count == 20 && Set(found).count == 20)
    }

    @Test("Requests of an earlier schema keep their order and their attempts")
    func migration() async throws {
        let scratch = try Scratch()
        try scratch.earlierStore(schema: 5, Self.earlierRequests(time))
        let store = try scratch.store()
        let records = try await store.everyRequest()
        #expect(records.map(\.id) == ["first", "second", "third"])
        #expect(records.map(\.time) == [time, time, time + 5])
        #expect(records.map(\.attempts.count) == [1, 2, 1])
        #expect(records[1].attempts.map(\.site) == ["beta", "alpha"])
        #expect(records[1].warnings == ["w"] && records[1].cost == Money(picodollars: 12))
        #expect(try await store.pruneRequests(before: time + 1) == 2)
        #expect(try await store.everyRequest().map(\.id) == ["third"])
    }

    /// Three requests in the tables of version 5.
    private static func earlierRequests(_ time: Int64) -> String {
        let values = "'dev', 'm', 'alpha', 'main', 'm', 200, 1"
        let rest = "1, 1, NULL, NULL, NULL, 0, 12, 7, NULL, 0, 'openai.chat', 'openai.chat', ''"
        return """
            INSERT INTO requests VALUES
                (1, 'third', \(time + 5), \(values), 1, 30, \(rest), NULL),
                (2, 'first', \(time), \(values), 1, 30, \(rest), NULL),
                (3, 'second', \(time), \(values), 2, NULL, \(rest), '["w"]');
            INSERT INTO attempts VALUES
                (3, 0, 'beta', 'spare', 'm', 500, 'site', 'broken', 5), (3, 1, 'alpha', 'main', 'm', 200, 'ok', '', 30);
            """
    }
}
