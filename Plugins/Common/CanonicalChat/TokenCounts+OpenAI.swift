package import PatchbayWire

extension TokenCounts {
    /// Reads a `usage` object of the OpenAI API, with the variants of DeepSeek, Kimi, xAI and of relays that exclude
    /// cached tokens.
    package init(chat usage: JSONValue) {
        let details = usage["prompt_tokens_details"]
        let completion = usage["completion_tokens_details"]
        self.init(
            input: usage["prompt_tokens"]?.intValue, output: usage["completion_tokens"]?.intValue,
            cached: details?["cached_tokens"]?.intValue ?? usage["prompt_cache_hit_tokens"]?.intValue
                ?? usage["cached_tokens"]?.intValue,
            cacheWrite: details?["cache_write_tokens"]?.intValue
                ?? usage["cache_creation_input_tokens"]?.intValue,
            reasoning: completion?["reasoning_tokens"]?.intValue)
        correct(total: usage["total_tokens"]?.intValue)
    }

    /// Makes input and output inclusive where the server counts them exclusively.
    private mutating func correct(total: Int?) {
        if let prompt = input {
            let besides = (cached ?? 0) + (cacheWrite ?? 0)
            if besides > prompt { input = prompt + besides }
        }
        if let total, let prompt = input, let answer = output, let thought = reasoning, thought > 0,
            total == prompt + answer + thought
        {
            output = answer + thought
        }
    }

    /// Writes a `usage` object of the OpenAI API.
    package func writeChat(into writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("prompt_tokens", input ?? 0)
        writer.member("completion_tokens", output ?? 0)
        writer.member("total_tokens", (input ?? 0) + (output ?? 0))
        if cached != nil || cacheWrite != nil {
            writer.key("prompt_tokens_details")
            writer.beginObject()
            writer.member("cached_tokens", cached ?? 0)
            writer.member("cache_write_tokens", ifPresent: cacheWrite)
            writer.endObject()
        }
        if let reasoning {
            writer.key("completion_tokens_details")
            writer.beginObject()
            writer.member("reasoning_tokens", reasoning)
            writer.endObject()
        }
        writer.endObject()
    }
}
