import Foundation
import PatchbayCore
import Testing

@testable import PatchbayStore

/// The database cannot be used, is taken away, or comes back.
@Suite struct StoreFailureTests {
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private var database: String { scratch.path + "/patchbay.db" }

    private func move(_ suffixes: [String], away: Bool) throws {
        for suffix in suffixes {
            let (here, there) = (database + suffix, database + suffix + ".away")
            guard FileManager.default.fileExists(atPath: away ? here : there) else { continue }
            try FileManager.default.moveItem(atPath: away ? here : there, toPath: away ? there : here)
        }
    }

    @Test func aDatabaseThatIsGoneIsNotMadeAnew() throws {
        let store = try scratch.store()
        try store.setSetting("a", to: "1")
        try move(["", "-wal", "-shm"], away: true)
        #expect(throws: StoreError.self) { try store.setSetting("a", to: "2") }
        #expect(throws: StoreError.self) { try store.setting("a") }
        #expect(!FileManager.default.fileExists(atPath: database))
        try move(["", "-wal", "-shm"], away: false)
        #expect(try store.setting("a") == "1")
        try store.setSetting("a", to: "3")
        #expect(try store.setting("a") == "3")
    }

    @Test func aDatabaseThatWasReplacedIsUsedIfItHasTheSchema() throws {
        let store = try scratch.store()
        try store.setSetting("a", to: "old")
        let other = try Scratch()
        do {
            let copy = try other.store()
            try copy.setSetting("a", to: "restored")
            copy.close()
        }
        try move(["", "-wal", "-shm"], away: true)
        try FileManager.default.copyItem(atPath: other.path + "/patchbay.db", toPath: database)
        #expect(try store.setting("a") == "restored")
    }

    @Test func recordsWaitOnDiskWhileTheDatabaseIsGone() async throws {
        let store = try scratch.store()
        let importer = try scratch.importer(store)
        let writer = try LedgerWriter(directory: scratch.path, loop: 0)
        writer.finish(.sample("one", time: 1))
        #expect(try importer.drain() == 1)
        try move(["", "-wal", "-shm"], away: true)
        writer.finish(.sample("two", time: 2))
        #expect(throws: StoreError.self) { try importer.drain() }
        #expect(importer.statistics.lastError?.code == .system)
        writer.finish(.sample("three", time: 3))
        try move(["", "-wal", "-shm"], away: false)
        #expect(try importer.drain() == 2)
        #expect(importer.statistics.lastError == nil)
        #expect(try await store.everyRequest().map(\.id) == ["one", "two", "three"])
    }

    @Test(arguments: [
        (#"["*"]"#, ["*"]), ("[]", []), (#"["a","b c"]"#, ["a", "b c"]), (#"["",""]"#, ["", ""]), (#"["ö,]["]"#, ["ö,]["]),
    ])
    func listsOfWordsAreReadWithoutJSONFunctions(text: String, words: [String]) {
        #expect(PlainList.words(text) == words)
    }

    @Test(arguments: ["", "[", "]", "{}", #"["a]"#, #"["a\"b"]"#, #"["a",]"#, #"["a" ]"#, "[1]", #"["a""b"]"#])
    func whateverElseIsLeftToThem(text: String) {
        #expect(PlainList.words(text) == nil)
    }
}
