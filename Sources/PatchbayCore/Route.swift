/// Which channels serve a public model name.
package struct Route: Sendable {
    /// Exact public model name, or a pattern with `*`.
    package var model: String
    package var channels: [ChannelReference]
    package var source: ConfigurationSource
    /// Requests for the model are refused rather than sent with something lost that changes their meaning.
    package var strictConversion = false
    /// What holds for requests of this route; nearer than what their site says.
    package var policy = PolicySettings()
    /// How many requests of this route are under way at once, and how the others wait.
    package var concurrency = ConcurrencySettings()
    /// Its model's name for people; only for an exact name.
    package var displayName: String?
    /// What people say its models can do; nearer than what the sites say.
    package var capabilities = ModelCapabilities()

    package init(model: String, channels: [ChannelReference], source: ConfigurationSource) {
        self.model = model
        self.channels = channels
        self.source = source
    }
}

/// A channel as a route names it. Nil parts mean "every one that serves the model".
package struct ChannelReference: Sendable, Hashable {
    package var site: String
    package var account: String?
    package var token: String?
    /// The upstream's name of the model; nil = what the account's model list says, else the public name.
    package var upstreamModel: String?
    /// Lower numbers are tried first.
    package var priority: Int
    /// Share inside a priority group.
    package var weight: Int

    package init(
        site: String, account: String? = nil, token: String? = nil, upstreamModel: String? = nil, priority: Int = 0,
        weight: Int = 1
    ) {
        self.site = site
        self.account = account
        self.token = token
        self.upstreamModel = upstreamModel
        self.priority = priority
        self.weight = weight
    }
}
