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

    /// The row of a request that was in flight when its process ended.
    static func interrupted(_ id: String, time: Int64, key: String = "dev", model: String = "gpt-4o") -> RequestRecord {
        var record = RequestRecord(id: id, time: time, key: key, model: model)
        record.outcome = .interrupted
        record.errorCode = "interrupted"
        return record
    }
}
