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
    /// Paths that format plugins serve beside the gateway's own.
    private let paths: [(path: [UInt8], format: WireFormat)]
    /// The formats that bodies can be converted to, by operation.
    private let sendable: [FormatSet]

    package init(
        table: RoutingTable, keys: [Key], instances: [String: PluginInstance], codecs: [WireFormat: FormatCodec]
    ) {
        self.table = table
        self.codecs = codecs
        self.keys = Dictionary(
            keys.filter(\.enabled).map { ($0.digest, GatewayKey(key: $0, permissions: table.permissions(for: $0))) },
            uniquingKeysWith: { first, _ in first })
        paths = codecs.values.flatMap { codec in codec.paths.map { (Array($0.utf8), codec.format) } }
        sendable = RequestOperation.allCases.map { operation in
            table.formatSet(codecs.values.filter { $0.operations.contains(operation) }.map(\.format))
        }
        upstreams = table.channels.map { channel in
            ChannelUpstream(channel: channel, site: table.sites[channel.site], instances: instances)
        }
    }

    /// The format whose plugin serves a path; nil if none does.
    func format(servedAt path: UnsafeRawBufferPointer) -> WireFormat? {
        paths.first { path.elementsEqual($0.path) }?.format
    }

    /// The upstream formats that a request of `format` can be sent in: its own, and those it can be converted to
    /// because both plugins know the operation.
    func formats(for format: WireFormat, _ operation: RequestOperation) -> FormatSet {
        let own = table.formatSet([format])
        guard let codec = codecs[format], codec.operations.contains(operation) else { return own }
        return own.union(sendable[Int(operation.rawValue)])
    }

    package static let empty = GatewaySnapshot(
        table: RoutingTable(configuration: Configuration(), discovered: [:]), keys: [], instances: [:], codecs: [:])
}

/// A key as the data plane uses it.
final class GatewayKey: Sendable {
    let key: Key
    let permissions: KeyPermissions

    init(key: Key, permissions: KeyPermissions) {
        self.key = key
        self.permissions = permissions
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

    init(channel: Channel, site: Site, instances: [String: PluginInstance]) {
        self.site = site
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
