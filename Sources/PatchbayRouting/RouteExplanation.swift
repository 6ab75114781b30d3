package import PatchbayCore

/// Why a model goes where it goes: every candidate, what speaks for it, and whether it would be tried now.
package struct RouteExplanation: Sendable {
    /// The public model name that was asked for.
    package var model: String
    /// Name of the key it was asked with; nil = without one.
    package var key: String?
    package var outcome: Outcome
    /// One sentence for people.
    package var summary: String
    /// The route that applies; nil = none does.
    package var route: MatchedRoute?
    /// The same seed and health give the same order.
    package var seed: UInt64
    /// Candidates in the order in which they would be tried, then the others.
    package var candidates: [ExplainedCandidate]
    /// What is wrong with the route, one sentence each.
    package var problems: [String]
    /// What is left of the limits of the key and of its group.
    package var limits: [ExplainedLimit] = []
    /// When nothing can be sent now: after so long the first one is back.
    package var retryAfterMilliseconds: Int64?

    package enum Outcome: String, Sendable, CaseIterable {
        case routed
        case unknownModel = "unknown_model"
        case modelNotAllowed = "model_not_allowed"
        case keyDisabled = "key_disabled"
        /// The key or its group has used up a limit.
        case limited
        case cooling
        case unserved
    }

    package struct MatchedRoute: Sendable, Hashable {
        /// The public name or the pattern that was found.
        package var model: String
        /// The pattern of the configuration that the route comes from, if it does.
        package var pattern: String?
        package var source: ConfigurationSource
    }
}

/// A limit of a key or of its group.
package struct ExplainedLimit: Sendable {
    /// `key` or `group`, and its name.
    package var scope: String
    package var name: String
    /// `requests`, `tokens` or `concurrency`.
    package var limit: String
    package var value: Int
    package var remaining: Int
    /// Until a request would be let in again; 0 = now.
    package var waitMilliseconds: Int64

    package init(scope: String, name: String, limit: String, value: Int, remaining: Int, waitMilliseconds: Int64) {
        self.scope = scope
        self.name = name
        self.limit = limit
        self.value = value
        self.remaining = remaining
        self.waitMilliseconds = waitMilliseconds
    }
}

/// A number of places that a candidate shares with others.
package struct ExplainedGate: Sendable {
    /// `site`, `account` or `route`, and its name.
    package var scope: String
    package var name: String
    package var places: Int
    package var taken: Int
    package var waiting: Int
    /// The longest line.
    package var queueLength: Int

    package init(scope: String, name: String, places: Int, taken: Int, waiting: Int, queueLength: Int) {
        self.scope = scope
        self.name = name
        self.places = places
        self.taken = taken
        self.waiting = waiting
        self.queueLength = queueLength
    }

    package var isCrowded: Bool { taken >= places || waiting > 0 }
    package var isFull: Bool { isCrowded && waiting >= queueLength }
}

/// One candidate of an explanation.
package struct ExplainedCandidate: Sendable {
    package var channel: String
    package var site: String
    package var account: String
    package var token: String?
    package var upstreamModel: String
    package var formats: [WireFormat]
    package var priority: Int
    package var weight: Int
    /// Chance of being the first of its priority group, among those of the group that are ready; 0...1.
    package var share: Double
    package var price: ModelPrice?
    /// Position in the plan, from 1; nil = not taken.
    package var position: Int?
    package var reason: Reason
    /// One sentence for people.
    package var sentence: String
    /// Rests for so long yet; nil = it does not rest. `.max` = until its credential is renewed.
    package var coolingMilliseconds: Int64?
    /// Who rests and whose fault it was.
    package var coolingParty: PartyAtFault?
    package var coolingFault: Fault?
    package var counters: ChannelCounters
    /// Wire formats that proved unsupported and are not used for a while.
    package var restingFormats: [ExplainedEndpoint]
    /// What was learned of how the upstream answers; nil = nothing.
    package var learnedStreaming: ConversionSetting.Streaming?
    /// Where a request would need a place.
    package var gates: [ExplainedGate] = []

    package enum Reason: String, Sendable, CaseIterable {
        case taken
        case beyondLimit = "beyond_limit"
        case siteDisabled = "site_disabled"
        case accountDisabled = "account_disabled"
        case tokenDisabled = "token_disabled"
        case weightZero = "weight_zero"
        case cooling
        /// Its places are taken: the request would stand in line, or go elsewhere where the line is full.
        case queued
        case queueFull = "queue_full"
        case formatUnknown = "format_unknown"
        case formatUnsupported = "format_unsupported"
    }
}
