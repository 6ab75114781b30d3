import CanonicalChat
import PatchbayPlugin
import PatchbayWire

/// Facts of the Messages format that readers and writers share.
enum MessagesFormat {
    static let id = "anthropic.messages"
    static let toolNameLimit = 128
    static let toolIDLimit = 128
    /// The `anthropic-version` that takes no sampling parameters.
    static let strictDialect = "2026-10-21"
    /// Tokens to allow where neither the client nor the profile says how many; the format demands a number.
    static let defaultMaximum = 8192

    static func toolNames(_ profile: CapabilityProfile, _ names: [String]) -> IdentifierMap {
        IdentifierMap(limit: profile.toolNameMaximum ?? toolNameLimit, names: names)
    }

    /// The finish behind a `stop_reason`.
    static func finish(_ word: String, stopSequence: String?) -> CanonicalFinish {
        let reason: FinishReason
        switch word {
        case "end_turn": reason = .stop
        case "stop_sequence": reason = .stopSequence
        case "max_tokens": reason = .length
        case "model_context_window_exceeded": reason = .contextWindow
        case "tool_use": reason = .toolCalls
        case "refusal": reason = .refusal
        case "pause_turn": reason = .pause
        case "compaction": reason = .compaction
        default: reason = .other
        }
        return CanonicalFinish(reason, native: word, stopSequence: stopSequence)
    }

    /// Applies what is known of the calls to a finish that the upstream sent.
    static func corrected(_ finish: CanonicalFinish, hasToolCall: Bool) -> CanonicalFinish {
        var finish = finish
        if hasToolCall, finish.reason == .stop || finish.reason == .other { finish.reason = .toolCalls }
        if !hasToolCall, finish.reason == .toolCalls { finish.reason = .stop }
        return finish
    }

    /// The `stop_reason` for a finish, and the stop sequence that goes with it.
    static func stopReason(
        _ finish: CanonicalFinish?, hasToolCall: Bool, context: ConversionContext
    ) -> (word: StaticString, sequence: String?) {
        let finish = finish ?? CanonicalFinish(.stop)
        switch finish.reason {
        case .length: return ("max_tokens", nil)
        case .contextWindow:
            let isKnown =
                context.dialect == strictDialect || context.profile.contextWindowFinish == true
                || finish.native == "model_context_window_exceeded"
            return (isKnown ? "model_context_window_exceeded" : "max_tokens", nil)
        case .contentFilter, .refusal: return ("refusal", nil)
        case _ where hasToolCall: return ("tool_use", nil)
        case .stopSequence:
            guard let sequence = finish.stopSequence else { return ("end_turn", nil) }
            return ("stop_sequence", sequence)
        case .pause: return ("pause_turn", nil)
        case .compaction: return ("compaction", nil)
        case .stop, .toolCalls, .malformedToolCall, .other: return ("end_turn", nil)
        }
    }

    static func answerID(_ id: String, requestID: String) -> String {
        if id.hasPrefix("msg_") { return id }
        return "msg_" + (requestID.isEmpty ? StableHash.digits(id) : requestID)
    }

    /// Whether opaque state may go to a client or server of this format.
    static func accepts(_ opaque: CanonicalOpaque) -> Bool {
        opaque.provider == nil || opaque.provider == "anthropic"
    }

    /// Opaque state as a client of this format keeps it: that of another provider travels wrapped, so that it finds its
    /// way back and nowhere else.
    static func carried(_ opaque: CanonicalOpaque, id: String?) -> String {
        accepts(opaque) ? opaque.data : OpaqueCarrier.wrapped(opaque, id: id)
    }
}

/// The counters as the format splits them: input without what came from or went to the cache.
struct MessagesUsage {
    var input: Int?
    var cacheWrite: Int?
    var cacheRead: Int?
    var output: Int?
    var thinking: Int?

    init() {}

    /// Reads the object without building a value of it. What is no object has no counters.
    init(scanning usage: UnsafeRawBufferPointer) {
        guard var reader = try? JSONReader(usage) else { return }
        try? read(&reader, of: usage)
    }

    /// Takes over what a later object knows. Counters are cumulative; relays send zeros for what they do not know.
    mutating func merge(_ usage: MessagesUsage) {
        func newer(_ old: Int?, _ value: Int?) -> Int? {
            guard let new = value else { return old }
            return new == 0 ? old ?? 0 : new
        }
        input = newer(input, usage.input)
        cacheWrite = newer(cacheWrite, usage.cacheWrite)
        cacheRead = newer(cacheRead, usage.cacheRead)
        output = newer(output, usage.output)
        thinking = newer(thinking, usage.thinking)
    }

    /// Takes the value that comes next in a document; what is no object has no counters.
    mutating func read(_ reader: inout JSONReader, of document: UnsafeRawBufferPointer) throws(JSONError) {
        guard try reader.isAtObject() else {
            _ = try reader.value()
            return
        }
        try reader.object { name, reader throws(JSONError) in
            if name.equals("output_tokens_details"), try reader.isAtObject() {
                return try reader.object { name, reader throws(JSONError) in
                    let field = try reader.value()
                    if name.equals("thinking_tokens") { thinking = field.int(in: document) }
                }
            }
            let field = try reader.value()
            if case .number = field.kind { note(name, field.int(in: document)) }
        }
    }

    private mutating func note(_ name: JSONMemberName, _ number: Int?) {
        if name.equals("input_tokens") {
            input = number
        } else if name.equals("output_tokens") {
            output = number
        } else if name.equals("cache_creation_input_tokens") {
            cacheWrite = number
        } else if name.equals("cache_read_input_tokens") {
            cacheRead = number
        }
    }

    var counts: TokenCounts {
        TokenCounts(
            input: input.map { $0 + (cacheWrite ?? 0) + (cacheRead ?? 0) }, output: output, cached: cacheRead,
            cacheWrite: cacheWrite, reasoning: thinking)
    }
}

extension TokenCounts {
    func writeMessages(into writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("input_tokens", uncachedInput ?? 0)
        writer.member("cache_creation_input_tokens", ifPresent: cacheWrite)
        writer.member("cache_read_input_tokens", ifPresent: cached)
        writer.member("output_tokens", output ?? 0)
        if let reasoning {
            writer.key("output_tokens_details")
            writer.beginObject()
            writer.member("thinking_tokens", reasoning)
            writer.endObject()
        }
        writer.endObject()
    }
}
