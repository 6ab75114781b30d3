package import PatchbayWire

/// The counters of a `usage` object of chat and legacy completions, with the variants of DeepSeek, Kimi, xAI and of
/// relays that exclude cached tokens.
package struct ChatUsage {
    package var prompt: Int?
    package var completion: Int?
    package var total: Int?
    package var cachedDetail: Int?
    package var cacheWriteDetail: Int?
    package var cacheHit: Int?
    package var cached: Int?
    package var cacheCreation: Int?
    package var reasoning: Int?

    /// Nothing is known.
    package init() {}

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
        guard var reader = try? JSONReader(usage) else { return }
        try? read(&reader, of: usage)
    }

    /// Takes the value that comes next in a document; what is no object has no counters.
    package mutating func read(_ reader: inout JSONReader, of document: UnsafeRawBufferPointer) throws(JSONError) {
        self = ChatUsage()
        guard try reader.isAtObject() else {
            _ = try reader.value()
            return
        }
        try reader.object { name, reader throws(JSONError) in
            guard try reader.isAtObject() else {
                let field = try reader.value()
                if case .number = field.kind { note(name, field.int(in: document)) }
                return
            }
            if name.equals("prompt_tokens_details") {
                try reader.object { name, reader throws(JSONError) in
                    let field = try reader.value()
                    if name.equals("cached_tokens") { cachedDetail = field.int(in: document) }
                    if name.equals("cache_write_tokens") { cacheWriteDetail = field.int(in: document) }
                }
            } else if name.equals("completion_tokens_details") {
                try reader.object { name, reader throws(JSONError) in
                    let field = try reader.value()
                    if name.equals("reasoning_tokens") { reasoning = field.int(in: document) }
                }
            } else {
                _ = try reader.value()
            }
        }
    }

    private mutating func note(_ name: JSONMemberName, _ number: Int?) {
        if name.equals("prompt_tokens") {
            prompt = number
        } else if name.equals("completion_tokens") {
            completion = number
        } else if name.equals("total_tokens") {
            total = number
        } else if name.equals("prompt_cache_hit_tokens") {
            cacheHit = number
        } else if name.equals("cached_tokens") {
            cached = number
        } else if name.equals("cache_creation_input_tokens") {
            cacheCreation = number
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
