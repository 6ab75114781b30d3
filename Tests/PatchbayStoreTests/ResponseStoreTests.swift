import Foundation
import PatchbayCore
import Testing

@testable import PatchbayStore

@Suite struct ResponseStoreTests {
    private func withStore(
        _ change: (inout ResponseStoreSettings) -> Void = { _ in }, _ body: (ResponseStore, String) async throws -> Void
    ) async throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "responses-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: directory) }
        var settings = ResponseStoreSettings()
        change(&settings)
        let path = directory.path(percentEncoded: false)
        let store = try ResponseStore(directory: path, settings: settings)
        try await body(store, path)
        store.close()
    }

    private func response(
        _ id: String, owner: String = "a", previous: String? = nil, size: Int = 0
    ) -> StoredResponse {
        StoredResponse(
            id: id, owner: owner, previous: previous, channel: "site/account", input: Array("[\"\(id)\"]".utf8),
            response: Array("{}".utf8) + [UInt8](repeating: 0x20, count: size))
    }

    private func find(_ id: String, _ owner: String = "a", in store: ResponseStore) async throws -> StoredResponse? {
        try await withCheckedContinuation { continuation in
            store.find(id, owner: owner) { continuation.resume(returning: $0) }
        }.get()
    }

    private func conversation(_ id: String, _ owner: String = "a", in store: ResponseStore) async throws -> [String] {
        try await withCheckedContinuation { continuation in
            store.conversation(id, owner: owner) { continuation.resume(returning: $0) }
        }.get().map(\.id)
    }

    private func holders(_ items: [String], _ owner: String = "a", in store: ResponseStore) async throws -> [String] {
        try await withCheckedContinuation { continuation in
            store.recall(previous: nil, items: items, owner: owner) { continuation.resume(returning: $0) }
        }.get().holders.map(\.id)
    }

    private func remove(_ id: String, _ owner: String = "a", in store: ResponseStore) async throws -> Bool {
        try await withCheckedContinuation { continuation in
            store.remove(id, owner: owner) { continuation.resume(returning: $0) }
        }.get()
    }

    @Test func whoeverHasSeenAResponseFindsItAndNobodyElseDoes() async throws {
        try await withStore { (store, _) async throws in
            #expect(store.put(response("resp_1")))
            let found = try await find("resp_1", in: store)
            #expect(found?.input == Array("[\"resp_1\"]".utf8) && found?.channel == "site/account")
            #expect(try await find("resp_1", "b", in: store) == nil)
            #expect(try await conversation("resp_1", "b", in: store) == [])
            #expect(try await remove("resp_1", "b", in: store) == false)
            #expect(try await remove("resp_1", in: store))
            #expect(try await find("resp_1", in: store) == nil)
            #expect(try await remove("resp_1", in: store) == false)
        }
    }

    @Test func aConversationIsPutTogetherFromItsBeginning() async throws {
        try await withStore { (store, _) async throws in
            store.put(response("resp_1"))
            store.put(response("resp_2", previous: "resp_1"))
            store.put(response("resp_3", previous: "resp_2"))
            store.put(response("other", owner: "b", previous: "resp_2"))
            #expect(try await conversation("resp_3", in: store) == ["resp_1", "resp_2", "resp_3"])
            // A key cannot reach into the conversation of another by naming it.
            #expect(try await conversation("other", "b", in: store) == [])
            _ = try await remove("resp_1", in: store)
            #expect(try await conversation("resp_3", in: store) == [])
        }
    }

    @Test func theSameIdOfTwoOwnersIsTwoResponses() async throws {
        try await withStore { (store, _) async throws in
            store.put(response("resp_1"))
            store.put(response("resp_1", owner: "b", size: 5))
            #expect(try await find("resp_1", in: store)?.response == Array("{}".utf8))
            #expect(try await remove("resp_1", "b", in: store))
            #expect(try await find("resp_1", in: store) != nil)
        }
    }

    @Test func itemsAreFoundWhileTheirResponseIsKept() async throws {
        try await withStore { (store, _) async throws in
            for (id, items) in [("resp_1", ["msg_1", "rs_1"]), ("resp_2", ["msg_2"])] {
                var kept = response(id)
                kept.items = items
                store.put(kept)
            }
            #expect(try await holders(["rs_1", "msg_1", "none"], in: store) == ["resp_1"])
            #expect(try await holders(["msg_1", "msg_2"], in: store).sorted() == ["resp_1", "resp_2"])
            #expect(try await holders(["msg_1"], "b", in: store) == [])
            _ = try await remove("resp_1", in: store)
            #expect(try await holders(["msg_1", "rs_1"], in: store) == [])
        }
    }

    @Test func aCircleOfResponsesIsNoConversation() async throws {
        try await withStore { (store, _) async throws in
            store.put(response("resp_1", previous: "resp_2"))
            store.put(response("resp_2", previous: "resp_1"))
            #expect(try await conversation("resp_1", in: store) == [])
        }
    }

    @Test func everythingExpires() async throws {
        try await withStore({ $0.keepMilliseconds = 1 }) { (store, _) async throws in
            store.put(response("resp_1"))
            var found: StoredResponse? = response("")
            while found != nil { found = try await find("resp_1", in: store) }
        }
    }

    @Test func theOldestMakeRoomAndWhatIsTooLargeIsNotKept() async throws {
        try await withStore({
            $0.bytes = 100_000
            $0.entryBytes = 20_000
        }) { (store, _) async throws in
            store.put(response("large", size: 20_000))
            #expect(try await find("large", in: store) == nil)
            for number in 0..<40 { store.put(response("resp_\(number)", size: 10_000)) }
            #expect(try await find("resp_0", in: store) == nil)
            #expect(try await find("resp_39", in: store) != nil)
        }
    }

    @Test func responsesSurviveTheProcess() async throws {
        try await withStore { (store, path) async throws in
            store.put(response("resp_1"))
            store.close()
            #expect(store.put(response("resp_2")) == false)
            let again = try ResponseStore(directory: path, settings: ResponseStoreSettings())
            let kept = try await find("resp_1", in: again)
            #expect(kept != nil)
            again.close()
            let attributes = try FileManager.default.attributesOfItem(atPath: path + "/responses.db")
            #expect((attributes[.posixPermissions] as? Int).map { $0 & 0o077 } == 0)
        }
    }

    @Test func whatWasUnfinishedHasFailedAtTheNextStart() async throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "responses-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: directory) }
        let path = directory.path(percentEncoded: false)
        func open() throws -> ResponseStore { try ResponseStore(directory: path, settings: ResponseStoreSettings()) }
        var store = try open()
        for id in ["done", "cut"] {
            var unfinished = response(id)
            unfinished.failed = Array("failed".utf8)
            store.put(unfinished)
        }
        store.put(response("done"))
        store.close()
        for _ in 0..<2 {
            store = try open()
            let (done, cut) = (try await find("done", in: store), try await find("cut", in: store))
            #expect(done?.response == Array("{}".utf8) && cut?.response == Array("failed".utf8))
            store.close()
        }
    }
}
