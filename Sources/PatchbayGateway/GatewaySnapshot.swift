package import PatchbayCore
package import PatchbayHost
package import PatchbayRouting
import PatchbayUpstream

/// Everything a request needs to know, built once per configuration and replaced whole.
///
/// Every event loop holds its own reference, so that reading it costs no shared counter.
package final class GatewaySnapshot: Sendable {
    package let table: RoutingTable
    /// What belongs to each channel of `table`, at the same index.
    let upstreams: [ChannelUpstream]
    let codecs: [WireFormat: FormatCodec]
    let keys: [KeyDigest: GatewayKey]
    /// The formats that bodies can be converted to.
    let sendable: FormatSet
    let policies: PolicyTable
    /// By route; nil = as many requests as come.
    let routeGates: [ConcurrencyGate?]
    /// A gate may be in the way of a request.
    let hasGates: Bool
    let pools: PoolPlan

    /// - Parameters:
    ///   - configuration: What the table was made of.
    ///   - limits: Of the process; remembers what has been used of limits.
    package init(
        table: RoutingTable, configuration: Configuration, instances: [String: PluginInstance],
        codecs: [WireFormat: FormatCodec], limits: LimitRegistry
    ) {
        self.table = table
        self.codecs = codecs
        keys = GatewayKey.all(in: configuration, table: table, limits: limits)
        sendable = table.formatSet(Array(codecs.keys))
        policies = PolicyTable(global: configuration.policy, table: table)
        let gates = SiteGates(configuration, limits)
        upstreams = table.channels.map { channel in
            ChannelUpstream(channel: channel, site: table.sites[channel.site], instances: instances, gates: gates)
        }
        routeGates = table.routes.map { route in
            limits.gate("route", route.pattern ?? route.model, places: route.concurrency.maxConcurrency)
        }
        hasGates = routeGates.contains { $0 != nil } || upstreams.contains { !$0.gates.isEmpty }
        pools = PoolPlan(configuration)
    }

    /// The upstream formats that a request of `format` can be sent in: its own, and those it can be converted to.
    func formats(for format: WireFormat) -> FormatSet {
        let own = table.formatSet([format])
        return codecs[format] == nil ? own : own.union(sendable)
    }

    package static let empty = GatewaySnapshot(
        table: RoutingTable(configuration: Configuration(), discovered: [:]), configuration: Configuration(),
        instances: [:], codecs: [:], limits: LimitRegistry())
}

/// A key as the data plane uses it.
final class GatewayKey: Sendable {
    let key: Key
    let permissions: KeyPermissions
    /// Nil = neither the key nor its group has a limit.
    let limiter: KeyLimiter?

    init(key: Key, permissions: KeyPermissions, limiter: KeyLimiter?) {
        self.key = key
        self.permissions = permissions
        self.limiter = limiter
    }
}

/// What a channel needs to be called: the plugin, the origin it may reach, and its secrets.
///
/// The destination and the secret are resolved here, as one record of the server's own making. Nothing in a client's
/// request can pair one with the other.
final class ChannelUpstream: Sendable {
    let site: Site
    let accountID: String
    /// nil = the name that the client used.
    let upstreamModel: String?
    let formats: [WireFormat]
    /// nil when no loaded plugin serves the platform.
    let instance: PluginInstance?
    let baseURL: StableBytes
    /// Scheme and authority of the base URL; nil when the base URL cannot be used.
    let origin: UpstreamOrigin?
    let hostField: [UInt8]
    let credentialKind: StableBytes
    let secrets: [String: Secret]
    let siteHeaders: [(name: [UInt8], value: [UInt8])]
    /// Where an attempt needs a place before it is sent.
    let gates: [ConcurrencyGate]
    /// How requests wait at the gates, unless their route says otherwise.
    let concurrency: ConcurrencySettings

    init(channel: Channel, site: Site, instances: [String: PluginInstance], gates: SiteGates) {
        self.site = site
        self.gates = gates.gates(of: channel)
        concurrency = gates.concurrency(of: channel)
        accountID = channel.account
        upstreamModel = channel.upstreamModel
        formats = channel.formats
        instance = instances[site.name]
        baseURL = StableBytes(site.baseURL)
        origin = UpstreamURL(site.baseURL)?.origin
        hostField = Array((origin?.authority ?? "").utf8)
        credentialKind = StableBytes(channel.credential.kind)
        secrets = channel.credential.secrets
        siteHeaders = site.headers.map { (Array($0.name.utf8), Array($0.value.reveal().utf8)) }
    }

    func hasSiteHeader(_ name: UnsafeRawBufferPointer) -> Bool {
        siteHeaders.contains { header in header.name.withUnsafeBytes { $0.equalsIgnoringCase(name) } }
    }
}
