import CanonicalChat
import PatchbayPlugin
import PatchbayWire

/// Facts of the Chat Completions format that readers and writers share.
enum ChatFormat {
    static let id = "openai.chat"
    static let toolNameLimit = 64
    static let toolIDLimit = 64
    /// Stands in `refusal` where the upstream says no more than that the model refused.
    static let refusalNotice: StaticString = "The model declined to answer further."

    /// The finish reason behind a `finish_reason`, tolerant of servers that use other formats' words.
    static func finish(_ word: String) -> CanonicalFinish? {
        let reason: FinishReason
        switch word {
        case "", "null": return nil
        case "stop", "eos", "end_turn", "stop_sequence": reason = .stop
        case "length", "max_tokens": reason = .length
        case "tool_calls", "tool_use", "function_call": reason = .toolCalls
        case "content_filter": reason = .contentFilter
        case "refusal": reason = .refusal
        default: reason = .other
        }
        return CanonicalFinish(reason, native: word)
    }

    /// The same for the words that nearly every answer ends with, as they stand in the document; nil for all others.
    static func plainFinish(_ word: UnsafeRawBufferPointer) -> FinishReason? {
        let word = ByteView(word)
        if word == "stop" { return .stop }
        if word == "tool_calls" { return .toolCalls }
        return word == "length" ? .length : nil
    }

    /// The `finish_reason` for a finish; never a word outside of the format.
    static func word(_ reason: FinishReason, hasToolCall: Bool, legacy: Bool) -> StaticString {
        if hasToolCall {
            // A call cut by the length limit must not look complete.
            if reason == .length || reason == .contextWindow || reason == .compaction { return "length" }
            if reason == .contentFilter { return "content_filter" }
            return legacy ? "function_call" : "tool_calls"
        }
        switch reason {
        case .length, .contextWindow, .compaction: return "length"
        case .contentFilter: return "content_filter"
        default: return "stop"
        }
    }

    /// Applies what is known of the calls to a finish that the upstream sent.
    static func corrected(_ finish: CanonicalFinish, hasToolCall: Bool, hasRefusal: Bool) -> CanonicalFinish {
        var finish = finish
        switch finish.reason {
        case .stop, .other, .stopSequence:
            if hasToolCall { finish.reason = .toolCalls } else if hasRefusal { finish.reason = .refusal }
        case .toolCalls where !hasToolCall: finish.reason = .stop
        default: break
        }
        return finish
    }

    /// The id of an answer in this format's shape.
    static func answerID(_ id: String, requestID: String) -> String {
        if id.hasPrefix("chatcmpl-") { return id }
        return "chatcmpl-" + (requestID.isEmpty ? StableHash.digits(id) : requestID)
    }
}
