import PatchbayCore
import PatchbayWire

enum RouteResource: Resource {
    typealias Value = Route

    static let plural = "routes"
    static let singular = "route"

    static let view = View<Route>(
        "Route", "Which channels serve a public model name.",
        [
            .string("id", "Its model.") { $0.model },
            .string("model", "Exact public model name, or a pattern with '*'.") { $0.model },
            .member("channels", .array(.record(channelOutput)), "In the order given.") {
                .array($0.channels.map(document))
            },
            .boolean("strict_conversion", Shared.strictConversion.note) { $0.strictConversion },
            .optionalString("display_name", "Its model's name for people.") { $0.displayName },
        ] + SharedSettings.capabilities.properties { $0.capabilities }
            + SharedSettings.policy.properties { $0.policy } + SharedSettings.concurrency.properties { $0.concurrency }
            + sourceProperties)

    private static let channelOutput = Record(
        "Channel", "Channels that a route names; null parts mean every one that serves the model.",
        [
            Field("site", .string, required: true, "Name of the site."),
            Field("account", .string.orNull, required: true, "Name of the account."),
            Field("token", .string.orNull, required: true, "Name of the token."),
            Field("model", .string.orNull, required: true, "What the upstream calls the model."),
            Field("priority", .integer, required: true, "Lower numbers are tried first."),
            Field("weight", .integer, required: true, "Share inside a priority group."),
        ])

    private static let channelInput = Record(
        "ChannelInput", "Channels; parts that are absent or null mean every one that serves the model.",
        [
            Field("site", Shared.name, required: true, "Name of the site."),
            Field("account", Shared.name.orNull, "Name of the account."),
            Field("token", Shared.name.orNull, "Name of the token; needs the account."),
            Field("model", Shared.modelName.orNull, "What the upstream calls the model."),
            Field("priority", .integer(Validation.priorities), "Lower numbers are tried first; 0 unless given."),
            Field("weight", .integer(Validation.weights), "Share inside a priority group; 1 unless given."),
        ])

    private static func document(_ channel: ChannelReference) -> JSONValue {
        [
            "site": .string(channel.site), "account": channel.account.map { .string($0) } ?? .null,
            "token": channel.token.map { .string($0) } ?? .null,
            "model": channel.upstreamModel.map { .string($0) } ?? .null, "priority": .int(channel.priority),
            "weight": .int(channel.weight),
        ]
    }

    static let creation = Record(
        "RouteCreation", "A new route.",
        [
            Field("model", Shared.modelName, required: true, "Exact public model name, or a pattern with '*'; unique."),
            Field("channels", .array(.record(channelInput)), required: true, "At least one."),
        ] + settings)

    private static let settings =
        [
            Shared.strictConversion,
            Field(
                "display_name", Schema.string(1...Validation.longestModel).orNull,
                "Its model's name for people, in lists of models; not for a pattern."),
        ] + SharedSettings.capabilities.fields + SharedSettings.policy.fields + SharedSettings.concurrency.fields

    static let change = Record(
        "RouteChange", "Changes to a route.",
        [Field("channels", .array(.record(channelInput)), "Replaces all of them.")] + settings)

    static func all(in configuration: Configuration) -> [Route] { configuration.routes }
    static func id(of route: Route) -> String { route.model }
    static func source(of route: Route) -> ConfigurationSource { route.source }

    static func make(_ body: JSONObject, in configuration: Configuration) throws(AdminError) -> Route {
        var route = Route(model: body["model"]?.stringValue ?? "", channels: [], source: .store)
        try apply(body, to: &route)
        try requireParts(of: route, in: configuration)
        return route
    }

    static func apply(_ body: JSONObject, to route: inout Route) throws(AdminError) {
        if let strict = body["strict_conversion"]?.boolValue { route.strictConversion = strict }
        if let name = body["display_name"] { route.displayName = name.stringValue }
        SharedSettings.capabilities.apply(body, to: &route.capabilities)
        SharedSettings.policy.apply(body, to: &route.policy)
        SharedSettings.concurrency.apply(body, to: &route.concurrency)
        guard let channels = body["channels"]?.arrayValue else { return }
        route.channels = channels.map { channel in
            ChannelReference(
                site: channel["site"]?.stringValue ?? "", account: channel["account"]?.stringValue,
                token: channel["token"]?.stringValue, upstreamModel: channel["model"]?.stringValue,
                priority: channel["priority"]?.intValue ?? 0, weight: channel["weight"]?.intValue ?? 1)
        }
    }

    static func validate(_ route: inout Route) throws(AdminError) {
        guard !route.channels.isEmpty else {
            throw AdminError(.invalidField, "channels must have at least one element.", field: "channels")
        }
        let checked = route
        try checking { () throws(ValidationError) in try Validation.route(checked) }
    }

    /// A new route must not name what does not exist.
    static func requireParts(of route: Route, in configuration: Configuration) throws(AdminError) {
        for (index, channel) in route.channels.enumerated() {
            guard let site = configuration.sites.first(where: { $0.name == channel.site }) else {
                throw missing("site", channel.site, index)
            }
            guard let name = channel.account else { continue }
            guard let account = site.accounts.first(where: { $0.name == name }) else {
                throw missing("account", "\(site.name)/\(name)", index)
            }
            if let token = channel.token, !account.tokens.contains(where: { $0.name == token }) {
                throw missing("token", "\(site.name)/\(name)/\(token)", index)
            }
        }
    }

    private static func missing(_ part: String, _ id: String, _ index: Int) -> AdminError {
        let field = "channels[\(index)].\(part)"
        return AdminError(.invalidField, "\(field) names '\(id)', which does not exist.", field: field)
    }

    static func definition(of route: Route) -> Definition { .route(route) }
    static func definitionID(of route: Route) -> DefinitionID { .route(route.model) }
}
