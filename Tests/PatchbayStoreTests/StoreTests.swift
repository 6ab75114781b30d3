import Foundation
import PatchbayCore
import Testing

@testable import PatchbayStore

@Suite struct StoreTests {
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private var site: Site {
        Site(
            name: "alpha", platform: "openai", baseURL: "http://127.0.0.1:9001",
            formats: [.openAIChat, .anthropicMessages],
            headers: [HeaderSetting(name: "X-B", value: Secret("2")), HeaderSetting(name: "X-A", value: Secret("1"))],
            pluginConfiguration: #"{"era":2}"#, enabled: false, source: .store)
    }

    private var account: Account {
        Account(
            name: "main",
            credential: Credential(
                kind: "access_token", secrets: ["access_token": Secret("t-1")], fields: ["user_id": "7"]),
            models: [ModelMapping(upstream: "m\"1", name: "öffentlich"), ModelMapping(upstream: "m2")], source: .store)
    }

    private var token: UpstreamToken {
        UpstreamToken(
            name: "t", key: Secret("sk-t"), group: "vip", priceRatio: 0.25, models: [ModelMapping(upstream: "m2")],
            enabled: false, source: .store)
    }

    @Test func definitionsComeBackAsTheyWereSaved() async throws {
        let key = Key(
            name: "dev", digest: KeyFactory.digest(of: Secret("sk-1")), displayPrefix: "sk-", models: ["gpt-*", "o1"],
            group: "team", enabled: false, source: .store)
        let route = Route(
            model: "gpt-*",
            channels: [
                ChannelReference(site: "z", priority: -3, weight: 7),
                ChannelReference(site: "alpha", account: "main", token: "t", upstreamModel: "m2"),
            ], source: .store)
        do {
            let store = try scratch.store()
            try await store.saveSite(site)
            try await store.saveAccount(account, site: "alpha")
            try await store.saveToken(token, site: "alpha", account: "main")
            try await store.saveKey(key)
            try await store.saveRoute(route)
            store.close()
        }
        let loaded = try await scratch.store().loadDefinitions()
        let back = try #require(loaded.sites.first)
        #expect(loaded.sites.count == 1)
        #expect(back.name == "alpha" && back.platform == "openai" && back.baseURL == site.baseURL)
        #expect(back.formats == site.formats && back.headers == site.headers && !back.enabled)
        #expect(back.pluginConfiguration == #"{"era":2}"# && back.source == .store)
        let loadedAccount = try #require(back.accounts.first)
        #expect(loadedAccount.credential == account.credential && loadedAccount.models == account.models)
        #expect(loadedAccount.tokens == [token])
        let loadedKey = try #require(loaded.keys.first)
        #expect(loadedKey.digest == key.digest && loadedKey.models == key.models && loadedKey.group == "team")
        #expect(loaded.routes.first?.channels == route.channels)
    }

    @Test func settingsComeBackAsTheyWereSaved() async throws {
        var site = site
        site.policy.timeouts.firstEvent = 7_000
        site.policy.retry.backoffLimit = 9_000
        site.concurrency = ConcurrencySettings(maxConcurrency: 3, queueLength: 0)
        site.pool = PoolSettings(maxAge: 60_000)
        site.conversion = #"{"streaming":"always"}"#
        var account = account
        account.maxConcurrency = 2
        var key = Key(name: "dev", digest: KeyFactory.digest(of: Secret("sk-1")), displayPrefix: "sk-", source: .store)
        key.limits = KeyLimits(requestsPerMinute: 5, concurrency: 1)
        key.strictConversion = true
        key.serverTiming = true
        var route = Route(model: "m", channels: [ChannelReference(site: "alpha")], source: .store)
        route.policy.limits.body = 4_096
        route.concurrency.queueTimeout = 500
        route.strictConversion = true
        route.displayName = "Ein \"Modell\""
        route.capabilities.contextWindow = 200_000
        route.capabilities.audioInput = 0
        let group = KeyGroup(name: "team", limits: KeyLimits(tokensPerMinute: 77), source: .store)
        let store = try scratch.store()
        try await store.saveSite(site)
        try await store.saveAccount(account, site: "alpha")
        try await store.saveKey(key)
        try await store.saveRoute(route)
        try await store.saveGroup(group)
        var loaded = try await store.loadDefinitions()
        #expect(loaded.sites.first?.policy == site.policy && loaded.sites.first?.concurrency == site.concurrency)
        #expect(loaded.sites.first?.conversion == site.conversion)
        #expect(loaded.keys.first?.strictConversion == true && loaded.routes.first?.strictConversion == true)
        #expect(loaded.keys.first?.serverTiming == true)
        #expect(loaded.sites.first?.pool == site.pool && loaded.sites.first?.accounts.first?.maxConcurrency == 2)
        #expect(loaded.keys.first?.limits == key.limits && loaded.groups == [group])
        #expect(loaded.routes.first?.policy == route.policy && loaded.routes.first?.concurrency == route.concurrency)
        route.policy = PolicySettings()
        try await store.saveRoute(route)
        try await store.deleteGroup("team")
        loaded = try await store.loadDefinitions()
        #expect(loaded.routes.first?.policy.isEmpty == true && loaded.groups.isEmpty)
        site.policy.limits.body = 1
        let wrong = site
        await expect(.invalid, "limits.body") { try await store.saveSite(wrong) }
    }

    @Test func savingAgainReplacesAndLeavesWhatBelongsToOthers() async throws {
        let store = try scratch.store()
        try await store.saveSite(site)
        try await store.saveAccount(account, site: "alpha")
        var changed = site
        changed.headers = []
        changed.enabled = true
        try await store.saveSite(changed)
        var other = account
        other.credential = Credential(kind: "api_key", secrets: ["api_key": Secret("k")])
        other.models = nil
        try await store.saveAccount(other, site: "alpha")
        let loaded = try #require(try await store.loadDefinitions().sites.first)
        #expect(loaded.enabled && loaded.headers.isEmpty)
        #expect(loaded.accounts.first?.credential == other.credential)
        #expect(loaded.accounts.first?.models == nil)
    }

    @Test func deletingASiteTakesItsAccountsTokensAndSecretsWithIt() async throws {
        let store = try scratch.store()
        try await store.saveSite(site)
        try await store.saveAccount(account, site: "alpha")
        try await store.saveToken(token, site: "alpha", account: "main")
        try await store.deleteSite("alpha")
        #expect(try await store.loadDefinitions().sites.isEmpty)
        let secrets = try await store.read { database throws(StoreError) in
            try database.rows("SELECT owner FROM secrets WHERE owner <> 'store'") { $0.text(0) }
        }
        #expect(secrets.isEmpty)
        await expect(.notFound, "site") { try await store.deleteSite("alpha") }
    }

    @Test func secretsAreNotInTheFile() async throws {
        let store = try scratch.store()
        try await store.saveSite(site)
        var marked = account
        marked.credential.secrets["access_token"] = Secret("find-me-if-you-can")
        try await store.saveAccount(marked, site: "alpha")
        try store.putPluginValueBlocking("find-me-if-you-can")
        store.close()
        for file in try FileManager.default.contentsOfDirectory(atPath: scratch.path)
        where file.hasPrefix("patchbay.db") {
            let content = try Data(contentsOf: URL(fileURLWithPath: scratch.path + "/" + file))
            #expect(content.range(of: Data("find-me-if-you-can".utf8)) == nil)
        }
    }

    @Test func rulesAreCheckedBeforeAnythingIsWritten() async throws {
        let store = try scratch.store()
        var bad = site
        bad.baseURL = "ftp://h"
        await expect(.invalid, "base_url") { try await store.saveSite(bad) }
        bad = site
        bad.pluginConfiguration = "[]"
        await expect(.invalid, "config") { try await store.saveSite(bad) }
        bad.pluginConfiguration = "{"
        await expect(.invalid, "config") { try await store.saveSite(bad) }
        await expect(.notFound, "site") { try await store.saveAccount(account, site: "nowhere") }
        let route = Route(model: "m", channels: [ChannelReference(site: "a", weight: -1)], source: .store)
        await expect(.invalid, "channels[0].weight") { try await store.saveRoute(route) }
        #expect(try await store.loadDefinitions().sites.isEmpty)
    }

    @Test func twoKeysCannotBeTheSame() async throws {
        let store = try scratch.store()
        let digest = KeyFactory.digest(of: Secret("sk-1"))
        try await store.saveKey(Key(name: "a", digest: digest, displayPrefix: "", source: .store))
        try await store.saveKey(Key(name: "a", digest: digest, displayPrefix: "x", source: .store))
        await expect(.constraint, "key") {
            try await store.saveKey(Key(name: "b", digest: digest, displayPrefix: "", source: .store))
        }
    }

    @Test func anotherSealingKeyIsRefusedAtTheStart() throws {
        _ = try scratch.store()
        let other = try SealingKey(bytes: Array(repeating: 8, count: 32))
        #expect { try Store(directory: scratch.path, sealing: other) } throws: { ($0 as? StoreError)?.code == .sealing }
    }

    @Test func aDatabaseOfANewerProgramIsRefused() async throws {
        let store = try scratch.store()
        try await store.write { database throws(StoreError) in try database.script("PRAGMA user_version = 999") }
        store.close()
        #expect { try scratch.store() } throws: { ($0 as? StoreError)?.code == .newerSchema }
    }

    @Test func aFileThatIsNoDatabaseIsRefused() throws {
        try Data(repeating: 0x41, count: 8_192).write(to: URL(fileURLWithPath: scratch.path + "/patchbay.db"))
        #expect { try scratch.store() } throws: { ($0 as? StoreError)?.code == .corrupt }
    }

    @Test func aClosedStoreSaysSo() async throws {
        let store = try scratch.store()
        store.close()
        await expect(.closed, nil) { try await store.setSetting("a", to: "b") }
    }

    @Test func settingsAreKept() async throws {
        let store = try scratch.store()
        #expect(try await store.setting("a") == nil)
        try await store.setSetting("a", to: "1")
        try await store.setSetting("a", to: "2")
        #expect(try await store.setting("a") == "2")
        try await store.setSetting("a", to: nil)
        #expect(try await store.setting("a") == nil)
    }

    @Test func aSecretSettingIsMadeOnce() throws {
        let store = try scratch.store()
        let first = try store.secretSetting("admin_token") { KeyFactory.generateAdminToken() }
        #expect(try store.secretSetting("admin_token") { Secret("another") } == first)
    }

    @Test func accountStatesAreKept() async throws {
        let store = try scratch.store()
        var state = AccountState(account: "alpha/main")
        try await store.saveAccountState(state)
        #expect(try await store.accountStates() == ["alpha/main": state])
        state.balance = Money(dollars: 12.5)
        state.lastError = "The site is down."
        state.checkedAt = 5
        var card = ModelCard(displayName: "A \"b\"", createdAt: 1_763_690_000)
        card.capabilities.maxOutputTokens = 64_000
        card.capabilities.imageInput = 1
        state.models = [ModelMapping(upstream: "a", name: "b", card: card), ModelMapping(upstream: "c")]
        state.modelsAt = 6
        try await store.saveAccountState(state)
        #expect(try await store.accountStates() == ["alpha/main": state])
    }

    private func expect(_ code: StoreError.Code, _ field: String?, _ body: () async throws -> Void) async {
        do {
            try await body()
            Issue.record("accepted")
        } catch {
            #expect((error as? StoreError)?.code == code)
            #expect((error as? StoreError)?.field == field)
        }
    }
}

extension Store {
    fileprivate func putPluginValueBlocking(_ text: String) throws {
        try putPluginValue(PluginKey(plugin: "p", scope: .plugin, key: "k"), Array(text.utf8))
    }
}
