import PatchbayPlugin

/// The adapter for sites that run QuantumNous/new-api.
///
/// Three generations of the dashboard's protocol are alive: cookie sessions with plain lists (era A, until June 2025),
/// cookie sessions with page objects and masked keys (era B, until July 2026), and short-lived access tokens with a
/// rotating refresh cookie (era C). Answers are read by what they contain, never by a version, so an account survives
/// the migration of its site.
struct PlatformNewAPI: PlatformAdapter {
    /// Settings of a site; see `config` in plugin.json.
    struct Settings: Decodable, Sendable {
        var createAccessToken: Bool?
        var acceptLanguage: String?

        private enum CodingKeys: String, CodingKey {
            case createAccessToken = "create_access_token"
            case acceptLanguage = "accept_language"
        }
    }

    let createsAccessToken: Bool
    /// Chinese first raises the odds of the sentences that all generations share.
    let acceptLanguage: String

    init(configuration: PluginConfiguration, host: Host) throws {
        try self.init(settings: configuration.decode(Settings.self))
    }

    init(settings: Settings) {
        createsAccessToken = settings.createAccessToken ?? false
        acceptLanguage = settings.acceptLanguage ?? "zh-CN,zh;q=0.9,en;q=0.8"
    }

    static var operations: [Operation<Self>] {
        [
            Operation("detect", detect),
            Operation("test", test),
            Operation("login", login),
            Operation("refresh", refresh),
            Operation("self", profile),
            Operation("balance", balance),
            Operation("checkin.status", checkinStatus),
            Operation("checkin", checkIn),
            Operation("models", models),
            Operation("tokens.list", tokens),
            Operation("tokens.create", createToken),
            Operation("tokens.reveal", revealToken),
            Operation("tokens.delete", deleteToken),
            Operation("groups", groups),
            Operation("pricing", pricing),
        ]
    }
}
