package import PatchbayWire

extension TokenCounts {
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
