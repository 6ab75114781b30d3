import Foundation
import PatchbayCore
import Testing

@testable import PatchbayStore

@Suite struct FileStoreTests {
    private let directory = FileManager.default.temporaryDirectory.appending(path: "files-\(UUID().uuidString)")

    private func withStore(
        keyCount: Int = 1_000, keyBytes: Int = 1_000_000, _ body: (FileStore) async throws -> Void
    ) async throws {
        var settings = FileStoreSettings()
        settings.keyCount = keyCount
        settings.keyBytes = keyBytes
        let store = try FileStore(directory: directory.path(percentEncoded: false), settings: settings)
        try await body(store)
        store.close()
    }

    private func put(
        _ text: String, owner: String = "a", purpose: String = "user_data", keep: Int64? = nil, in store: FileStore
    ) async throws -> FileUpload {
        let file = NewFile(
            name: "n.txt", type: "text/plain", purpose: purpose, keepMilliseconds: keep, bytes: text.utf8.count
        ) { use in Array(text.utf8).withUnsafeBytes(use) }
        return try await withCheckedContinuation { continuation in
            store.put(file, owner: owner) { continuation.resume(returning: $0) }
        }.get()
    }

    private func kept(
        _ text: String, owner: String = "a", purpose: String = "user_data", keep: Int64? = nil, in store: FileStore
    ) async throws -> StoredFile {
        let upload = try await put(text, owner: owner, purpose: purpose, keep: keep, in: store)
        guard case .kept(let file) = upload else { throw StoreError(.invalid, "\(upload)") }
        return file
    }

    private func content(_ id: String, owner: String = "a", in store: FileStore) async throws -> String? {
        let found = try await withCheckedContinuation { continuation in
            store.open(id, owner: owner) { continuation.resume(returning: $0) }
        }.get()
        guard let found else { return nil }
        let bytes = try await withCheckedContinuation { continuation in
            store.read(found.content, at: 0, count: found.file.bytes) { continuation.resume(returning: $0) }
        }.get()
        return String(decoding: bytes, as: UTF8.self)
    }

    private func remove(_ id: String, owner: String = "a", in store: FileStore) async throws -> Bool {
        try await withCheckedContinuation { continuation in
            store.remove(id, owner: owner) { continuation.resume(returning: $0) }
        }.get()
    }

    private func list(
        owner: String = "a", in store: FileStore, _ change: (inout FileListQuery) -> Void = { _ in }
    ) async throws -> FilePage? {
        var query = FileListQuery()
        change(&query)
        return try await withCheckedContinuation { [query] continuation in
            store.list(query, owner: owner) { continuation.resume(returning: $0) }
        }.get()
    }

    private var contents: [String] {
        get throws {
            try FileManager.default.contentsOfDirectory(
                atPath: directory.appending(path: "files").path(percentEncoded: false))
        }
    }

    @Test func aFileIsKeptForItsOwnerAlone() async throws {
        defer { try? FileManager.default.removeItem(at: directory) }
        try await withStore { store in
            #expect(!store.hasFiles)
            let file = try await kept("hello", in: store)
            #expect(store.hasFiles)
            #expect(file.id.hasPrefix("file-pb-") && file.id.utf8.count == FileStore.idBytes)
            #expect(try await content(file.id, in: store) == "hello")
            #expect(try await content(file.id, owner: "b", in: store) == nil)
            #expect(try await !remove(file.id, owner: "b", in: store))
            #expect(try await list(owner: "b", in: store)?.files == [])
            #expect(try await remove(file.id, in: store))
            #expect(try await content(file.id, in: store) == nil)
            #expect(try !store.hasFiles && contents.isEmpty)
        }
    }

    @Test func filesOutliveTheProcessAndStraysDoNot() async throws {
        defer { try? FileManager.default.removeItem(at: directory) }
        var id = ""
        try await withStore { id = try await kept("hello", in: $0).id }
        for stray in ["file-pb-stray", "\(id).part"] {
            try Data("x".utf8).write(to: directory.appending(path: "files/\(stray)"))
        }
        try await withStore { store in
            #expect(store.hasFiles)
            let text = try await content(id, in: store)
            #expect(text == "hello")
            #expect(try contents == [id])
        }
    }

    @Test func aKeyHasBounds() async throws {
        defer { try? FileManager.default.removeItem(at: directory) }
        try await withStore(keyCount: 2, keyBytes: 10) { store in
            #expect(try await put("12345678901", in: store) == .tooLarge(by: 1))
            let first = try await kept("12345", in: store)
            #expect(try await put("123456", in: store) == .tooLarge(by: 1))
            _ = try await kept("12345", in: store)
            #expect(try await put("1", in: store) == .tooMany)
            _ = try await kept("12345", owner: "b", in: store)
            _ = try await remove(first.id, in: store)
            _ = try await kept("1", in: store)
            #expect(try contents.count == 3)
        }
    }

    @Test func whatHasExpiredIsGoneAndMakesRoom() async throws {
        defer { try? FileManager.default.removeItem(at: directory) }
        try await withStore(keyCount: 1) { store in
            let file = try await kept("hello", keep: 0, in: store)
            #expect(file.expires == file.created)
            #expect(try await content(file.id, in: store) == nil)
            #expect(try await list(in: store)?.files == [])
            let other = try await kept("world", in: store)
            #expect(other.expires == other.created + FileStoreSettings().keepMilliseconds)
            #expect(try contents == [other.id])
        }
    }

    @Test func theSweepRemovesWhatHasExpired() async throws {
        defer { try? FileManager.default.removeItem(at: directory) }
        try await withStore { store in
            _ = try await kept("hello", keep: 0, in: store)
            #expect(try contents.count == 1)
            store.sweep()
            #expect(try await list(in: store)?.files == [])
            #expect(try contents.isEmpty && !store.hasFiles)
        }
    }

    @Test func listsAreInOrderAndInPages() async throws {
        defer { try? FileManager.default.removeItem(at: directory) }
        try await withStore { store in
            var ids: [String] = []
            for number in 0..<5 {
                ids.append(
                    try await kept("\(number)", purpose: number == 2 ? "batch" : "vision", in: store).id)
            }
            let all = Array(ids.reversed())
            func page(_ change: (inout FileListQuery) -> Void) async throws -> ([String], Bool)? {
                try await list(in: store, change).map { ($0.files.map(\.id), $0.hasMore) }
            }
            #expect(try await page { _ in }?.0 == all)
            #expect(try await page { $0.oldestFirst = true }?.0 == ids)
            #expect(try await page { $0.purpose = "batch" }?.0 == [ids[2]])
            let first = try await page { $0.limit = 2 }
            #expect(first?.0 == Array(all[..<2]) && first?.1 == true)
            let second = try await page { ($0.limit, $0.after) = (3, all[1]) }
            #expect(second?.0 == Array(all[2...]) && second?.1 == false)
            let before = try await page { ($0.limit, $0.before) = (2, all[3]) }
            #expect(before?.0 == Array(all[1..<3]) && before?.1 == true)
            #expect(try await page { $0.ids = [ids[1], "x", ids[0]] }?.0 == [ids[1], ids[0]])
            #expect(try await page { $0.after = "x" } == nil)
        }
    }
}
