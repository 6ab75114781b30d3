package import PatchbayPlugin
package import PatchbayWire

/// A complete answer in the shared model. It equals the fold of the events of the same answer streamed.
package struct CanonicalResponse: Sendable, Hashable {
    package var id = ""
    /// The model that answered, as the upstream named it.
    package var model = ""
    /// Seconds since 1970; nil if the format does not say.
    package var created: Int?
    package var choices: [CanonicalChoice] = []
    package var usage = TokenCounts()
    package var serviceTier: String?
    package var native: CanonicalNative?

    package init() {}
}

/// One of the alternative answers.
package struct CanonicalChoice: Sendable, Hashable {
    package var index: Int
    package var parts: [CanonicalPart]
    package var finish: CanonicalFinish?
    package var logprobs: JSONValue?
    package var native: CanonicalNative?

    package init(index: Int, parts: [CanonicalPart] = [], finish: CanonicalFinish? = nil) {
        self.index = index
        self.parts = parts
        self.finish = finish
    }

    package var hasToolCall: Bool {
        parts.contains { if case .toolCall = $0.content { true } else { false } }
    }
}

/// Why an answer ended.
package struct CanonicalFinish: Sendable, Hashable {
    package var reason: FinishReason
    /// The reason as the upstream wrote it.
    package var native: String?
    package var stopSequence: String?

    package init(_ reason: FinishReason, native: String? = nil, stopSequence: String? = nil) {
        self.reason = reason
        self.native = native
        self.stopSequence = stopSequence
    }
}

extension FinishReason {
    /// The word in canonical documents.
    package var word: String {
        switch self {
        case .stop: "stop"
        case .stopSequence: "stop_sequence"
        case .length: "length"
        case .contextWindow: "context_window"
        case .toolCalls: "tool_calls"
        case .contentFilter: "content_filter"
        case .refusal: "refusal"
        case .pause: "pause"
        case .compaction: "compaction"
        case .malformedToolCall: "malformed_tool_call"
        case .other: "other"
        }
    }

    package init(word: String) {
        self =
            (1...FinishReason.other.rawValue).lazy.compactMap(FinishReason.init(rawValue:)).first { $0.word == word }
            ?? .other
    }
}

/// Token counters. `input` includes cached and cache-written tokens, `output` includes reasoning.
package struct TokenCounts: Sendable, Hashable {
    package var input: Int?
    package var output: Int?
    package var cached: Int?
    package var cacheWrite: Int?
    package var reasoning: Int?

    package init(
        input: Int? = nil, output: Int? = nil, cached: Int? = nil, cacheWrite: Int? = nil, reasoning: Int? = nil
    ) {
        self.input = input
        self.output = output
        self.cached = cached
        self.cacheWrite = cacheWrite
        self.reasoning = reasoning
    }

    package var isEmpty: Bool {
        input == nil && output == nil && cached == nil && cacheWrite == nil && reasoning == nil
    }

    /// Input tokens that were neither read from nor written to a cache.
    package var uncachedInput: Int? {
        input.map { max(0, $0 - (cached ?? 0) - (cacheWrite ?? 0)) }
    }

    package init(_ counters: UsageCounters) {
        func int(_ value: UInt64?) -> Int? { value.map { Int(clamping: $0) } }
        self.init(
            input: int(counters.input), output: int(counters.output), cached: int(counters.cached),
            cacheWrite: int(counters.cacheWrite), reasoning: int(counters.reasoning))
    }

    package var counters: UsageCounters {
        func unsigned(_ value: Int?) -> UInt64? { value.map { UInt64(max(0, $0)) } }
        return UsageCounters(
            input: unsigned(input), output: unsigned(output), cached: unsigned(cached),
            cacheWrite: unsigned(cacheWrite), reasoning: unsigned(reasoning))
    }

    /// Takes every counter that `newer` knows.
    package mutating func merge(_ newer: TokenCounts) {
        input = newer.input ?? input
        output = newer.output ?? output
        cached = newer.cached ?? cached
        cacheWrite = newer.cacheWrite ?? cacheWrite
        reasoning = newer.reasoning ?? reasoning
    }
}
