package import PatchbayCore

/// Everything the router needs from one configuration, worked out once and never changed.
///
/// All event loops share one table. Its indexes mean nothing to another table; ids do.
package final class RoutingTable: Sendable {
    package let sites: [Site]
    package let channels: [Channel]
    package let candidates: [Candidate]
    /// First the routes of single names in alphabetical order, then the patterns from the most specific.
    package let routes: [RouteEntry]
    /// Every wire format that a site speaks; a bit of ``FormatSet`` is an index here. At most 32.
    package let formats: [WireFormat]

    /// The compact sides of `channels`, `candidates` and `routes` for the hot path: nothing in them is counted.
    let links: ContiguousArray<ChannelLink>
    let offers: ContiguousArray<Offer>
    let usable: ContiguousArray<Range<Int>>
    /// Ids of the parties that credentials belong to; `ChannelLink.credential` is an index here.
    let credentialIDs: [String]
    let credentials: [Credential]
    let channelIndex: [String: Int32]
    let patterns: [(pattern: GlobPattern, route: Int32)]
    private let exact: ByteIndex
    private let listedRoutes: [Int32]

    /// - Parameters:
    ///   - configuration: File and store merged.
    ///   - discovered: What a site said it serves, by account id (`site/account`) or token id (`site/account/token`).
    ///     Used where the configuration names no models.
    ///   - platformFormats: Wire formats by plugin id, for sites that name none.
    package init(
        configuration: Configuration, discovered: [String: [ModelMapping]] = [:],
        platformFormats: [String: [WireFormat]] = [:]
    ) {
        var builder = RoutingTableBuilder(
            configuration: configuration, discovered: discovered, platformFormats: platformFormats)
        builder.build()
        sites = configuration.sites
        channels = builder.channels
        candidates = builder.candidates
        routes = builder.routes
        formats = builder.formats
        links = builder.links
        offers = ContiguousArray(builder.candidates.map { Offer($0, builder.links[Int($0.channel)]) })
        usable = ContiguousArray(builder.routes.map(\.usable))
        credentialIDs = builder.parties.map(\.id)
        credentials = builder.parties.map(\.credential)
        channelIndex = builder.channelIndex
        let numbered = builder.routes.indices.map { (entry: builder.routes[$0], index: Int32($0)) }
        exact = ByteIndex(numbered.filter { !$0.entry.isPattern }.map { (name: $0.entry.model, value: $0.index) })
        patterns = numbered.filter(\.entry.isPattern).map { (pattern: GlobPattern($0.entry.model), route: $0.index) }
        listedRoutes = numbered.filter(\.entry.isListed).map(\.index)
    }

    /// The route of a public model name: its own, else that of the most specific pattern. Nil = the model is unknown.
    package func route(forModelUTF8 name: UnsafeRawBufferPointer) -> RouteIndex? {
        if let index = exact.value(for: name) { return RouteIndex(rawValue: index) }
        for candidate in patterns where candidate.pattern.matches(name) { return RouteIndex(rawValue: candidate.route) }
        return nil
    }

    package func route(forModel name: String) -> RouteIndex? {
        var name = name
        return name.withUTF8 { route(forModelUTF8: UnsafeRawBufferPointer($0)) }
    }

    /// The bits of those formats that some site speaks.
    package func formatSet(_ wanted: [WireFormat]) -> FormatSet {
        var set = FormatSet()
        for (index, format) in formats.enumerated() where wanted.contains(format) {
            set.insert(FormatSet(rawValue: 1 << UInt32(index)))
        }
        return set
    }

    /// The channel of a candidate, such as one of a plan.
    package func channel(of candidate: Int32) -> Channel { channels[Int(candidates[Int(candidate)].channel)] }

    package func permissions(for key: Key) -> KeyPermissions { KeyPermissions(models: key.models, routes: routes) }

    /// The routes of public model names that have a channel and that the key may use, in alphabetical order.
    package func models(allowedBy permissions: KeyPermissions) -> [RouteEntry] {
        listedRoutes.filter { permissions.permits(exact: $0) }.map { routes[Int($0)] }
    }
}

/// What the hot path needs to know of a channel.
struct ChannelLink: Sendable {
    let site: Int32
    let credential: Int32
    let formats: FormatSet
    let sendsClientModel: Bool
}

/// What the hot path needs to know of a candidate.
struct Offer: Sendable {
    let channel: Int32
    let priority: Int32
    let weight: UInt32
    let link: ChannelLink

    init(_ candidate: Candidate, _ link: ChannelLink) {
        channel = candidate.channel
        priority = candidate.priority
        weight = candidate.weight
        self.link = link
    }
}
