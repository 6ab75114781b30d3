import PatchbayPlugin
import PatchbaySimulator
import PatchbayWire
import Synchronization

/// A simulated site with one known account, and a host that has an account on it.
struct TestSite {
    let site: RunningSimulatedSite
    let host: ScriptedHost

    static let key = "Key0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHI"
    static let accessToken = "pat-0123456789abcdefghijklmn"

    /// A site with two models, two groups and the account `alice`, who has five dollars and one token.
    static func configuration(_ era: SimulatedSite.Era) -> SimulatedSite {
        var site = SimulatedSite(era: era) { 1_786_000_000 }
        site.groups.append(SimulatedGroup(name: "vip", ratio: 0.8, description: "Cheaper"))
        site.models = [
            SimulatedModel("sim-mini", input: 0.15, output: 0.6, cachedInput: 0.075, groups: ["default", "vip"]),
            SimulatedModel("sim-fixed", perCall: 0.01),
        ]
        site.checkin = era == .a ? .absent : .enabled(minimum: 5_000, maximum: 5_000)
        site.users = [
            SimulatedUser(
                id: 42, username: "alice", password: "wonder land", quota: 2_500_000, usedQuota: 125_000,
                accessToken: accessToken, tokens: [SimulatedToken(id: 7, name: "first", key: key, remainQuota: 500_000)]
            )
        ]
        return site
    }

    /// Runs `body` with a site and a host, and ends both.
    static func run(
        _ configuration: SimulatedSite, settings: String = "{}", _ body: (TestSite) async throws -> Void
    ) async throws {
        let site = try await configuration.start()
        do {
            try await body(TestSite(site: site, host: try ScriptedHost(configuration: settings)))
        } catch {
            await site.stop()
            throw error
        }
        await site.stop()
    }

    // MARK: Accounts

    enum Identity: Sendable { case accessToken, password, apiKey }

    /// Calls an operation as the account of the given kind.
    func call(_ operation: String, as identity: Identity = .accessToken, _ arguments: JSONValue = .emptyObject)
        async throws -> JSONValue
    {
        switch identity {
        case .accessToken:
            set("access_token", Self.accessToken)
            return try await call(operation, kind: "access_token", fields: ["user_id": "42"], arguments)
        case .password:
            set("password", "wonder land")
            return try await call(operation, kind: "password", fields: ["username": "alice"], arguments)
        case .apiKey:
            set("api_key", "sk-" + Self.key)
            return try await call(operation, kind: "api_key", fields: [:], arguments)
        }
    }

    func call(_ operation: String, kind: String?, fields: [String: String], _ arguments: JSONValue = .emptyObject)
        async throws -> JSONValue
    {
        var all = arguments
        all["base_url"] = .string(site.baseURL)
        if let kind {
            let members = fields.sorted { $0.key < $1.key }.map {
                JSONObject.Member(key: $0.key, value: .string($0.value))
            }
            all["account"] = ["id": "test/alice", "kind": .string(kind), "fields": .object(JSONObject(members))]
        }
        return try await host.invoke(operation, all)
    }

    func set(_ name: String, _ secret: String?) {
        host.state.withLock { $0.secrets[name] = secret }
    }

    /// Keeps what a login brought, as the host of the product does, and returns the fields.
    func adopt(_ login: JSONValue) -> [String: String] {
        for member in login["secrets"]?.objectValue?.members ?? [] { set(member.key, member.value.stringValue) }
        var fields = ["username": "alice"]
        for member in login["fields"]?.objectValue?.members ?? [] { fields[member.key] = member.value.stringValue }
        return fields
    }

    var sent: [ScriptedHost.Sent] { host.state.withLock { $0.requests } }
}

/// What an operation failed with; nil if it did not fail.
func refusal(_ body: () async throws -> JSONValue) async -> ScriptedHost.Refused? {
    do {
        _ = try await body()
        return nil
    } catch {
        return error as? ScriptedHost.Refused
    }
}

extension ScriptedHost.Refused {
    func has(_ code: PluginError.Code) -> Bool { self.code == code.rawValue }
}
