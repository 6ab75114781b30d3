/// Result of `tokens.list`.
public struct TokenList: Codable, Sendable, Hashable {
    public var tokens: [TokenEntry]

    public init(tokens: [TokenEntry]) {
        self.tokens = tokens
    }
}

/// An API key of an account on its site.
public struct TokenEntry: Codable, Sendable, Hashable {
    public enum Status: String, Codable, Sendable, Hashable { case enabled, disabled, expired, exhausted }

    public var id: String
    public var name: String
    /// Complete, with its prefix; nil if the site shows it masked.
    public var key: String?
    public var maskedKey: String?
    public var status: Status
    public var group: String?
    public var remainingUSD: Double?
    public var usedUSD: Double?
    public var unlimited: Bool
    /// Models it may use; nil = all.
    public var models: [String]?
    /// Unix seconds.
    public var createdAt: Int?
    /// Unix seconds; nil = never.
    public var expiresAt: Int?

    public init(
        id: String, name: String, key: String? = nil, maskedKey: String? = nil, status: Status = .enabled,
        group: String? = nil, remainingUSD: Double? = nil, usedUSD: Double? = nil, unlimited: Bool = false,
        models: [String]? = nil, createdAt: Int? = nil, expiresAt: Int? = nil
    ) {
        self.id = id
        self.name = name
        self.key = key
        self.maskedKey = maskedKey
        self.status = status
        self.group = group
        self.remainingUSD = remainingUSD
        self.usedUSD = usedUSD
        self.unlimited = unlimited
        self.models = models
        self.createdAt = createdAt
        self.expiresAt = expiresAt
    }

    private enum CodingKeys: String, CodingKey {
        case id, name, key, status, group, unlimited, models
        case maskedKey = "masked_key"
        case remainingUSD = "remaining_usd"
        case usedUSD = "used_usd"
        case createdAt = "created_at"
        case expiresAt = "expires_at"
    }
}

/// Arguments of `tokens.create`.
public struct TokenCreation: Codable, Sendable, Hashable {
    public var name: String
    public var group: String?
    /// nil = true unless `quotaUSD` is given.
    public var unlimited: Bool?
    public var quotaUSD: Double?
    public var models: [String]?
    /// Unix seconds.
    public var expiresAt: Int?

    public init(
        name: String, group: String? = nil, unlimited: Bool? = nil, quotaUSD: Double? = nil, models: [String]? = nil,
        expiresAt: Int? = nil
    ) {
        self.name = name
        self.group = group
        self.unlimited = unlimited
        self.quotaUSD = quotaUSD
        self.models = models
        self.expiresAt = expiresAt
    }

    private enum CodingKeys: String, CodingKey {
        case name, group, unlimited, models
        case quotaUSD = "quota_usd"
        case expiresAt = "expires_at"
    }
}

/// Arguments of `tokens.reveal` and `tokens.delete`.
public struct TokenReference: Codable, Sendable, Hashable {
    public var id: String

    public init(id: String) {
        self.id = id
    }
}

/// Result of `tokens.reveal`.
public struct RevealedToken: Codable, Sendable, Hashable {
    public var id: String
    /// Complete, with its prefix.
    public var key: String

    public init(id: String, key: String) {
        self.id = id
        self.key = key
    }
}

/// Result of `groups`.
public struct GroupList: Codable, Sendable, Hashable {
    public var groups: [GroupEntry]

    public init(groups: [GroupEntry]) {
        self.groups = groups
    }
}

/// A group of a site's users or tokens.
public struct GroupEntry: Codable, Sendable, Hashable {
    public var id: String
    public var description: String?
    /// Factor on the site's prices.
    public var ratio: Double?

    public init(id: String, description: String? = nil, ratio: Double? = nil) {
        self.id = id
        self.description = description
        self.ratio = ratio
    }
}
