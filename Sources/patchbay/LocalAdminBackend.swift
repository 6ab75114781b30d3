import PatchbayAdmin
import PatchbayCore
import PatchbayGateway
import PatchbayHost
import PatchbayRouting
import PatchbayStore
import PatchbayTelemetry
import Synchronization

/// What the admin API works on: this process's store, plugins and gateway.
final class LocalAdminBackend: AdminBackend {
    private let control: ControlPlane
    private let store: Store
    private let registry: PluginRegistry
    private let gateway: Gateway
    private let metricsText: GatewayMetrics
    private let degradations: Degradations
    private let observer = Mutex<(@Sendable () -> Void)?>(nil)

    init(
        control: ControlPlane, store: Store, registry: PluginRegistry, gateway: Gateway, metrics: GatewayMetrics,
        degradations: Degradations
    ) {
        self.control = control
        self.store = store
        self.registry = registry
        self.gateway = gateway
        metricsText = metrics
        self.degradations = degradations
    }

    /// `body` is called after a definition has been changed.
    func onChange(_ body: @escaping @Sendable () -> Void) async {
        observer.withLock { $0 = body }
    }

    func configuration() async throws -> Configuration { await control.configuration }

    // MARK: - Definitions

    func save(_ definition: Definition) async throws {
        do {
            switch definition {
            case .site(let site): try await store.saveSite(site)
            case .account(let account, let site): try await store.saveAccount(account, site: site)
            case .token(let token, let site, let account):
                try await store.saveToken(token, site: site, account: account)
            case .key(let key): try await store.saveKey(key)
            case .group(let group): try await store.saveGroup(group)
            case .route(let route): try await store.saveRoute(route)
            }
        } catch {
            throw AdminError(error)
        }
        await changed()
    }

    func delete(_ definition: DefinitionID) async throws {
        do {
            switch definition {
            case .site(let name): try await store.deleteSite(name)
            case .account(let name, let site): try await store.deleteAccount(name, site: site)
            case .token(let name, let site, let account):
                try await store.deleteToken(name, site: site, account: account)
            case .key(let name): try await store.deleteKey(name)
            case .group(let name): try await store.deleteGroup(name)
            case .route(let model): try await store.deleteRoute(model)
            }
        } catch {
            throw AdminError(error)
        }
        await changed()
    }

    private func changed() async {
        await control.reload()
        observer.withLock { $0 }?()
    }

    func clientKey(_ text: Secret?) -> ClientKey {
        let text = text ?? KeyFactory.generate()
        return ClientKey(
            text: text, digest: KeyFactory.digest(of: text), displayPrefix: KeyFactory.displayPrefix(of: text))
    }

    // MARK: - Looking

    func plugins() async throws -> [PluginSummary] {
        registry.plugins.map { plugin in
            let sentence: String
            switch plugin.state {
            case .loaded: sentence = plugin.rejectedUpdate?.sentence ?? ""
            case .refused(let refusal): sentence = refusal.sentence
            case .quarantined(let reason): sentence = reason
            }
            return PluginSummary(
                id: plugin.id ?? "", version: plugin.version ?? "", kinds: plugin.kinds.map(\.rawValue),
                file: plugin.file, sha256: plugin.sha256 ?? "", abi: plugin.abi ?? "",
                toolchain: plugin.toolchain ?? "",
                state: plugin.stateText, sentence: sentence,
                formats: plugin.formats.map(\.id.rawValue) + plugin.speaks.map(\.rawValue),
                operations: plugin.operations.map(\.name))
        }
    }

    func requests(_ query: PatchbayAdmin.RequestQuery) async throws -> RequestPage {
        var wanted = PatchbayStore.RequestQuery()
        wanted.key = query.key
        wanted.model = query.model
        wanted.site = query.site
        wanted.account = query.account
        wanted.outcome = query.outcome
        wanted.status = query.status
        wanted.since = query.since
        wanted.until = query.until
        wanted.cursor = query.cursor
        wanted.limit = query.limit
        do {
            let page = try await store.requests(query: wanted)
            return RequestPage(records: page.data, next: page.next)
        } catch {
            throw AdminError(error)
        }
    }

    func request(id: String) async throws -> RequestRecord? {
        do {
            return try await store.request(id: id)
        } catch {
            throw AdminError(error)
        }
    }

    func usage(_ query: UsageQuery) async throws -> [UsageSum] {
        let group: UsageGroup =
            switch query.group {
            case .key: .key
            case .model: .model
            case .site: .site
            }
        do {
            let rows = try await store.usage(groupBy: group, since: query.since, until: query.until)
            return rows.sorted { ($0.cost, $1.group) > ($1.cost, $0.group) }.map { row in
                UsageSum(
                    name: row.group, requests: row.requests, failures: row.failures,
                    inputTokens: UInt64(max(0, row.inputTokens)), outputTokens: UInt64(max(0, row.outputTokens)),
                    cachedTokens: UInt64(max(0, row.cachedTokens)), cost: row.cost)
            }
        } catch {
            throw AdminError(error)
        }
    }

    func explain(model: String, key: Key?, format: WireFormat?) async throws -> RouteExplanation {
        let health = await gateway.health()
        let table = await control.table
        var formats: FormatSet?
        if let format {
            guard let known = await gateway.sendableFormats(for: format, in: table) else {
                throw AdminError(.invalidField, "format is no wire format of this gateway.", field: "format")
            }
            formats = known
        }
        var explanation = Router.explain(
            model: model, key: key, in: table, formats: formats, health: health,
            now: SystemTime.monotonicNanoseconds(), seed: .random(in: 0 ... .max))
        let configuration = await control.configuration
        gateway.limits.explain(&explanation, key: key, in: configuration, now: SystemTime.monotonicNanoseconds())
        return explanation
    }

    func metrics() async -> String { metricsText.registry.text() }

    func obstacles() async -> [String] {
        if gateway.isReady { return [] }
        return [gateway.isDraining ? "The gateway is shutting down." : "The gateway has no configuration yet."]
    }

    func degradations() async -> [String] { degradations.all }
}

extension AdminError {
    /// What a client of the admin API is told of an error of the store.
    fileprivate init(_ error: StoreError) {
        switch error.code {
        case .invalid: self.init(.invalidField, error.sentence, field: error.field)
        case .notFound: self.init(.notFound, error.sentence)
        case .conflict: self.init(.alreadyExists, error.sentence, field: error.field)
        case .constraint: self.init(.inUse, error.sentence)
        case .busy, .full, .closed: self.init(.unavailable, error.sentence)
        case .corrupt, .newerSchema, .sealing, .system, .internalError: self.init(.internalError, error.sentence)
        }
    }
}
