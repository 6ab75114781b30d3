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

    /// The chunk that ends a stream of chat or legacy completions with its usage.
    ///
    /// - Parameter head: how every chunk of the stream begins, up to the value of `choices`.
    package func appendChatChunk(head: [UInt8], into output: inout [UInt8]) {
        output.append(contentsOf: head)
        output.append(contentsOf: "[],\"usage\":".utf8)
        var writer = JSONWriter(appendingTo: output)
        output = []
        writeChat(into: &writer)
        writer.bytes.append(contentsOf: "}\n\n".utf8)
        output = writer.bytes
    }
}
