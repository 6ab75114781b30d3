package import PatchbayCore
package import PatchbayRouting

/// What the admin API needs from the rest of the process. The composition root implements it.
///
/// Every function may be called from any thread, also at the same time; only ``save(_:)`` and ``delete(_:)`` are
/// called one after the other. Errors carry what the client should be told; anything else is answered as an internal
/// error.
package protocol AdminBackend: Sendable {
    /// The configuration in force: file and store merged.
    func configuration() async throws -> Configuration

    /// Keeps a definition in the store, replacing one with the same id, and puts the changed configuration in force
    /// before it returns. The definition has been validated and is not one that the file declares.
    func save(_ definition: Definition) async throws

    /// Removes a definition and what belongs to it from the store, and puts the changed configuration in force.
    func delete(_ definition: DefinitionID) async throws

    /// Works out what is stored of a client key. Nil = a new one is generated.
    func clientKey(_ text: Secret?) -> ClientKey

    func plugins() async throws -> [PluginSummary]

    /// Finished requests, the latest first.
    func requests(_ query: RequestQuery) async throws -> RequestPage
    /// Nil = there is no such request.
    func request(id: String) async throws -> RequestRecord?
    /// Sums over finished requests, the costliest first.
    func usage(_ query: UsageQuery) async throws -> [UsageSum]

    /// - Parameter key: Whose permissions apply; nil = nobody's.
    func explain(model: String, key: Key?, format: WireFormat?) async throws -> RouteExplanation

    /// Everything that is measured, in the text format of Prometheus.
    func metrics() async -> String
    /// Why requests cannot be served now, one sentence each; empty = they can.
    func obstacles() async -> [String]

    /// What does not work although requests are served, one sentence each; empty = all is well.
    func degradations() async -> [String]
}

/// Something that people declare.
package enum Definition: Sendable {
    /// Accounts of the value are not part of the definition.
    case site(Site)
    /// Tokens of the value are not part of the definition.
    case account(Account, site: String)
    case token(UpstreamToken, site: String, account: String)
    case key(Key)
    case group(KeyGroup)
    case route(Route)
}

/// The id of a ``Definition``.
package enum DefinitionID: Sendable, Hashable {
    case site(String)
    case account(String, site: String)
    case token(String, site: String, account: String)
    case key(String)
    case group(String)
    /// By its model or pattern.
    case route(String)
}

/// A client key with what is stored of it.
package struct ClientKey: Sendable {
    package var text: Secret
    package var digest: KeyDigest
    package var displayPrefix: String

    package init(text: Secret, digest: KeyDigest, displayPrefix: String) {
        self.text = text
        self.digest = digest
        self.displayPrefix = displayPrefix
    }
}

/// Which finished requests are wanted. Nil parts do not matter.
package struct RequestQuery: Sendable, Hashable {
    package var key: String?
    package var model: String?
    package var site: String?
    package var account: String?
    package var outcome: RequestOutcome?
    /// HTTP status that the client got.
    package var status: Int?
    /// Milliseconds since 1970, inclusive.
    package var since: Int64?
    /// Milliseconds since 1970, exclusive.
    package var until: Int64?
    /// Where the last page ended.
    package var cursor: String?
    package var limit: Int

    package init(limit: Int = 50) {
        self.limit = limit
    }
}

package struct RequestPage: Sendable {
    package var records: [RequestRecord]
    /// Nil = there are no more.
    package var next: String?

    package init(records: [RequestRecord], next: String?) {
        self.records = records
        self.next = next
    }
}

package struct UsageQuery: Sendable, Hashable {
    package enum Group: String, Sendable, CaseIterable {
        case key
        case model
        case site
    }

    package var group: Group
    /// Milliseconds since 1970, inclusive; nil = from the beginning.
    package var since: Int64?
    /// Milliseconds since 1970, exclusive; nil = until now.
    package var until: Int64?

    package init(group: Group, since: Int64? = nil, until: Int64? = nil) {
        self.group = group
        self.since = since
        self.until = until
    }
}

/// Sums over the requests of one key, model or site.
package struct UsageSum: Sendable, Hashable {
    package var name: String
    package var requests: Int
    /// Those of `requests` that did not complete.
    package var failures: Int
    package var inputTokens: UInt64
    package var outputTokens: UInt64
    package var cachedTokens: UInt64
    package var cost: Money

    package init(
        name: String, requests: Int, failures: Int, inputTokens: UInt64, outputTokens: UInt64, cachedTokens: UInt64,
        cost: Money
    ) {
        self.name = name
        self.requests = requests
        self.failures = failures
        self.inputTokens = inputTokens
        self.outputTokens = outputTokens
        self.cachedTokens = cachedTokens
        self.cost = cost
    }
}

/// A plugin that was found, loaded or refused.
package struct PluginSummary: Sendable, Hashable {
    package var id: String
    package var version: String
    package var kinds: [String]
    package var file: String
    package var sha256: String
    package var abi: String
    package var toolchain: String
    /// `loaded` or `refused`.
    package var state: String
    /// Why it was refused; empty if it was not.
    package var sentence: String
    package var formats: [String]
    package var operations: [String]

    package init(
        id: String, version: String, kinds: [String], file: String, sha256: String, abi: String, toolchain: String,
        state: String, sentence: String, formats: [String], operations: [String]
    ) {
        self.id = id
        self.version = version
        self.kinds = kinds
        self.file = file
        self.sha256 = sha256
        self.abi = abi
        self.toolchain = toolchain
        self.state = state
        self.sentence = sentence
        self.formats = formats
        self.operations = operations
    }
}
