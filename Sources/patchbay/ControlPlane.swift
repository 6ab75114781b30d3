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
    private let file: Configuration
    private let store: Store
    private let registry: PluginRegistry
    private let gateway: Gateway
    private let logger: Logger
    /// Models by account id, as the sites have told.
    private var discovered: [String: [ModelMapping]] = [:]
    private var instances: [InstanceKey: PluginInstance] = [:]
    private(set) var configuration: Configuration
    private(set) var table: RoutingTable
    /// Why sites cannot be used, by name.
    private(set) var siteProblems: [String: String] = [:]
    private var isApplying = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    private struct InstanceKey: Hashable {
        var plugin: String
        var generation: Int
        var site: String
        var baseURL: String
        var configuration: String
    }

    init(file: Configuration, store: Store, registry: PluginRegistry, gateway: Gateway, logger: Logger) {
        self.file = file
        self.store = store
        self.registry = registry
        self.gateway = gateway
        self.logger = logger
        configuration = file
        table = RoutingTable(configuration: Configuration())
    }

    /// Takes over what was discovered in an earlier run.
    func restoreDiscovered() async {
        guard let states = try? await store.accountStates() else { return }
        for (id, state) in states { discovered[id] = state.models }
    }

    /// Reads the store again and puts everything in force. When the store cannot be read, the definitions that were
    /// read last stay.
    func reload() async {
        await enterApplying()
        defer { leaveApplying() }
        do {
            configuration = file.merging(try await store.loadDefinitions())
        } catch {
            logger.error("store unreadable, last definitions stay", metadata: ["reason": "\(error)"])
        }
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

    private func enterApplying() async {
        while isApplying { await withCheckedContinuation { waiting.append($0) } }
        isApplying = true
    }

    private func leaveApplying() {
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
            GatewaySnapshot(
                table: table, configuration: configuration, instances: bySite, codecs: codecs, limits: gateway.limits))
        logger.info(
            "configuration in force",
            metadata: [
                "sites": "\(configuration.sites.count)", "channels": "\(table.channels.count)",
                "keys": "\(configuration.keys.count)",
            ])
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
