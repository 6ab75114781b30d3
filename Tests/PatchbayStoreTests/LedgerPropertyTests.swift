import PatchbayCore
import Testing

@testable import PatchbayStore

/// Random histories of beginnings, ends, crashes and imports must leave exactly the rows a model predicts.
@Suite struct LedgerPropertyTests {
    @Test(arguments: 1...12)
    func anyHistoryLeavesExactlyItsRows(seed: UInt64) async throws {
        let scratch = try Scratch()
        let store = try scratch.store()
        var history = try History(scratch: scratch, store: store, seed: seed)
        for _ in 0..<600 { try history.step() }
        try history.end()
        let rows = try await store.everyRequest()
        #expect(Dictionary(grouping: rows, by: \.id).allSatisfy { $1.count == 1 })
        #expect(Dictionary(uniqueKeysWithValues: rows.map { ($0.id, $0.outcome) }) == history.expected)
        #expect(try scratch.segments.isEmpty)
        let left = try await store.read { database throws(StoreError) in
            try database.row("SELECT (SELECT count(*) FROM ledger_open)") { $0.int(0) }
        }
        #expect(left == 0)
    }

    private struct History {
        let scratch: Scratch
        let store: Store
        var random: SeededGenerator
        var writers: [LedgerWriter] = []
        var importers: [LedgerImporter] = []
        /// Requests in flight, by writer.
        var open: [[String]] = [[], [], []]
        var expected: [String: RequestOutcome] = [:]
        var count = 0

        init(scratch: Scratch, store: Store, seed: UInt64) throws {
            self.scratch = scratch
            self.store = store
            random = SeededGenerator(seed: seed)
            for loop in 0..<3 { writers.append(try makeWriter(loop)) }
            for _ in 0..<2 { importers.append(try scratch.importer(store)) }
        }

        private func makeWriter(_ loop: Int) throws -> LedgerWriter {
            try LedgerWriter(directory: scratch.path, loop: loop, segmentBytes: 65_536)
        }

        mutating func step() throws {
            let loop = Int.random(in: 0..<3, using: &random)
            switch Int.random(in: 0..<100, using: &random) {
            case 0..<45: begin(loop)
            case 45..<88: finish(loop)
            case 88..<94: try importers[Int.random(in: 0..<2, using: &random)].drain()
            case 94..<96: importers[Int.random(in: 0..<2, using: &random)] = try scratch.importer(store)
            case 96..<98: try crash(loop)
            default: try close(loop)
            }
        }

        mutating func begin(_ loop: Int) {
            for _ in 0..<Int.random(in: 1...20, using: &random) {
                count += 1
                let id = "r\(count)"
                writers[loop].begin(id: id, time: Int64(count), key: "dev", model: "gpt-4o")
                open[loop].append(id)
            }
        }

        mutating func finish(_ loop: Int) {
            for _ in 0..<Int.random(in: 1...20, using: &random) where !open[loop].isEmpty {
                let id = open[loop].remove(at: Int.random(in: 0..<open[loop].count, using: &random))
                // Beginning and end of a request carry the same time, that of its beginning.
                var record = RequestRecord.sample(id, time: Int64(id.dropFirst()) ?? 0)
                record.outcome = Bool.random(using: &random) ? .completed : .cancelled
                writers[loop].finish(record)
                expected[id] = record.outcome
            }
        }

        mutating func crash(_ loop: Int) throws {
            writers[loop].abandon()
            for id in open[loop] { expected[id] = .interrupted }
            open[loop] = []
            writers[loop] = try makeWriter(loop)
        }

        mutating func close(_ loop: Int) throws {
            finish(loop)
            writers[loop].close()
            for id in open[loop] { expected[id] = .interrupted }
            open[loop] = []
            writers[loop] = try makeWriter(loop)
        }

        mutating func end() throws {
            for loop in 0..<3 { try crash(loop) }
            for writer in writers { writer.close() }
            for importer in importers { try importer.drain() }
            try scratch.importer(store).drain()
            try scratch.importer(store).drain()
        }
    }
}
