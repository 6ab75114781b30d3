/// Arguments of `pricing`.
public struct PricingArguments: Codable, Sendable, Hashable {
    public var group: String?

    public init(group: String? = nil) {
        self.group = group
    }
}

/// Result of `pricing`.
public struct PriceList: Codable, Sendable, Hashable {
    public var prices: [PriceEntry]
    /// Factor on the prices for each group.
    public var groupRatios: [String: Double]

    public init(prices: [PriceEntry], groupRatios: [String: Double] = [:]) {
        self.prices = prices
        self.groupRatios = groupRatios
    }

    private enum CodingKeys: String, CodingKey {
        case prices
        case groupRatios = "group_ratios"
    }
}

/// What a model costs, before the ratio of a group.
public struct PriceEntry: Codable, Sendable, Hashable {
    public enum Billing: String, Codable, Sendable, Hashable { case token, request, unknown }

    public var model: String
    public var billing: Billing
    /// USD per million tokens.
    public var input: Double?
    /// USD per million tokens.
    public var output: Double?
    /// USD per million tokens.
    public var cachedInput: Double?
    /// USD per million tokens.
    public var cacheWrite: Double?
    public var perRequestUSD: Double?
    public var groups: [String]?
    /// Wire formats it can be asked in.
    public var formats: [String]?

    public init(
        model: String, billing: Billing = .token, input: Double? = nil, output: Double? = nil,
        cachedInput: Double? = nil, cacheWrite: Double? = nil, perRequestUSD: Double? = nil, groups: [String]? = nil,
        formats: [String]? = nil
    ) {
        self.model = model
        self.billing = billing
        self.input = input
        self.output = output
        self.cachedInput = cachedInput
        self.cacheWrite = cacheWrite
        self.perRequestUSD = perRequestUSD
        self.groups = groups
        self.formats = formats
    }

    private enum CodingKeys: String, CodingKey {
        case model, billing, input, output, groups, formats
        case cachedInput = "cached_input"
        case cacheWrite = "cache_write"
        case perRequestUSD = "per_request_usd"
    }
}
