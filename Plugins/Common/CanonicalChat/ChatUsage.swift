package import PatchbayWire

/// The counters of a `usage` object of chat and legacy completions, with the variants of DeepSeek, Kimi, xAI and of
/// relays that exclude cached tokens.
package struct ChatUsage {
    private var prompt: Int?
    private var completion: Int?
    private var total: Int?
    private var cachedDetail: Int?
    private var cacheWriteDetail: Int?
    private var cacheHit: Int?
    private var cached: Int?
    private var cacheCreation: Int?
    private var reasoning: Int?

    package init(_ usage: JSONValue) {
        let details = usage["prompt_tokens_details"]
        prompt = usage["prompt_tokens"]?.intValue
        completion = usage["completion_tokens"]?.intValue
        total = usage["total_tokens"]?.intValue
        cachedDetail = details?["cached_tokens"]?.intValue
        cacheWriteDetail = details?["cache_write_tokens"]?.intValue
        cacheHit = usage["prompt_cache_hit_tokens"]?.intValue
        cached = usage["cached_tokens"]?.intValue
        cacheCreation = usage["cache_creation_input_tokens"]?.intValue
        reasoning = usage["completion_tokens_details"]?["reasoning_tokens"]?.intValue
    }

    /// Reads the object without building a value of it. What is no object has no counters.
    package init(scanning usage: UnsafeRawBufferPointer) {
        try? JSONWalk.members(of: usage) { member in
            switch member.field.kind {
            case .number: note(member, usage)
            case .object: noteDetails(member, usage)
            default: break
            }
        }
    }

    private mutating func note(_ member: JSONWalkMember, _ usage: UnsafeRawBufferPointer) {
        if member.isNamed("prompt_tokens") {
            prompt = member.field.int(in: usage)
        } else if member.isNamed("completion_tokens") {
            completion = member.field.int(in: usage)
        } else if member.isNamed("total_tokens") {
            total = member.field.int(in: usage)
        } else if member.isNamed("prompt_cache_hit_tokens") {
            cacheHit = member.field.int(in: usage)
        } else if member.isNamed("cached_tokens") {
            cached = member.field.int(in: usage)
        } else if member.isNamed("cache_creation_input_tokens") {
            cacheCreation = member.field.int(in: usage)
        }
    }

    private mutating func noteDetails(_ member: JSONWalkMember, _ usage: UnsafeRawBufferPointer) {
        let details = member.field.bytes(in: usage)
        if member.isNamed("prompt_tokens_details") {
            try? JSONWalk.members(of: details) { detail in
                if detail.isNamed("cached_tokens") { cachedDetail = detail.field.int(in: details) }
                if detail.isNamed("cache_write_tokens") { cacheWriteDetail = detail.field.int(in: details) }
            }
        } else if member.isNamed("completion_tokens_details") {
            try? JSONWalk.members(of: details) { detail in
                if detail.isNamed("reasoning_tokens") { reasoning = detail.field.int(in: details) }
            }
        }
    }

    /// Input and output include everything, also where the server counts cached or reasoning tokens beside them.
    package var counts: TokenCounts {
        var counts = TokenCounts(
            input: prompt, output: completion, cached: cachedDetail ?? cacheHit ?? cached,
            cacheWrite: cacheWriteDetail ?? cacheCreation, reasoning: reasoning)
        if let prompt {
            let besides = (counts.cached ?? 0) + (counts.cacheWrite ?? 0)
            if besides > prompt { counts.input = prompt + besides }
        }
        if let total, let input = counts.input, let completion, let reasoning, reasoning > 0,
            total == input + completion + reasoning
        {
            counts.output = completion + reasoning
        }
        return counts
    }
}
