import PatchbayCore
import Testing

@testable import PatchbayStore

@Suite struct PluginValueTests {
    let scratch: Scratch
    let store: Store
    let key = PluginKey(plugin: "p", scope: .site("alpha"), key: "cookie")

    init() throws {
        scratch = try Scratch()
        store = try scratch.store()
    }

    @Test func valuesOfPluginsAndScopesAreApart() throws {
        try store.putPluginValue(key, [1])
        for other in [
            PluginKey(plugin: "q", scope: .site("alpha"), key: "cookie"),
            PluginKey(plugin: "p", scope: .plugin, key: "cookie"),
            PluginKey(plugin: "p", scope: .account("alpha"), key: "cookie"),
        ] {
            #expect(try store.pluginValue(other) == nil)
        }
        #expect(try store.pluginValue(key)?.bytes == [1])
        try store.removePluginValue(key)
        try store.removePluginValue(key)
        #expect(try store.pluginValue(key) == nil)
    }

    @Test func aChangeNeedsTheRevisionThatWasRead() throws {
        let first = try store.putPluginValue(key, [1], expecting: .absent)
        #expect(try store.pluginValue(key)?.revision == first)
        conflicts { try store.putPluginValue(key, [2], expecting: .absent) }
        let second = try store.putPluginValue(key, [2], expecting: .revision(first))
        #expect(second != first)
        conflicts { try store.putPluginValue(key, [3], expecting: .revision(first)) }
        try store.removePluginValue(key)
        try store.putPluginValue(key, [4], expecting: .absent)
        conflicts { try store.putPluginValue(key, [5], expecting: .revision(second)) }
        #expect(try store.pluginValue(key)?.bytes == [4])
    }

    @Test func anExpiredValueIsAbsent() async throws {
        try store.putPluginValue(key, [1], timeToLive: 3_600_000)
        #expect(try store.pluginValue(key)?.bytes == [1])
        try await store.write { database throws(StoreError) -> Void in
            try database.run("UPDATE plugin_kv SET expires_at = 1")
        }
        #expect(try store.pluginValue(key) == nil)
        try store.putPluginValue(key, [2], timeToLive: .max, expecting: .absent)
        #expect(try store.pluginValue(key)?.bytes == [2])
    }

    @Test func sizesAreBounded() throws {
        try store.putPluginValue(key, Array(repeating: 1, count: 65_536))
        #expect(throws: StoreError.self) { try store.putPluginValue(key, Array(repeating: 1, count: 65_537)) }
        let long = PluginKey(plugin: "p", scope: .plugin, key: String(repeating: "k", count: 256))
        #expect(throws: StoreError.self) { try store.putPluginValue(long, []) }
    }

    private func conflicts(_ body: () throws -> UInt64) {
        #expect {
            try body()
        } throws: {
            ($0 as? StoreError)?.code == .conflict
        }
    }
}
