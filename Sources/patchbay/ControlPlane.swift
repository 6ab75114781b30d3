import Logging
import PatchbayCore
import PatchbayGateway
import PatchbayHost
import PatchbayRouting
import PatchbayStore

/// Keeps the configuration in force: merges file and store, makes plugin instances, builds the routing table, and
/// hands the result to the gateway.
///
/// Changes are applied one after the other; each replaces the snapshot whole.
actor ControlPlane {
    /// What is declared outside of the store, as it was read last.
    var file: Configuration
    let source: FileConfiguration
    private let store: Store
    private let registry: PluginRegistry
    let gateway: Gateway
    let degradations: Degradations
    let reloads: ReloadMetrics
    let logger: Logger
    /// Models by account id, as the sites have told.
    private var discovered: [String: [ModelMapping]] = [:]
    /// What the store held when it could be read last.
    private var stored = StoredDefinitions()
    private var instances: [InstanceKey: PluginInstance] = [:]
    private(set) var configuration: Configuration
    private(set) var table: RoutingTable
    /// Why sites cannot be used, by name.
    private(set) var siteProblems: [String: String] = [:]
    private var isApplying = false
    private var waiting: [CheckedContinuation<Void, Never>] = []
    private var fileObserver: @Sendable ([String]) -> Void = { _ in }
    private var tokenObserver: @Sendable (Secret) -> Void = { _ in }

    private struct InstanceKey: Hashable {
        var plugin: String
        var generation: Int
        var site: String
        var baseURL: String
        var configuration: String
    }

    /// The parts that the control plane works on.
    struct Parts {
        var store: Store
        var registry: PluginRegistry
        var gateway: Gateway
        var degradations: Degradations
        var reloads: ReloadMetrics
    }

    init(file: Configuration, source: FileConfiguration, parts: Parts, logger: Logger) {
        self.file = file
        self.source = source
        store = parts.store
        registry = parts.registry
        gateway = parts.gateway
        degradations = parts.degradations
        reloads = parts.reloads
        self.logger = logger
        configuration = file
        table = RoutingTable(configuration: Configuration())
    }

    /// Who wants to know which files the configuration was read from, and which admin token it names.
    func observe(files: @escaping @Sendable ([String]) -> Void, token: @escaping @Sendable (Secret) -> Void) {
        fileObserver = files
        tokenObserver = token
    }

    func watchFiles(_ files: [String]) { fileObserver(files) }
    func tokenChanged(_ token: Secret) { tokenObserver(token) }

    var drain: GatewayDrain { file.gateway.drain }

    /// Puts into force what the file and the store say at the start.
    func start(with definitions: StoredDefinitions) async {
        await enterApplying()
        defer { leaveApplying() }
        stored = definitions
        if let states = try? await store.accountStates() {
            for (id, state) in states { discovered[id] = state.models }
        }
        configuration = file.merging(stored)
        await publish()
    }

    /// Reads the store again and puts everything in force. When the store cannot be read, the definitions that were
    /// read last stay.
    func reload() async {
        await enterApplying()
        defer { leaveApplying() }
        await loadAndPublish()
    }

    /// Only between ``enterApplying()`` and ``leaveApplying()``.
    func loadAndPublish() async {
        do {
            stored = try await store.loadDefinitions()
            degradations.set(.store, nil)
        } catch {
            if degradations.set(
                .store, "The store cannot be read and the definitions that were read last are in force: \(error)")
            {
                logger.error("store unreadable, last definitions stay", metadata: ["reason": "\(error)"])
            }
        }
        configuration = file.merging(stored)
        await publish()
    }

    /// Remembers the models of an account and routes to them.
    func discovered(_ models: [ModelMapping], by account: String) async {
        guard discovered[account] != models else { return }
        await enterApplying()
        defer { leaveApplying() }
        discovered[account] = models
        await publish()
    }

    func models(of account: String) -> [ModelMapping]? { discovered[account] }

    func instance(of site: String) -> PluginInstance? {
        instances.first { $0.key.site == site }?.value
    }

    // MARK: - One change at a time

    func enterApplying() async {
        while isApplying { await withCheckedContinuation { waiting.append($0) } }
        isApplying = true
    }

    func leaveApplying() {
        isApplying = false
        if !waiting.isEmpty { waiting.removeFirst().resume() }
    }

    private func publish() async {
        makeInstances()
        var platformFormats: [String: [WireFormat]] = [:]
        for plugin in registry.plugins {
            guard let id = plugin.id else { continue }
            platformFormats[id] = plugin.speaks
            if id.hasPrefix("platform-") { platformFormats[String(id.dropFirst("platform-".count))] = plugin.speaks }
        }
        table = RoutingTable(
            configuration: configuration, discovered: discovered, platformFormats: platformFormats)
        let bySite = Dictionary(instances.map { ($0.key.site, $0.value) }, uniquingKeysWith: { first, _ in first })
        let codecs = Dictionary(
            registry.formats.compactMap { format in registry.codec(for: format).map { (format, $0) } },
            uniquingKeysWith: { first, _ in first })
        await gateway.publish(
            GatewaySnapshot(table: table, keys: configuration.keys, instances: bySite, codecs: codecs),
            settings: settings())
        logger.info(
            "configuration in force",
            metadata: [
                "sites": "\(configuration.sites.count)", "channels": "\(table.channels.count)",
                "keys": "\(configuration.keys.count)",
            ])
    }

    /// What is in force beside the snapshot. Networks were checked when the file was read.
    private func settings() -> Gateway.LiveSettings? {
        guard let egress = try? EgressPolicy(allow: configuration.egress.allow) else { return nil }
        registry.setEgress(egress)
        return Gateway.LiveSettings(gateway: configuration.gateway, egress: egress)
    }

    /// Keeps the instances whose plugin, site and settings are unchanged, and makes the others.
    private func makeInstances() {
        var next: [InstanceKey: PluginInstance] = [:]
        siteProblems.removeAll()
        for site in configuration.sites where site.enabled {
            let plugin = registry.platformPlugin(named: site.platform)
            let key = InstanceKey(
                plugin: plugin, generation: registry.generation(of: plugin) ?? 0, site: site.name,
                baseURL: site.baseURL, configuration: site.pluginConfiguration)
            if let known = instances[key] {
                next[key] = known
                continue
            }
            do {
                next[key] = try registry.instance(
                    pluginID: plugin, configuration: site.pluginConfiguration, site: site.name,
                    baseURL: site.baseURL)
            } catch {
                siteProblems[site.name] = error.sentence
                logger.warning("site unusable", metadata: ["site": "\(site.name)", "reason": "\(error.sentence)"])
            }
        }
        instances = next
    }
}
