import PatchbayCore
import PatchbayRouting
import PatchbayUpstream

extension GatewayKey {
    /// Every enabled key by its hash, with its limits and those of its group.
    static func all(
        in configuration: Configuration, table: RoutingTable, limits: LimitRegistry
    ) -> [KeyDigest: GatewayKey] {
        var groups: [String: LimitScope] = [:]
        for group in configuration.groups {
            if let scope = limits.scope(.group, group.name, group.limits) { groups[group.name] = scope }
        }
        limits.keep(keys: Set(configuration.keys.map(\.name)), groups: Set(configuration.groups.map(\.name)))
        var permissions = PermissionCache(table)
        var found = [KeyDigest: GatewayKey](minimumCapacity: configuration.keys.count)
        for key in configuration.keys where key.enabled && found[key.digest] == nil {
            found[key.digest] = GatewayKey(
                key: key, permissions: permissions.permissions(for: key),
                limiter: KeyLimiter(own: limits.scope(.key, key.name, key.limits), group: groups[key.group]))
        }
        return found
    }
}

/// The gates of sites and accounts.
struct SiteGates {
    private var sites: [String: ConcurrencyGate] = [:]
    private var accounts: [String: ConcurrencyGate] = [:]
    private var settings: [String: ConcurrencySettings] = [:]

    init(_ configuration: Configuration, _ limits: LimitRegistry) {
        for site in configuration.sites {
            let concurrency = configuration.concurrency.overlaid(by: site.concurrency)
            settings[site.name] = concurrency
            sites[site.name] = limits.gate("site", site.name, places: concurrency.maxConcurrency)
            for account in site.accounts {
                let id = "\(site.name)/\(account.name)"
                accounts[id] = limits.gate("account", id, places: account.maxConcurrency)
            }
        }
    }

    /// The site's first.
    func gates(of channel: Channel) -> [ConcurrencyGate] {
        [sites[channel.siteName], accounts[channel.account]].compactMap { $0 }
    }

    func concurrency(of channel: Channel) -> ConcurrencySettings {
        settings[channel.siteName] ?? ConcurrencySettings()
    }
}

/// The bounds of upstream pools: those that hold everywhere, and those of sites that say otherwise.
struct PoolPlan: Sendable {
    private let standard: PoolSettings
    private let origins: [UpstreamOrigin: PoolSettings]

    init(_ configuration: Configuration) {
        standard = configuration.pool
        var origins: [UpstreamOrigin: PoolSettings] = [:]
        for site in configuration.sites where !site.pool.isEmpty {
            guard let origin = UpstreamURL(site.baseURL)?.origin else { continue }
            // Sites that share an origin share its connections; what the first of them says holds.
            origins[origin] = origins[origin] ?? configuration.pool.overlaid(by: site.pool)
        }
        self.origins = origins
    }

    /// Gives a loop's pool its bounds.
    ///
    /// - Parameter loops: Loops of the process; each gets its share of the connections, at least one.
    func apply(to pool: UpstreamPool, loops: Int) {
        pool.setLimits(
            PoolPlan.limits(standard, loops: loops), origins: origins.mapValues { PoolPlan.limits($0, loops: loops) })
    }

    private static func limits(_ settings: PoolSettings, loops: Int) -> UpstreamPoolLimits {
        var limits = UpstreamPoolLimits()
        limits.connectionsPerOrigin = settings.size.map { max(1, ($0 + loops - 1) / loops) }
        limits.idlePerOrigin = settings.idle ?? limits.idlePerOrigin
        limits.idleAgeMilliseconds = settings.idleTime ?? limits.idleAgeMilliseconds
        limits.connectionAgeMilliseconds = settings.maxAge
        return limits
    }
}
