/// What a key, or all keys of a group together, may use. Nil = as much as they like.
package struct KeyLimits: Sendable, Hashable {
    /// Requests per minute: a bucket that holds so many and refills evenly.
    package var requestsPerMinute: Int?
    /// Tokens per minute, prompt and answer together, in a bucket of the same kind.
    package var tokensPerMinute: Int?
    /// Requests under way.
    package var concurrency: Int?

    package init(requestsPerMinute: Int? = nil, tokensPerMinute: Int? = nil, concurrency: Int? = nil) {
        self.requestsPerMinute = requestsPerMinute
        self.tokensPerMinute = tokensPerMinute
        self.concurrency = concurrency
    }

    /// Nothing is limited.
    package var isEmpty: Bool { requestsPerMinute == nil && tokensPerMinute == nil && concurrency == nil }
}

/// A tenant: keys that share limits.
package struct KeyGroup: Sendable, Hashable {
    /// Unique; what keys name.
    package var name: String
    /// Of all keys of the group together.
    package var limits: KeyLimits
    package var source: ConfigurationSource

    package init(name: String, limits: KeyLimits = KeyLimits(), source: ConfigurationSource) {
        self.name = name
        self.limits = limits
        self.source = source
    }
}
