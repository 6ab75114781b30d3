import PatchbayCore
import Testing

@testable import PatchbayStore

/// Conversations with ids of their own: bounds, owners, pages.
@Suite struct ConversationTableTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private func table(_ change: (inout ResponseStoreSettings) -> Void = { _ in }) throws -> ConversationTable {
        var settings = ResponseStoreSettings()
        change(&settings)
        let database = try Database(path: scratch.path + "/conversations.db", readOnly: false)
        return try ConversationTable(database, settings)
    }

    private func conversation(_ id: String, owner: String = "a") -> StoredConversation {
        StoredConversation(id: id, owner: owner, created: 5_000, metadata: Array("{}".utf8))
    }

    private func items(_ ids: [String], size: Int = 2) -> [ConversationItem] {
        ids.map { ConversationItem(id: $0, item: [UInt8](repeating: 0x20, count: size)) }
    }

    private func kept(_ addition: ConversationAddition) -> [String]? {
        if case .added(let items) = addition { items.map(\.id) } else { nil }
    }

    @Test func itemsKeepTheirOrderAndEveryIdIsThereOnce() throws {
        let table = try table()
        #expect(try table.create(conversation("c"), now: 0))
        #expect(
            kept(try table.add(items(["x", "y"]), to: "c", owner: "a", isAnswer: false, now: 0)) == ["x", "y"])
        #expect(kept(try table.add(items(["x"]), to: "c", owner: "a", isAnswer: true, now: 0)) == ["x_2"])
        _ = try table.remove(item: "y", of: "c", owner: "a", now: 0)
        #expect(kept(try table.add(items(["z"]), to: "c", owner: "a", isAnswer: true, now: 0)) == ["z"])
        #expect(try table.recall("c", owner: "a", now: 0)?.items.map(\.id) == ["x", "x_2", "z"])
        #expect(kept(try table.add(items(["x"]), to: "none", owner: "a", isAnswer: true, now: 0)) == nil)
    }

    @Test(arguments: [
        (true, nil, ["a", "b"], true), (true, "b", ["c"], false), (true, "c", [], false), (false, nil, ["c", "b"], true),
        (false, "b", ["a"], false), (true, "gone", ["a", "b"], true),
    ] as [(Bool, String?, [String], Bool)])
    func pages(isAscending: Bool, after: String?, expected: [String], hasMore: Bool) throws {
        let table = try table()
        _ = try table.create(conversation("c"), now: 0)
        _ = try table.add(items(["a", "b", "c"]), to: "c", owner: "a", isAnswer: false, now: 0)
        let page = try table.page(of: "c", owner: "a", limit: 2, isAscending: isAscending, after: after, now: 0)
        #expect(page?.items.map(\.id) == expected && page?.hasMore == hasMore)
    }

    @Test func anotherKeySeesNothing() throws {
        let table = try table()
        _ = try table.create(conversation("c"), now: 0)
        _ = try table.add(items(["x"]), to: "c", owner: "a", isAnswer: false, now: 0)
        #expect(try table.find("c", owner: "b", now: 0) == nil)
        #expect(try table.recall("c", owner: "b", now: 0) == nil)
        #expect(try table.page(of: "c", owner: "b", limit: 9, isAscending: true, after: nil, now: 0) == nil)
        #expect(try table.item("x", of: "c", owner: "b", now: 0) == nil)
        #expect(try table.remove(item: "x", of: "c", owner: "b", now: 0) == nil)
        #expect(try table.update("c", owner: "b", metadata: [], now: 0) == nil)
        #expect(try table.remove("c", owner: "b", now: 0) == false)
        #expect(try table.item("x", of: "c", owner: "a", now: 0) != nil)
    }

    @Test func aConversationLivesOnWhileItIsUsed() throws {
        let table = try table { $0.keepMilliseconds = 10 }
        _ = try table.create(conversation("used"), now: 0)
        _ = try table.create(conversation("left"), now: 0)
        #expect(try table.recall("used", owner: "a", now: 9) != nil)
        #expect(try table.find("used", owner: "a", now: 18) != nil)
        #expect(try table.find("left", owner: "a", now: 10) == nil)
        #expect(try table.find("used", owner: "a", now: 19) == nil)
    }

    @Test func theOldestMakeRoomAndNoneIsLargerThanAll() throws {
        let table = try table { $0.bytes = 20_000 }
        for (time, id) in ["one", "two", "three"].enumerated() {
            _ = try table.create(conversation(id), now: Int64(time))
            _ = try table.add(items(["x"], size: 5_000), to: id, owner: "a", isAnswer: false, now: Int64(time))
        }
        _ = try table.recall("one", owner: "a", now: 5)
        #expect(kept(try table.add(items(["y"], size: 9_000), to: "one", owner: "a", isAnswer: false, now: 6)) == ["y"])
        #expect(try table.find("one", owner: "a", now: 6) != nil && table.find("two", owner: "a", now: 6) == nil)
        #expect(kept(try table.add(items(["z"], size: 9_000), to: "one", owner: "a", isAnswer: false, now: 6)) == nil)
        #expect(kept(try table.add(items(["z"], size: 9_000), to: "one", owner: "a", isAnswer: true, now: 6)) == ["z"])
        #expect(try table.recall("one", owner: "a", now: 6)?.isFull == true)
    }
}
