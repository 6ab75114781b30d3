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
    private let bindings: [WireFormat: FormatBinding]
    let policies: PolicyTable
    /// Tokens of the longest answer where a route says so, by route.
    let declaredOutputs: [Int32: Int]
    /// By route; nil = as many requests as come.
    let routeGates: [ConcurrencyGate?]
    /// A gate may be in the way of a request.
    let hasGates: Bool
    let pools: PoolPlan
    /// Paths that format plugins serve beside the gateway's own.
    private let paths: [(path: [UInt8], format: WireFormat)]

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
        policies = PolicyTable(global: configuration.policy, table: table)
        paths = codecs.values.flatMap { codec in codec.paths.map { (Array($0.utf8), codec.format) } }
        let formats = Set(codecs.keys).union(table.formats).union(Endpoint.formats)
        let bindings = Dictionary(
            uniqueKeysWithValues: formats.map {
                ($0, FormatBinding($0, codecs: codecs, table: table))
            })
        self.bindings = bindings
        declaredOutputs = table.routes.indices.reduce(into: [:]) { $0[Int32($1)] = table.routes[$1].declaredOutput }
        let gates = SiteGates(configuration, limits)
        let conversions = table.sites.map { SiteConversion($0.conversion) }
        upstreams = table.channels.map { channel in
            ChannelUpstream(
                channel: channel, site: table.sites[channel.site], conversion: conversions[channel.site],
                instances: instances, bindings: bindings, gates: gates)
        }
        routeGates = table.routes.map { route in
            limits.gate("route", route.pattern ?? route.model, places: route.concurrency.maxConcurrency)
        }
        hasGates = routeGates.contains { $0 != nil } || upstreams.contains { !$0.gates.isEmpty }
        pools = PoolPlan(configuration)
    }

    /// The format whose plugin serves a path; nil if none does.
    func format(servedAt path: UnsafeRawBufferPointer) -> WireFormat? {
        paths.first { path.elementsEqual($0.path) }?.format
    }

    /// What a format means here; nil for one that no endpoint, plugin or site knows.
    func binding(_ format: WireFormat) -> FormatBinding? { bindings[format] }

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
    /// ``upstreamModel`` for plugins.
    let upstreamModelName: StableBytes?
    /// The formats of the site that requests in another one are converted to, the preferred one first.
    let targets: [FormatBinding]
    /// nil when no loaded plugin serves the platform.
    let instance: PluginInstance?
    let baseURL: StableBytes
    /// Scheme and authority of the base URL; nil when the base URL cannot be used.
    let origin: UpstreamOrigin?
    /// The Host field with its line end.
    let hostLine: [UInt8]
    let credentialKind: StableBytes
    let secrets: SecretBytes
    /// Headers that the configuration of the site adds, as whole lines.
    let siteHeaders: [(name: [UInt8], line: [UInt8])]
    /// Bytes that ``hostLine`` and ``siteHeaders`` add to a head.
    let headBytes: Int
    /// What conversions have to know of the site's models.
    let conversion: SiteConversion
    /// The same without what the site itself tells of the channel's model.
    let declaredConversion: SiteConversion
    /// Where the path begins in the base URL.
    private let authorityEnd: Int
    /// Where an attempt needs a place before it is sent.
    let gates: [ConcurrencyGate]
    /// How requests wait at the gates, unless their route says otherwise.
    let concurrency: ConcurrencySettings

    init(
        channel: Channel, site: Site, conversion: SiteConversion, instances: [String: PluginInstance],
        bindings: [WireFormat: FormatBinding], gates: SiteGates
    ) {
        self.site = site
        declaredConversion = conversion
        let longest = channel.card.capabilities.maxOutputTokens
        self.conversion = longest.map(conversion.completed) ?? conversion
        self.gates = gates.gates(of: channel)
        concurrency = gates.concurrency(of: channel)
        accountID = channel.account
        upstreamModel = channel.upstreamModel
        upstreamModelName = channel.upstreamModel.map { StableBytes($0) }
        targets = channel.formats.compactMap { bindings[$0] }.filter { $0.codec != nil }
        instance = instances[site.name]
        baseURL = StableBytes(site.baseURL)
        origin = UpstreamURL(site.baseURL)?.origin
        hostLine = Array("host: \(origin?.authority ?? "")\r\n".utf8)
        credentialKind = StableBytes(channel.credential.kind)
        secrets = SecretBytes(channel.credential.secrets)
        siteHeaders = site.headers.map {
            (Array($0.name.utf8), Array("\($0.name): \($0.value.reveal())\r\n".utf8))
        }
        headBytes = hostLine.count + siteHeaders.reduce(0) { $0 + $1.line.count }
        authorityEnd = ChannelUpstream.endOfAuthority(in: Array(site.baseURL.utf8))
    }

    private static func endOfAuthority(in url: [UInt8]) -> Int {
        guard let scheme = url.firstIndex(of: UInt8(ascii: ":")), scheme + 3 <= url.count else { return url.count }
        return url[(scheme + 3)...].firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") } ?? url.count
    }

    /// Where the request-target begins in a URL that continues the base URL; nil for any other URL.
    func targetStart(of url: UnsafeRawBufferPointer) -> Int? {
        let base = baseURL.view
        guard origin != nil, url.count > base.count, url[authorityEnd] == UInt8(ascii: "/"),
            url[base.count] == UInt8(ascii: "/") || url[base.count] == UInt8(ascii: "?"),
            url.begins(with: base)
        else { return nil }
        // What UpstreamURL refuses besides; the draft has no blanks and nothing beyond ASCII.
        for byte in url[base.count...] {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "#"), UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "\\"):
                return nil
            default: break
            }
        }
        return authorityEnd
    }

    func hasSiteHeader(_ name: UnsafeRawBufferPointer) -> Bool {
        siteHeaders.contains { header in header.name.withUnsafeBytes { $0.equalsIgnoringCase(name) } }
    }
}
