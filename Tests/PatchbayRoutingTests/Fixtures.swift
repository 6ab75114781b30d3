import PatchbayCore

@testable import PatchbayRouting

/// Configurations in a few words.
enum Make {
    static func account(
        _ name: String, _ models: [ModelMapping]?, tokens: [UpstreamToken] = [], enabled: Bool = true,
        key: String = "sk"
    ) -> Account {
        Account(
            name: name, credential: Credential(kind: "api_key", secrets: ["api_key": Secret(key)]), models: models,
            tokens: tokens, enabled: enabled, source: .file)
    }

    static func site(
        _ name: String, _ accounts: [Account], formats: [WireFormat] = [.openAIChat], enabled: Bool = true
    ) -> Site {
        Site(
            name: name, platform: "openai", baseURL: "http://127.0.0.1:9", formats: formats, enabled: enabled,
            source: .file, accounts: accounts)
    }

    static func token(
        _ name: String, ratio: Double = 1, models: [ModelMapping]? = nil, enabled: Bool = true
    ) -> UpstreamToken {
        UpstreamToken(
            name: name, key: Secret("sk-\(name)"), priceRatio: ratio, models: models, enabled: enabled, source: .file)
    }

    static func key(_ models: [String], enabled: Bool = true) -> Key {
        Key(
            name: "dev", digest: KeyDigest(bytes: [UInt8](repeating: 1, count: 32)), displayPrefix: "sk-",
            models: models,
            enabled: enabled, source: .file)
    }

    static func configuration(_ sites: [Site], routes: [Route] = [], prices: [String: ModelPrice] = [:])
        -> Configuration
    {
        var configuration = Configuration()
        configuration.sites = sites
        configuration.routes = routes
        configuration.prices = prices
        return configuration
    }

    static func table(_ sites: [Site], routes: [Route] = [], prices: [String: ModelPrice] = [:]) -> RoutingTable {
        RoutingTable(configuration: configuration(sites, routes: routes, prices: prices))
    }

    /// One site, `count` accounts `a`, `b`... that all serve `m`, with a route of these weights and priorities.
    static func weighted(_ weights: [Int], priorities: [Int]? = nil) -> RoutingTable {
        let names = weights.indices.map { String(UnicodeScalar(UInt8(97 + $0))) }
        let references = weights.indices.map {
            ChannelReference(site: "s", account: names[$0], priority: priorities?[$0] ?? 0, weight: weights[$0])
        }
        return table(
            [site("s", names.map { account($0, [ModelMapping(upstream: "m")]) })],
            routes: [Route(model: "m", channels: references, source: .file)])
    }
}

extension ModelMapping: ExpressibleByStringLiteral {
    package init(stringLiteral value: String) { self.init(upstream: value) }
}

extension RoutingTable {
    /// Channel ids that a model may be sent to, in the order of the table.
    func channelIDs(_ model: String) -> [String]? {
        route(forModel: model).map { routes[Int($0.rawValue)].usable.map { channel(of: Int32($0)).id } }
    }

    func channel(_ id: String) -> Int32 { channelIndex[id] ?? -1 }
}

/// Plans with a table of its own health.
struct Planner {
    let table: RoutingTable
    let health: HealthTable
    var random: SeededRandom
    var plan: [Int32] = []

    init(_ table: RoutingTable, seed: UInt64 = 7) {
        self.table = table
        health = HealthTable(table: table)
        random = SeededRandom(seed: seed)
    }

    mutating func outcome(_ model: String = "m", formats: FormatSet = .all, now: Int64 = 0, limit: Int = 16)
        -> PlanOutcome
    {
        guard let route = table.route(forModel: model) else { return .unserved }
        return Router.plan(
            route, in: table, formats: formats, health: health, now: now, limit: limit, random: &random, into: &plan)
    }

    /// The account names of a plan, joined.
    mutating func order(_ model: String = "m", now: Int64 = 0, limit: Int = 16) -> String {
        _ = outcome(model, now: now, limit: limit)
        return plan.map { table.channel(of: $0).accountName }.joined()
    }
}
