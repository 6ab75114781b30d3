import Foundation
import PatchbayCore
import Testing

@testable import PatchbayStore

@Suite struct LedgerTests {
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    @Test func everyFieldOfARecordComesBackFromTheDatabase() async throws {
        let store = try scratch.store()
        let writer = try LedgerWriter(directory: scratch.path, loop: 0)
        let record = RequestRecord.sample("r1")
        writer.begin(id: "r1", time: record.time, key: "dev", model: "gpt-4o")
        writer.finish(record)
        #expect(try drain(store) == 1)
        #expect(try await store.everyRequest() == [record])
        #expect(try await store.request(id: "r1") == record)
    }

    @Test func unknownCountersStayUnknown() async throws {
        let store = try scratch.store()
        let writer = try LedgerWriter(directory: scratch.path, loop: 0)
        var record = RequestRecord(id: "r1", time: 1, key: "", model: "")
        record.outcome = .failed
        writer.finish(record)
        try drain(store)
        #expect(try await store.everyRequest() == [record])
    }

    @Test func aPlainSuccessKeepsItsAttempt() async throws {
        let store = try scratch.store()
        let writer = try LedgerWriter(directory: scratch.path, loop: 0)
        var record = RequestRecord.sample("r1")
        record.attempts.removeFirst()
        writer.finish(record)
        try drain(store)
        #expect(try await store.everyRequest() == [record])
    }

    /// What is kept of one request says the same of the next as a record of its own would.
    @Test func wordsThatAreKeptSayWhatARecordSays() async throws {
        let store = try scratch.store()
        let writer = try LedgerWriter(directory: scratch.path, loop: 0)
        var record = RequestRecord.sample("r1")
        record.attempts.removeFirst()
        record.warnings = []
        let words = try #require(LedgerWords(record))
        for id in ["r1", "r2"] {
            record.id = id
            writer.finish(record, words: words, place: writer.begin(record, words: words))
        }
        record.id = "r3"
        _ = writer.begin(record, words: words)
        writer.abandon()
        try drain(store)
        let rows = try await store.everyRequest()
        #expect(rows.map(\.id) == ["r1", "r2", "r3"])
        for (row, id) in zip(rows.prefix(2), ["r1", "r2"]) {
            record.id = id
            #expect(row == record)
        }
        #expect(rows[2] == .interrupted("r3", time: record.time))
    }

    @Test func importingAgainAddsNothing() async throws {
        let store = try scratch.store()
        let writer = try LedgerWriter(directory: scratch.path, loop: 0)
        writer.finish(.sample("r1"))
        let importer = try scratch.importer(store)
        #expect(try drain(importer) == 1)
        #expect(try drain(importer) == 0)
        #expect(try drain(store) == 0)
        writer.finish(.sample("r1"))
        writer.finish(.sample("r2"))
        #expect(try drain(store) == 1)
        #expect(try await store.everyRequest().map(\.id) == ["r1", "r2"])
    }

    @Test func twoImportersBesideEachOtherCountOnce() async throws {
        let store = try scratch.store()
        let first = try scratch.importer(store)
        let second = try scratch.importer(store)
        let writer = try LedgerWriter(directory: scratch.path, loop: 0, segmentBytes: 65_536)
        var expected: [String] = []
        for round in 0..<40 {
            for index in 0..<50 {
                let id = "r\(round)-\(index)"
                writer.begin(id: id, time: Int64(round * 50 + index), key: "dev", model: "m")
                writer.finish(.sample(id, time: Int64(round * 50 + index)))
                expected.append(id)
            }
            try drain(round % 2 == 0 ? first : second)
        }
        writer.abandon()
        try drain(first)
        try drain(second)
        #expect(try await store.everyRequest().map(\.id) == expected)
        #expect(try scratch.segments.isEmpty)
    }

    @Test func requestsInFlightOfALiveWriterAreLeftAlone() async throws {
        let store = try scratch.store()
        let writer = try LedgerWriter(directory: scratch.path, loop: 0)
        writer.begin(id: "r1", time: 5, key: "dev", model: "gpt-4o")
        try drain(store)
        #expect(try await store.everyRequest().isEmpty)
        writer.finish(.sample("r1", time: 5))
        try drain(store)
        #expect(try await store.everyRequest() == [.sample("r1", time: 5)])
    }

    @Test func aWriterThatDiesLeavesItsRequestsInterrupted() async throws {
        let store = try scratch.store()
        let writer = try LedgerWriter(directory: scratch.path, loop: 0)
        writer.begin(id: "r1", time: 5, key: "dev", model: "gpt-4o")
        writer.begin(id: "r2", time: 6, key: "dev", model: "gpt-4o")
        writer.finish(.sample("r1", time: 5))
        writer.abandon()
        #expect(try drain(store) == 2)
        #expect(try await store.everyRequest() == [.sample("r1", time: 5), .interrupted("r2", time: 6)])
        #expect(try scratch.segments.isEmpty)
    }

    @Test func aFinishedSegmentGoesWhileItsRequestIsStillInFlight() async throws {
        let store = try scratch.store()
        let importer = try scratch.importer(store)
        let writer = try LedgerWriter(directory: scratch.path, loop: 0, segmentBytes: 65_536)
        writer.begin(id: "long", time: 1, key: "dev", model: "gpt-4o")
        writer.begin(id: "lost", time: 2, key: "dev", model: "gpt-4o")
        for index in 0..<500 { writer.finish(.sample("r\(index)", time: 10)) }
        try drain(importer)
        #expect(writer.statistics.segments > 1)
        #expect(try scratch.segments.count == 1)
        writer.finish(.sample("long", time: 1))
        writer.abandon()
        try drain(store)
        let rows = try await store.everyRequest()
        #expect(rows.count == 502)
        #expect(rows.prefix(2) == [.sample("long", time: 1), .interrupted("lost", time: 2)])
    }

    @Test func aClosedWriterLeavesNoSegment() async throws {
        let store = try scratch.store()
        let writer = try LedgerWriter(directory: scratch.path, loop: 3)
        writer.finish(.sample("r1"))
        writer.close()
        writer.finish(.sample("r2"))
        #expect(writer.statistics.lost == 1)
        #expect(try drain(store) == 1)
        #expect(try scratch.segments.isEmpty)
    }

    @Test func recordsWaitInMemoryWhileNoSegmentCanBeMade() async throws {
        let store = try scratch.store()
        let writer = try LedgerWriter(directory: scratch.path, loop: 0, segmentBytes: 65_536)
        let folder = scratch.path + "/ledger"
        try FileManager.default.moveItem(atPath: folder, toPath: folder + ".away")
        for index in 0..<400 { writer.finish(.sample("r\(index)", time: Int64(index))) }
        #expect(writer.statistics.queued > 0)
        #expect(writer.statistics.failures > 0)
        #expect(writer.statistics.lost == 0)
        try FileManager.default.moveItem(atPath: folder + ".away", toPath: folder)
        writer.close()
        #expect(writer.statistics.records == 400)
        try drain(store)
        #expect(try await store.everyRequest().map(\.id) == (0..<400).map { "r\($0)" })
    }

    @Test func textIsCutAtACharacterAndListsAtTheirBound() async throws {
        let store = try scratch.store()
        let writer = try LedgerWriter(directory: scratch.path, loop: 0)
        var record = RequestRecord.sample("r1")
        record.model = String(repeating: "a", count: 255) + "é"
        record.attempts = Array(repeating: record.attempts[0], count: 100)
        record.attempts[0].reason = String(repeating: "b", count: 10_000)
        record.warnings = Array(repeating: String(repeating: "w", count: 100), count: 100)
        writer.finish(record)
        try drain(store)
        let row = try #require(try await store.request(id: "r1"))
        #expect(row.model == String(repeating: "a", count: 255))
        #expect(row.attempts.count == LedgerFormat.Limit.attempts)
        #expect(row.attempts[0].reason.utf8.count == LedgerFormat.Limit.reason)
        #expect(row.warnings.count == LedgerFormat.Limit.warnings)
    }

    @Test func aFileThatIsNoSegmentIsSetAside() throws {
        let store = try scratch.store()
        let importer = try scratch.importer(store)
        let name = "0-0-0-0.00000000.ledger"
        try scratch.write(Data("not a segment".utf8), to: name)
        try drain(importer)
        #expect(try scratch.segments.isEmpty)
        #expect(FileManager.default.fileExists(atPath: scratch.segmentPath(name) + ".unreadable"))
    }

    @Test func aSegmentThatWasNeverFinishedGoesWhenItIsOld() throws {
        let importer = try scratch.importer(scratch.store())
        for name in ["0-0-0-0.00000000.ledger.new", "0-0-0-1.00000000.ledger.new"] {
            try scratch.write(Data("young".utf8), to: name)
        }
        let old = scratch.segmentPath("0-0-0-0.00000000.ledger.new")
        try FileManager.default.setAttributes([.modificationDate: Date(timeIntervalSince1970: 0)], ofItemAtPath: old)
        try drain(importer)
        let left = try FileManager.default.contentsOfDirectory(atPath: scratch.path + "/ledger")
        #expect(left == ["0-0-0-1.00000000.ledger.new"])
    }

    @discardableResult
    private func drain(_ store: Store) throws -> Int { try scratch.importer(store).drain() }

    @discardableResult
    private func drain(_ importer: LedgerImporter) throws -> Int { try importer.drain() }
}
