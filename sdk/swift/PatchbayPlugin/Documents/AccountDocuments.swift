/// Arguments of `login`; the password is the secret `password` of the account.
public struct LoginArguments: Codable, Sendable, Hashable {
    /// A one-time code, when the site wants a second factor.
    public var code: String?
    /// The answer to a captcha.
    public var turnstile: String?

    public init(code: String? = nil, turnstile: String? = nil) {
        self.code = code
        self.turnstile = turnstile
    }
}

/// Result of `login` and `refresh`. The host stores the secrets sealed and never logs the document.
public struct LoginResult: Codable, Sendable, Hashable {
    /// Kind of the credential that was obtained.
    public var credentialKind: String
    public var fields: [String: String]
    public var secrets: [String: String]
    /// Unix seconds.
    public var expiresAt: Int?

    public init(
        credentialKind: String, fields: [String: String] = [:], secrets: [String: String] = [:],
        expiresAt: Int? = nil
    ) {
        self.credentialKind = credentialKind
        self.fields = fields
        self.secrets = secrets
        self.expiresAt = expiresAt
    }

    private enum CodingKeys: String, CodingKey {
        case fields, secrets
        case credentialKind = "credential_kind"
        case expiresAt = "expires_at"
    }
}

/// Result of `self`.
public struct Profile: Codable, Sendable, Hashable {
    public var id: String
    public var username: String
    public var displayName: String?
    public var email: String?
    public var group: String?
    public var role: String?
    /// `active` or `disabled`.
    public var status: String?
    public var balanceUSD: Double?
    public var usedUSD: Double?
    public var requestCount: Int?

    public init(
        id: String, username: String, displayName: String? = nil, email: String? = nil, group: String? = nil,
        role: String? = nil, status: String? = nil, balanceUSD: Double? = nil, usedUSD: Double? = nil,
        requestCount: Int? = nil
    ) {
        self.id = id
        self.username = username
        self.displayName = displayName
        self.email = email
        self.group = group
        self.role = role
        self.status = status
        self.balanceUSD = balanceUSD
        self.usedUSD = usedUSD
        self.requestCount = requestCount
    }

    private enum CodingKeys: String, CodingKey {
        case id, username, email, group, role, status
        case displayName = "display_name"
        case balanceUSD = "balance_usd"
        case usedUSD = "used_usd"
        case requestCount = "request_count"
    }
}

/// Result of `balance`, in USD. nil = not known.
public struct Balance: Codable, Sendable, Hashable {
    public var remainingUSD: Double?
    public var usedUSD: Double?
    public var grantedUSD: Double?
    public var unlimited: Bool
    /// Unix seconds.
    public var expiresAt: Int?
    /// Units of the site's own quota in one USD.
    public var quotaPerUSD: Double?
    /// What was read: `account`, `token`, `billing`.
    public var source: String

    public init(
        remainingUSD: Double?, usedUSD: Double? = nil, grantedUSD: Double? = nil, unlimited: Bool = false,
        expiresAt: Int? = nil, quotaPerUSD: Double? = nil, source: String = "account"
    ) {
        self.remainingUSD = remainingUSD
        self.usedUSD = usedUSD
        self.grantedUSD = grantedUSD
        self.unlimited = unlimited
        self.expiresAt = expiresAt
        self.quotaPerUSD = quotaPerUSD
        self.source = source
    }

    private enum CodingKeys: String, CodingKey {
        case unlimited, source
        case remainingUSD = "remaining_usd"
        case usedUSD = "used_usd"
        case grantedUSD = "granted_usd"
        case expiresAt = "expires_at"
        case quotaPerUSD = "quota_per_usd"
    }
}

/// Result of `checkin.status`.
public struct CheckinStatus: Codable, Sendable, Hashable {
    public var supported: Bool
    public var enabled: Bool
    public var checkedInToday: Bool?
    public var totalCheckins: Int?
    public var totalAwardedUSD: Double?

    public init(
        supported: Bool, enabled: Bool, checkedInToday: Bool? = nil, totalCheckins: Int? = nil,
        totalAwardedUSD: Double? = nil
    ) {
        self.supported = supported
        self.enabled = enabled
        self.checkedInToday = checkedInToday
        self.totalCheckins = totalCheckins
        self.totalAwardedUSD = totalAwardedUSD
    }

    private enum CodingKeys: String, CodingKey {
        case supported, enabled
        case checkedInToday = "checked_in_today"
        case totalCheckins = "total_checkins"
        case totalAwardedUSD = "total_awarded_usd"
    }
}

/// Arguments of `checkin`.
public struct CheckinArguments: Codable, Sendable, Hashable {
    /// The answer to a captcha.
    public var turnstile: String?

    public init(turnstile: String? = nil) {
        self.turnstile = turnstile
    }
}

/// Result of `checkin`. The outcomes are results, not errors.
public struct CheckinResult: Codable, Sendable, Hashable {
    public enum Outcome: String, Codable, Sendable, Hashable {
        case done, disabled, unsupported
        case alreadyDone = "already_done"
    }

    public var outcome: Outcome
    public var awardedUSD: Double?
    public var message: String

    public init(_ outcome: Outcome, awardedUSD: Double? = nil, message: String) {
        self.outcome = outcome
        self.awardedUSD = awardedUSD
        self.message = message
    }

    private enum CodingKeys: String, CodingKey {
        case outcome, message
        case awardedUSD = "awarded_usd"
    }
}
