/// Tokens of one exchange. A counter that nobody reported is nil, which is not zero.
package struct TokenUsage: Sendable, Hashable {
    /// Prompt tokens, cached and cache-written ones included.
    package var input: UInt64?
    /// Answer tokens, reasoning included.
    package var output: UInt64?
    /// The part of `input` that was read from a cache.
    package var cached: UInt64?
    /// The part of `input` that was written to a cache.
    package var cacheWrite: UInt64?
    /// The part of `output` that was reasoning.
    package var reasoning: UInt64?
    /// The counters were estimated by Patchbay, not reported by the upstream.
    package var estimated: Bool

    package init(
        input: UInt64? = nil, output: UInt64? = nil, cached: UInt64? = nil, cacheWrite: UInt64? = nil,
        reasoning: UInt64? = nil, estimated: Bool = false
    ) {
        self.input = input
        self.output = output
        self.cached = cached
        self.cacheWrite = cacheWrite
        self.reasoning = reasoning
        self.estimated = estimated
    }

    /// Takes every counter that `later` knows. Counters are snapshots, never added.
    package mutating func merge(_ later: TokenUsage) {
        input = later.input ?? input
        output = later.output ?? output
        cached = later.cached ?? cached
        cacheWrite = later.cacheWrite ?? cacheWrite
        reasoning = later.reasoning ?? reasoning
        estimated = estimated || later.estimated
    }

    /// The usage of two attempts together. A counter that is known of one of them only counts as that.
    package func adding(_ other: TokenUsage) -> TokenUsage {
        func sum(_ one: UInt64?, _ two: UInt64?) -> UInt64? {
            guard one != nil || two != nil else { return nil }
            return (one ?? 0).addingReportingOverflow(two ?? 0).partialValue
        }
        var total = self
        total.input = sum(input, other.input)
        total.output = sum(output, other.output)
        total.cached = sum(cached, other.cached)
        total.cacheWrite = sum(cacheWrite, other.cacheWrite)
        total.reasoning = sum(reasoning, other.reasoning)
        total.estimated = estimated || other.estimated
        return total
    }
}

/// What a model costs: money per token, and per request where a site charges that.
package struct ModelPrice: Sendable, Hashable {
    package var input: Money
    package var output: Money
    /// Price of a prompt token read from a cache; nil = the input price.
    package var cachedInput: Money?
    /// Price of a prompt token written to a cache; nil = the input price.
    package var cacheWrite: Money?
    package var perRequest: Money

    package init(
        input: Money, output: Money, cachedInput: Money? = nil, cacheWrite: Money? = nil, perRequest: Money = .zero
    ) {
        self.input = input
        self.output = output
        self.cachedInput = cachedInput
        self.cacheWrite = cacheWrite
        self.perRequest = perRequest
    }

    /// Prices as they are published: US dollars per million tokens.
    package init(perMillionInput input: Double, output: Double, cachedInput: Double? = nil, cacheWrite: Double? = nil) {
        self.init(
            input: Money(dollars: input / 1e6), output: Money(dollars: output / 1e6),
            cachedInput: cachedInput.map { Money(dollars: $0 / 1e6) },
            cacheWrite: cacheWrite.map { Money(dollars: $0 / 1e6) })
    }

    /// The cost of an exchange: never negative, whatever an upstream reports.
    ///
    /// Cached and cache-written tokens are part of the input tokens; counters that contradict this are clamped.
    package func cost(of usage: TokenUsage) -> Money {
        let total = usage.input ?? 0
        let cached = min(usage.cached ?? 0, total)
        let written = min(usage.cacheWrite ?? 0, total - cached)
        let plain = total - cached - written
        let sum =
            input.times(plain) + (cachedInput ?? input).times(cached) + (cacheWrite ?? input).times(written)
            + output.times(usage.output ?? 0) + perRequest
        return max(sum, .zero)
    }
}
