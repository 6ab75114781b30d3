/// Member names that documents of the wire formats are full of, so that a tree of one need not make them anew.
///
/// A name that is not here only costs more. Names of up to eight bytes are compared as one word.
enum JSONKeyWords {
    /// The string for the bytes of a name without escapes, if it is one of the known names.
    @inline(__always)
    static func string(for name: UnsafeRawBufferPointer) -> String? {
        guard name.count >= 2, name.count <= longest, let start = name.baseAddress else { return nil }
        let base = start.assumingMemoryBound(to: UInt8.self)
        let entry = table.entries[slot(base, name.count)]
        guard entry.count == name.count, JSONBytes.equal(base, entry.bytes, name.count) else { return nil }
        return entry.text
    }

    private static let longest = 24
    private static let slots = 1024

    private struct Entry {
        var bytes: UnsafePointer<UInt8>
        var count: Int
        var text: String
    }

    /// Read-only after it has been made; the bytes are those of static strings.
    private struct Table: @unchecked Sendable {
        let entries: UnsafePointer<Entry>

        init() {
            let entries = UnsafeMutablePointer<Entry>.allocate(capacity: slots)
            let none: StaticString = ""
            entries.initialize(repeating: Entry(bytes: none.utf8Start, count: 0, text: ""), count: slots)
            for word in words {
                let entry = Entry(bytes: word.utf8Start, count: word.utf8CodeUnitCount, text: "\(word)")
                entries[slot(word.utf8Start, word.utf8CodeUnitCount)] = entry
            }
            self.entries = UnsafePointer(entries)
        }
    }

    /// Words that fall into the same place lose it to the last of them.
    @inline(__always)
    private static func slot(_ base: UnsafePointer<UInt8>, _ count: Int) -> Int {
        let first = Int(base[0]) &* 61
        let middle = Int(base[count &>> 1]) &* 17
        let last = Int(base[count &- 1]) &* 5
        return (first &+ middle &+ last &+ Int(base[1]) &+ count &* 131) & (slots &- 1)
    }

    private static let table = Table()

    private static let words: [StaticString] = [
        "model", "messages", "role", "content", "type", "text", "stream", "stream_options", "include_usage",
        "temperature", "top_p", "top_k", "max_tokens", "max_completion_tokens", "stop", "stop_sequences", "tools",
        "tool_choice", "function", "name", "description", "parameters", "input_schema", "properties", "required",
        "object", "items", "enum", "default", "strict", "additionalProperties", "$schema", "anyOf", "oneOf", "allOf",
        "format", "title", "minimum", "maximum", "minLength", "maxLength", "pattern", "const", "nullable", "id",
        "index", "created", "choices", "message", "delta", "finish_reason", "logprobs", "usage", "prompt_tokens",
        "completion_tokens", "total_tokens", "prompt_tokens_details", "completion_tokens_details", "cached_tokens",
        "reasoning_tokens", "audio_tokens", "input_tokens", "output_tokens", "cache_read_input_tokens",
        "cache_creation_input_tokens", "system_fingerprint", "service_tier", "refusal", "annotations", "tool_calls",
        "tool_call_id", "arguments", "image_url", "url", "detail", "source", "media_type", "data", "system",
        "metadata", "user_id", "user", "stop_reason", "stop_sequence", "thinking", "signature", "budget_tokens",
        "tool_use_id", "input", "is_error", "cache_control", "ttl", "reasoning_content", "reasoning_effort",
        "response_format", "json_schema", "schema", "parallel_tool_calls", "seed", "presence_penalty",
        "frequency_penalty", "logit_bias", "top_logprobs", "store", "canon", "origin", "dialect", "on", "turns",
        "parts", "form", "native", "sampling", "limits", "max_output", "max_output_source", "output", "reasoning",
        "tool_choice", "call_id", "args_raw", "kind", "mode", "effort", "expose", "contents", "generationConfig",
        "systemInstruction", "functionDeclarations", "functionCall", "functionResponse", "candidates",
        "usageMetadata", "finishReason", "inlineData", "mimeType", "args", "instructions", "previous_response_id",
        "error", "code", "param", "status", "summary", "encrypted_content", "output_text", "input_text",
    ]
}
