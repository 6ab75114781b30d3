/// An account on the simulated site.
package struct SimulatedUser: Sendable {
    package var id: Int64
    package var username: String
    package var password: String
    package var displayName: String
    package var group: String
    /// What remains, in quota units.
    package var quota: Int64
    package var usedQuota: Int64
    package var requestCount: Int64
    package var enabled: Bool
    /// The system access token, which `GET /api/user/token` replaces.
    package var accessToken: String?
    /// The six digits that a second factor expects; nil = no second factor.
    package var secondFactor: String?
    package var tokens: [SimulatedToken]

    package init(
        id: Int64, username: String, password: String, group: String = "default", quota: Int64 = 0,
        usedQuota: Int64 = 0, accessToken: String? = nil, secondFactor: String? = nil, tokens: [SimulatedToken] = []
    ) {
        self.id = id
        self.username = username
        self.password = password
        self.displayName = username.prefix(1).uppercased() + username.dropFirst()
        self.group = group
        self.quota = quota
        self.usedQuota = usedQuota
        self.requestCount = 0
        self.enabled = true
        self.accessToken = accessToken
        self.secondFactor = secondFactor
        self.tokens = tokens
    }
}

/// An API key of a simulated account.
package struct SimulatedToken: Sendable {
    /// Values of the platform: what a token can do.
    package enum Status: Int64, Sendable {
        case enabled = 1
        case disabled = 2
        case expired = 3
        case exhausted = 4
    }

    package var id: Int64
    package var name: String
    /// 48 letters and digits, without the prefix `sk-`.
    package var key: String
    package var status: Status
    package var createdTime: Int64
    package var accessedTime: Int64
    /// Seconds since 1970; -1 = never.
    package var expiredTime: Int64
    package var remainQuota: Int64
    package var unlimitedQuota: Bool
    package var usedQuota: Int64
    /// Models it is limited to; nil = all.
    package var models: [String]?
    /// Empty = the group of the user.
    package var group: String

    package init(
        id: Int64, name: String, key: String, remainQuota: Int64? = nil, models: [String]? = nil, group: String = "",
        expiredTime: Int64 = -1, createdTime: Int64 = 1_765_000_000
    ) {
        self.id = id
        self.name = name
        self.key = key
        self.status = .enabled
        self.createdTime = createdTime
        self.accessedTime = createdTime
        self.expiredTime = expiredTime
        self.remainQuota = remainQuota ?? 0
        self.unlimitedQuota = remainQuota == nil
        self.usedQuota = 0
        self.models = models
        self.group = group
    }

    /// The first and last four characters around ten asterisks, as the site shows a key since March 2026.
    package var maskedKey: String {
        key.count <= 8 ? String(repeating: "*", count: key.count) : "\(key.prefix(4))**********\(key.suffix(4))"
    }
}
