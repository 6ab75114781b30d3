/// One deployment of an upstream platform.
package struct Site: Sendable {
    /// Unique; also its id. Lower-case letters, digits, `-`, `_` and `.`.
    package var name: String
    /// Plugin id of the platform adapter.
    package var platform: String
    /// Absolute, `http` or `https`, without a trailing slash.
    package var baseURL: String
    /// Wire formats it speaks; empty = the plugin's default.
    package var formats: [WireFormat]
    /// Headers added to every request to it.
    package var headers: [HeaderSetting]
    /// Settings for the plugin, a JSON object as text.
    package var pluginConfiguration: String
    package var enabled: Bool
    package var source: ConfigurationSource
    package var accounts: [Account]
    /// What conversions have to know of its models, a JSON object as text; see ``ConversionSetting``.
    package var conversion = "{}"
    /// What holds for attempts at this site, unless their route says otherwise.
    package var policy = PolicySettings()
    package var concurrency = ConcurrencySettings()
    package var pool = PoolSettings()

    package init(
        name: String, platform: String, baseURL: String, formats: [WireFormat] = [], headers: [HeaderSetting] = [],
        pluginConfiguration: String = "{}", enabled: Bool = true, source: ConfigurationSource, accounts: [Account] = []
    ) {
        self.name = name
        self.platform = platform
        self.baseURL = baseURL
        self.formats = formats
        self.headers = headers
        self.pluginConfiguration = pluginConfiguration
        self.enabled = enabled
        self.source = source
        self.accounts = accounts
    }
}

package struct HeaderSetting: Sendable, Hashable {
    package var name: String
    package var value: Secret

    package init(name: String, value: Secret) {
        self.name = name
        self.value = value
    }
}

/// An identity on a site.
package struct Account: Sendable {
    /// Unique within its site. The id is `site/account`.
    package var name: String
    package var credential: Credential
    /// Models it serves; nil = discovered from the site.
    package var models: [ModelMapping]?
    package var tokens: [UpstreamToken]
    package var enabled: Bool
    package var source: ConfigurationSource
    /// Attempts under way with this account and its tokens, over all event loops; nil = what the site takes.
    package var maxConcurrency: Int?

    package init(
        name: String, credential: Credential, models: [ModelMapping]? = nil, tokens: [UpstreamToken] = [],
        enabled: Bool = true, source: ConfigurationSource
    ) {
        self.name = name
        self.credential = credential
        self.models = models
        self.tokens = tokens
        self.enabled = enabled
        self.source = source
    }
}

/// How an account proves who it is: a kind and the secrets and plain fields that belong to it.
///
/// Kinds: `api_key` (secret `api_key`), `access_token` (`access_token`, field `user_id`), `password` (field `username`,
/// secret `password`), `session` (`session`, field `user_id`), `none`.
package struct Credential: Sendable, Hashable {
    package var kind: String
    package var secrets: [String: Secret]
    package var fields: [String: String]

    package init(kind: String, secrets: [String: Secret] = [:], fields: [String: String] = [:]) {
        self.kind = kind
        self.secrets = secrets
        self.fields = fields
    }

    package static let none = Credential(kind: "none")
}

/// A model of an account: the name the upstream uses and the public name it is offered under.
package struct ModelMapping: Sendable, Hashable {
    package var upstream: String
    package var name: String
    /// What the site says of it.
    package var card: ModelCard

    package init(upstream: String, name: String? = nil, card: ModelCard = ModelCard()) {
        self.upstream = upstream
        self.name = name ?? upstream
        self.card = card
    }
}

/// An upstream API key that belongs to an account.
package struct UpstreamToken: Sendable, Hashable {
    /// Unique within its account. The id is `site/account/token`.
    package var name: String
    package var key: Secret
    /// The site's own group of the token.
    package var group: String?
    /// Factor on the site's prices.
    package var priceRatio: Double
    /// Models the token may use; nil = those of the account.
    package var models: [ModelMapping]?
    package var enabled: Bool
    package var source: ConfigurationSource

    package init(
        name: String, key: Secret, group: String? = nil, priceRatio: Double = 1, models: [ModelMapping]? = nil,
        enabled: Bool = true, source: ConfigurationSource
    ) {
        self.name = name
        self.key = key
        self.group = group
        self.priceRatio = priceRatio
        self.models = models
        self.enabled = enabled
        self.source = source
    }
}
