import PatchbayAdmin
import PatchbayCore
import PatchbayRouting
import Synchronization

/// A backend that keeps everything in memory.
final class InMemoryBackend: AdminBackend {
    struct State: Sendable {
        var configuration = Configuration()
        var records: [RequestRecord] = []
        var obstacles: [String] = []
        var degradations: [String] = []
        var failure: AdminError?
        var queries: [RequestQuery] = []
        var usageQueries: [UsageQuery] = []
        var plugins: [PluginSummary] = []
    }

    struct Broken: Error {}

    let state: Mutex<State>

    init(_ configuration: Configuration = Configuration()) {
        var state = State()
        state.configuration = configuration
        self.state = Mutex(state)
    }

    func configuration() async throws -> Configuration {
        try state.withLock { state in
            if let failure = state.failure { throw failure }
            return state.configuration
        }
    }

    func save(_ definition: Definition) async throws {
        // Gives other changes the chance to get in between.
        await Task.yield()
        state.withLock { $0.configuration.put(definition) }
    }

    func delete(_ definition: DefinitionID) async throws {
        state.withLock { $0.configuration.remove(definition) }
    }

    func clientKey(_ text: Secret?) -> ClientKey {
        let text = text ?? Secret("sk-pb-generated")
        var bytes = Array(text.reveal().utf8.prefix(32))
        bytes += [UInt8](repeating: 0, count: 32 - bytes.count)
        return ClientKey(text: text, digest: KeyDigest(bytes: bytes), displayPrefix: text.prefix(6))
    }

    func plugins() async throws -> [PluginSummary] { state.withLock(\.plugins) }

    func requests(_ query: RequestQuery) async throws -> RequestPage {
        state.withLock { state in
            state.queries.append(query)
            return RequestPage(records: state.records, next: "more")
        }
    }

    func request(id: String) async throws -> RequestRecord? {
        state.withLock { $0.records.first { $0.id == id } }
    }

    func usage(_ query: UsageQuery) async throws -> [UsageSum] {
        state.withLock { state in
            state.usageQueries.append(query)
            return [
                UsageSum(
                    name: "dev", requests: 3, failures: 1, inputTokens: 30, outputTokens: 12, cachedTokens: 5,
                    cost: Money(dollars: 0.25))
            ]
        }
    }

    func explain(model: String, key: Key?, format: WireFormat?) async throws -> RouteExplanation {
        if model == "broken" { throw Broken() }
        let table = RoutingTable(configuration: state.withLock(\.configuration))
        return Router.explain(model: model, key: key, in: table, health: HealthSnapshot(), now: 1, seed: 7)
    }

    func metrics() async -> String { "# TYPE up gauge\nup 1\n" }
    func obstacles() async -> [String] { state.withLock(\.obstacles) }
    func degradations() async -> [String] { state.withLock(\.degradations) }
}

extension Configuration {
    mutating func put(_ definition: Definition) {
        switch definition {
        case .site(var site):
            site.accounts = sites.first { $0.name == site.name }?.accounts ?? []
            sites = sites.filter { $0.name != site.name } + [site]
        case .account(var account, let site):
            change(site) { site in
                account.tokens = site.accounts.first { $0.name == account.name }?.tokens ?? []
                site.accounts = site.accounts.filter { $0.name != account.name } + [account]
            }
        case .token(let token, let site, let account):
            change(site) { site in
                guard let index = site.accounts.firstIndex(where: { $0.name == account }) else { return }
                site.accounts[index].tokens = site.accounts[index].tokens.filter { $0.name != token.name } + [token]
            }
        case .key(let key): keys = keys.filter { $0.name != key.name } + [key]
        case .group(let group): groups = groups.filter { $0.name != group.name } + [group]
        case .route(let route): routes = routes.filter { $0.model != route.model } + [route]
        }
    }

    mutating func remove(_ definition: DefinitionID) {
        switch definition {
        case .site(let name): sites.removeAll { $0.name == name }
        case .account(let name, let site): change(site) { $0.accounts.removeAll { $0.name == name } }
        case .token(let name, let site, let account):
            change(site) { site in
                guard let index = site.accounts.firstIndex(where: { $0.name == account }) else { return }
                site.accounts[index].tokens.removeAll { $0.name == name }
            }
        case .key(let name): keys.removeAll { $0.name == name }
        case .group(let name): groups.removeAll { $0.name == name }
        case .route(let model): routes.removeAll { $0.model == model }
        }
    }

    private mutating func change(_ name: String, _ body: (inout Site) -> Void) {
        guard let index = sites.firstIndex(where: { $0.name == name }) else { return }
        body(&sites[index])
    }
}
