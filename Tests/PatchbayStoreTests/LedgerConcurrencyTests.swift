import Foundation
import PatchbayCore
import Testing

@testable import PatchbayStore

@Suite struct LedgerConcurrencyTests {
    @Test func writersOnTheirThreadsAndTheImporterOnItsOwnLoseNothing() async throws {
        let scratch = try Scratch()
        let store = try scratch.store()
        let importer = try LedgerImporter(store: store, directory: scratch.path, interval: 1, syncInterval: 5)
        try importer.start()
        let path = scratch.path
        await withTaskGroup { group in
            for loop in 0..<3 {
                group.addTask {
                    await Self.onOwnThread {
                        guard let writer = try? LedgerWriter(directory: path, loop: loop, segmentBytes: 65_536) else {
                            Issue.record("no writer")
                            return
                        }
                        for index in 0..<3_000 {
                            writer.begin(id: "\(loop)-\(index)", time: 1, key: "k", model: "m")
                            if index % 10 != 9 { writer.finish(.sample("\(loop)-\(index)")) }
                        }
                        writer.close()
                    }
                }
            }
        }
        importer.stop()
        let rows = try await store.usage(groupBy: .key)
        #expect(rows.map(\.requests) == [3 * 2_700, 3 * 300])
        #expect(importer.statistics.imported == 9_000 && importer.statistics.lastError == nil)
        #expect(try scratch.segments.isEmpty)
    }

    private static func onOwnThread(_ body: @escaping @Sendable () -> Void) async {
        await withCheckedContinuation { continuation in
            Thread {
                body()
                continuation.resume()
            }.start()
        }
    }
}
