import PatchbayPlugin
import PatchbayWire

/// What `/api/status` tells about a site, which it does without a login.
struct SiteStatus: Sendable {
    /// Members of the family that answer the same path, by what only they have.
    enum Platform: String, Sendable {
        case newAPI = "new-api"
        case veloera
        case doneHub = "done-hub"
        case oneHub = "one-hub"
        case oneAPI = "one-api"
        case unknown
    }

    static let defaultQuotaPerUSD: Double = 500_000

    var platform: Platform
    var version: String?
    var title: String?
    /// Quota units of one US dollar.
    var quotaPerUSD: Double
    var features: [String]
    /// The site has what appeared after era A.
    var isAfterEraA: Bool
    var wantsTurnstile: Bool

    init(_ data: JSONValue) {
        platform = Self.platform(data)
        version = data["version"]?.stringValue
        title = data["system_name"]?.stringValue
        let quota = data["quota_per_unit"]?.doubleValue ?? 0
        quotaPerUSD = quota > 0 ? quota : Self.defaultQuotaPerUSD
        wantsTurnstile = data["turnstile_check"]?.boolValue ?? false
        isAfterEraA = ["announcements_enabled", "quota_display_type", "checkin_enabled", "passkey_login"]
            .contains { data[$0] != nil }
        features = Self.features(data)
    }

    /// By the presence of members, never by the name of the site, which its administrator chooses.
    private static func platform(_ data: JSONValue) -> Platform {
        func has(_ names: String...) -> Bool { names.contains { data[$0] != nil } }
        if has("check_in_enabled") { return .veloera }
        if has("linuxDo_oauth", "invite_code_register", "builtin_chat_enabled") { return .doneHub }
        if has("PaymentUSDRate", "chat_links", "oidc_auth", "UptimeDomain") { return .oneHub }
        if has("setup", "self_use_mode_enabled", "demo_site_enabled") { return .newAPI }
        return has("oidc_well_known", "chat_link") ? .oneAPI : .unknown
    }

    private static func features(_ data: JSONValue) -> [String] {
        var features = [
            "login.totp", "login.pat", "self", "balance", "models.user", "models.key", "keys.list", "keys.create",
            "keys.delete", "groups", "pricing.ratio", "notices.text", "logs", "redeem",
        ]
        if data["password_login_enabled"]?.boolValue != false { features.append("login.password") }
        if data["checkin_enabled"]?.boolValue == true { features += ["checkin", "checkin.status"] }
        if data["turnstile_check"]?.boolValue == true { features.append("turnstile") }
        if data["announcements_enabled"]?.boolValue == true { features.append("notices.list") }
        return features.sorted()
    }
}
