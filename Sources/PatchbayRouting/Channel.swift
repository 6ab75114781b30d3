package import PatchbayCore

/// Something a request can be sent to: one credential of one site, for one model of the upstream.
package struct Channel: Sendable {
    /// `site/account[/token]:upstream-model`; `*` for the model when the client's name is sent. Stable over
    /// configurations.
    package let id: String
    /// Index in `RoutingTable.sites`.
    package let site: Int
    package let siteName: String
    /// Id of the account, `site/account`.
    package let account: String
    package let accountName: String
    /// Name of the token; nil = the account's own credential is used.
    package let token: String?
    /// What authenticates: the token as kind `api_key`, or the account's credential.
    package let credential: Credential
    /// What the upstream calls the model; nil = the name the client asked for.
    package let upstreamModel: String?
    /// Wire formats the site speaks, the preferred one first. Empty when its plugin is not loaded.
    package let formats: [WireFormat]
    package let formatSet: FormatSet
    /// What the site says of the model.
    package let card: ModelCard

    /// Id of the party that the credential belongs to: `site/account[/token]`.
    package var credentialID: String { token.map { "\(account)/\($0)" } ?? account }
}

/// A channel as one route offers it.
package struct Candidate: Sendable {
    /// Index in `RoutingTable.channels`.
    package let channel: Int32
    /// Lower numbers are tried first.
    package let priority: Int32
    /// Share inside the priority group.
    package let weight: UInt32
    /// Price of the public model times the ratio of the token; nil = no price is known.
    package let price: ModelPrice?
    /// Why it is never taken; nil = it may be.
    package let exclusion: Exclusion?
}

/// Why a candidate is never taken, whatever its health.
package enum Exclusion: UInt8, Sendable, CaseIterable {
    case siteDisabled
    case accountDisabled
    case tokenDisabled
    case weightZero
}

/// Wire formats as bits; the bit is the index in `RoutingTable.formats`.
package struct FormatSet: OptionSet, Sendable, Hashable {
    package var rawValue: UInt32

    package init(rawValue: UInt32) { self.rawValue = rawValue }

    package static let all = FormatSet(rawValue: .max)
}

/// Index of a route in `RoutingTable.routes`. Means nothing to another table.
package struct RouteIndex: Sendable, Hashable {
    package let rawValue: Int32

    package init(rawValue: Int32) { self.rawValue = rawValue }
}

/// The candidates of one public model name, or of every name that matches a pattern and is not known otherwise.
package struct RouteEntry: Sendable {
    /// The public name, or the pattern.
    package let model: String
    package let isPattern: Bool
    /// The pattern of the configuration that made this entry; nil when it was declared or generated for the name.
    package let pattern: String?
    package let source: ConfigurationSource
    /// Appears in the list of models.
    package let isListed: Bool
    /// Candidates that may be taken, by priority.
    package let usable: Range<Int>
    /// All candidates: the usable ones, then the excluded ones.
    package let all: Range<Int>
    /// What is wrong with the route, one sentence each.
    package let problems: [String]
    /// What the route says about time, size, repetition and how much of it goes on at once.
    package let policy: PolicySettings
    package let concurrency: ConcurrencySettings
    /// Its requests are refused rather than sent with something lost that changes their meaning.
    package let strictConversion: Bool
    /// Tokens of the longest answer, if the route says so.
    package let declaredOutput: Int?
    /// What is known of the model; of a pattern nothing but what its route says.
    package let card: ModelCard
}
