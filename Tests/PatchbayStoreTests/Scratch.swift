import Foundation
import PatchbayCore

@testable import PatchbayStore

/// A data directory that goes away with the test.
final class Scratch {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "patchbay-store-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    static let key = Array(repeating: UInt8(7), count: 32)

    func store() throws -> Store { try Store(directory: path, sealing: SealingKey(bytes: Self.key)) }

    /// Makes the database of an earlier version, with what a script adds to it.
    func earlierStore(schema: Int, _ script: String) throws {
        let folder = path + "/earlier"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let installed = try Migrator.installedDirectory()
        for file in try FileManager.default.contentsOfDirectory(atPath: installed).sorted().prefix(schema) {
            try FileManager.default.copyItem(atPath: "\(installed)/\(file)", toPath: "\(folder)/\(file)")
        }
        let database = try Database(path: path + "/patchbay.db", readOnly: false)
        try Migrator(directory: folder).run(on: database)
        try database.script(script)
    }

    func importer(_ store: Store) throws -> LedgerImporter {
        try LedgerImporter(store: store, directory: path, syncInterval: 0)
    }

    var segments: [String] {
        get throws {
            try FileManager.default.contentsOfDirectory(atPath: path + "/ledger").filter { $0.hasSuffix(".ledger") }
                .sorted()
        }
    }

    func segmentPath(_ name: String) -> String { "\(path)/ledger/\(name)" }

    func bytes(of segment: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: segmentPath(segment))) }

    func write(_ bytes: Data, to segment: String) throws {
        try bytes.write(to: URL(fileURLWithPath: segmentPath(segment)))
    }
}

extension Store {
    /// All requests of the ledger, oldest first.
    func everyRequest() async throws -> [RequestRecord] {
        var query = RequestQuery()
        query.limit = RequestQuery.longestPage
        var all: [RequestRecord] = []
        repeat {
            let page = try await requests(query: query)
            all += page.data
            query.cursor = page.next
        } while query.cursor != nil
        return all.reversed()
    }
}

extension RequestRecord {
    /// A record in which every field differs from its default.
    static func sample(_ id: String, time: Int64 = 1_700_000_000_000) -> RequestRecord {
        var record = RequestRecord(id: id, time: time, key: "dev", model: "gpt-4o")
        record.site = "alpha"
        record.account = "main"
        record.upstreamModel = "gpt-4o-2024-08-06"
        record.status = 200
        record.outcome = .completed
        record.attempts = [
            AttemptRecord(
                site: "beta", account: "spare", upstreamModel: "gpt-4o", status: 429, fault: "rate",
                reason: "Rate limit reached.", milliseconds: 20),
            AttemptRecord(
                site: "alpha", account: "main", upstreamModel: "gpt-4o-2024-08-06", status: 200, fault: "ok",
                reason: "",
                milliseconds: 300),
        ]
        record.usage = TokenUsage(input: 100, output: 20, cached: 40, cacheWrite: 5, reasoning: 7, estimated: true)
        record.cost = Money(picodollars: 123_456_789)
        record.latencyMilliseconds = 321
        record.firstTokenMilliseconds = 45
        record.stream = true
        record.clientFormat = "openai.chat"
        record.upstreamFormat = "anthropic.messages"
        record.errorCode = "none"
        record.warnings = ["dropped \"seed\"", "dropped logit_bias"]
        return record
    }

    /// A record of which a row and the milliseconds of the attempt say everything.
    static func plainSample(_ id: String, time: Int64 = 1_700_000_000_000) -> RequestRecord {
        var record = sample(id, time: time)
        record.attempts.removeFirst()
        record.warnings = []
        return record
    }

    /// The row of a request that was in flight when its process ended.
    static func interrupted(_ id: String, time: Int64, key: String = "dev", model: String = "gpt-4o") -> RequestRecord {
        var record = RequestRecord(id: id, time: time, key: key, model: model)
        record.outcome = .interrupted
        record.errorCode = "interrupted"
        return record
    }
}

extension LedgerWriter {
    /// What the gateway writes at the beginning of a request whose words it knows.
    func begin(_ record: RequestRecord, words: LedgerWords) -> LedgerPlace {
        Array(record.id.utf8).withUnsafeBytes { begin(id: $0, time: record.time, words: words) }
    }

    /// What the gateway writes at the end of one that went well at the first attempt.
    func finish(_ record: RequestRecord, words: LedgerWords, place: LedgerPlace) {
        Array(record.id.utf8).withUnsafeBytes { id in
            finish(
                id: id, RequestNumbers(record), attemptMilliseconds: record.attempts[0].milliseconds, words: words,
                place: place)
        }
    }
}
