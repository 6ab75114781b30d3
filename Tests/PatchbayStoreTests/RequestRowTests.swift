import Foundation
import PatchbayCore
import Testing

@testable import PatchbayStore

@Suite("Rows of requests")
struct RequestRowTests {
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private static let time: Int64 = 1_700_000_000_000

    /// The columns of `requests` when it was a table.
    private static let columns = """
        number, id, key, model, site, account, upstream_model, status, outcome, attempts, attempt_ms, input_tokens, \
        output_tokens, cached_tokens, cache_write_tokens, reasoning_tokens, estimated, cost, latency_ms, \
        first_token_ms, stream, client_format, upstream_format, error_code, warnings
        """

    @Test("Requests of the version with one table are the same afterwards")
    func migration() async throws {
        let rows = (0..<200).map { index in
            """
            (\((Self.time + Int64(index)) << 20 + Int64(index)), 'r\(index)', 'key\(index % 7)', 'm\(index % 3)', \
            's\(index % 2)', 'a', 'um', \([200, 429, 0, 599][index % 4]), \(index % 5 + 1), \(index % 33), \
            \(index % 33 == 1 ? "5" : "NULL"), \(index), NULL, 0, 1, 2, \(index % 2), \(index * 1_000_000_007), \(index), \
            \(index % 2 == 0 ? "3" : "NULL"), \(index / 2 % 2), 'openai.chat', 'x', '', \
            \(index % 9 == 0 ? "'[\"w\"]'" : "NULL"))
            """
        }
        try scratch.earlierStore(
            schema: 6,
            """
            INSERT INTO requests VALUES \(rows.joined(separator: ", "));
            INSERT INTO attempts SELECT number, 0, 's', 'a', 'm', 500, 'site', 'why', 5 FROM requests WHERE attempts = 2;
            CREATE TABLE earlier_requests AS SELECT * FROM requests;
            CREATE TABLE earlier_attempts AS SELECT * FROM attempts;
            """)
        let store = try scratch.store()
        let counts = try await store.read { database throws(StoreError) in
            try database.rows(
                """
                SELECT count(*) FROM requests UNION ALL
                SELECT count(*) FROM (
                    SELECT \(Self.columns) FROM requests EXCEPT SELECT \(Self.columns) FROM earlier_requests)
                UNION ALL
                SELECT count(*) FROM (
                    SELECT \(Self.columns) FROM earlier_requests EXCEPT SELECT * FROM requests)
                UNION ALL SELECT count(*) FROM (SELECT * FROM attempts EXCEPT SELECT * FROM earlier_attempts)
                UNION ALL SELECT count(*) FROM attempts
                UNION ALL SELECT count(*) FROM request_keys UNION ALL SELECT count(*) FROM request_paths
                """
            ) { $0.int(0) }
        }
        #expect(counts == [200, 0, 0, 0, 6, 7, 6])
        #expect(try await store.request(id: "r1")?.attempts.map(\.milliseconds) == [5])
        #expect(try await store.pruneRequests(before: Self.time + 100) == 100)
        #expect(try await store.everyRequest().map(\.id) == (100..<200).map { "r\($0)" })
    }

    @Test("A condition never makes a query read more than the newest rows it needs")
    func plans() async throws {
        let store = try scratch.store()
        for change: (inout RequestQuery) -> Void in [
            { _ in }, { $0.model = "m" }, { $0.site = "s" }, { $0.account = "a" }, { $0.key = "k" },
            { ($0.key, $0.model, $0.site, $0.account) = ("k", "m", "s", "a") }, { $0.since = 5 }, { $0.status = 200 },
        ] {
            var query = RequestQuery()
            change(&query)
            let (condition, values) = try query.condition()
            let plan = try await store.read { database throws(StoreError) in
                try database.rows(
                    "EXPLAIN QUERY PLAN SELECT \(Self.columns) FROM requests\(condition) ORDER BY number DESC LIMIT 5",
                    values
                ) { $0.text(3) }
            }
            #expect(!plan.contains { $0.contains("TEMP B-TREE") || $0.contains("AUTOMATIC") }, "\(condition) \(plan)")
        }
    }

    /// Ids of one length whose numbers collide.
    private func rivals() throws -> (String, String) {
        var byNumber: [RequestNumber: String] = [:]
        for index in 0..<1_000_000 {
            let id = "r\(index)"
            let number = Array(id.utf8).withUnsafeBytes { RequestNumber(time: Self.time, id: $0) }
            if let other = byNumber[number] { return (other, id) }
            byNumber[number] = id
        }
        throw CancellationError()
    }

    @Test("Of plain rows that go in together each is kept once, also where two want one number")
    func groups() async throws {
        let store = try scratch.store()
        let (one, other) = try rivals()
        let writer = try LedgerWriter(directory: scratch.path, loop: 0)
        let words = try #require(LedgerWords(.plainSample("")))
        let ids = (0..<70).map { "q\($0)" } + [one, other]
        func write(_ ids: [String]) {
            for id in ids { writer.finish(.plainSample(id, time: Self.time), words: words, place: .unknown) }
        }
        write(ids + ids.prefix(10))
        #expect(try scratch.importer(store).drain() == 72)
        write(ids)
        write(["new"])
        #expect(try scratch.importer(store).drain() == 1)
        let rows = try await store.everyRequest()
        #expect(rows.count == 73 && Set(rows.map(\.id)) == Set(ids + ["new"]))
        for row in rows { #expect(row == .plainSample(row.id)) }
    }

    @Test("Names are kept once, and go with the last request that has them")
    func sweeping() async throws {
        let store = try scratch.store()
        let importer = try scratch.importer(store)
        let writer = try LedgerWriter(directory: scratch.path, loop: 0)
        func write(_ round: Int) throws {
            for index in 0..<30 {
                var record = RequestRecord.plainSample("r\(round)-\(index)", time: Self.time + Int64(round))
                record.key = "key\(index % 3)"
                if index % 2 == 0 { record.model = "m\(round)" }
                writer.finish(record)
            }
            #expect(try importer.drain() == 30)
        }
        func names() async throws -> [String] {
            try await store.read { database throws(StoreError) in
                try database.rows("SELECT name FROM request_keys UNION ALL SELECT model FROM request_paths ORDER BY 1") {
                    $0.text(0)
                }
            }
        }
        try write(0)
        try write(1)
        #expect(try await names() == ["gpt-4o", "key0", "key1", "key2", "m0", "m1"])
        #expect(try await store.pruneRequests(before: Self.time + 1) == 30)
        #expect(try await names() == ["gpt-4o", "key0", "key1", "key2", "m1"])
        #expect(try await store.pruneRequests(before: Self.time + 2) == 30)
        #expect(try await names() == [])
        try write(3)
        #expect(try await names() == ["gpt-4o", "key0", "key1", "key2", "m3"])
        #expect(try await store.usage(groupBy: .model).map(\.requests) == [15, 15])
    }

    @Test("Names that another program has swept are made anew")
    func sweptByOthers() async throws {
        let store = try scratch.store()
        let importer = try scratch.importer(store)
        let writer = try LedgerWriter(directory: scratch.path, loop: 0)
        writer.finish(.plainSample("r1"))
        try importer.drain()
        let other = try Database(path: scratch.path + "/patchbay.db", readOnly: false)
        try other.script("DELETE FROM request_rows; DELETE FROM request_keys; DELETE FROM request_paths")
        writer.finish(.plainSample("r2"))
        try importer.drain()
        #expect(try await store.everyRequest() == [.plainSample("r2")])
    }

    @Test("A table of names finds what it was told, and forgets all when it is full")
    func nameTable() {
        var table = NameTable(limit: 1_000)
        func find(_ name: String) -> Int64? { Array(name.utf8).withUnsafeBytes { table.number(of: $0) } }
        #expect(find("") == nil)
        for index in 1...1_000 {
            Array("name\(index)".utf8).withUnsafeBytes { table.note($0, Int64(index)) }
            Array("name\(index)".utf8).withUnsafeBytes { table.note($0, Int64(index)) }
        }
        for index in 1...1_000 { #expect(find("name\(index)") == Int64(index)) }
        #expect(find("name") == nil && find("name1001") == nil && find("") == nil)
        Array("one more".utf8).withUnsafeBytes { table.note($0, 7) }
        #expect(find("one more") == 7 && find("name1") == nil)
    }

    @Test("Places of beginnings are taken back once")
    func places() {
        var places = LedgerPlaces()
        for offset in stride(from: 64, to: 65_536, by: 24) { places.insert(offset) }
        let removed = [64, 64, 72, 89, 1 << 40].map { places.remove($0) }
        #expect(removed == [true, false, false, false, false])
        var left: [Int] = []
        places.removeAll { left.append($0) }
        let again = places.remove(88)
        #expect(left == Array(stride(from: 88, to: 65_536, by: 24)) && !again)
    }
}
