import CanonicalChat
import PatchbayPlugin
import PatchbayWire

/// Facts of the Responses format that readers and writers share.
enum ResponsesFormat {
    static let id = "openai.responses"
    /// Whose opaque reasoning servers of the format take back.
    static let provider = "openai"
    static let toolNameLimit = 64
    static let toolIDLimit = 64
    /// Servers refuse a smaller `max_output_tokens`.
    static let minimumOutput = 16
    /// Stands in a refusal where the upstream says no more than that the model refused.
    static let refusalNotice = "The model declined to answer further."

    static func toolNames(_ profile: CapabilityProfile, _ names: [String]) -> IdentifierMap {
        IdentifierMap(limit: profile.toolNameMaximum ?? toolNameLimit, names: names)
    }

    /// The finish behind `status` and `incomplete_details.reason` of a response that has not failed.
    static func finish(status: String, reason: String?) -> CanonicalFinish {
        switch (status, reason) {
        case ("incomplete", "max_output_tokens"?): CanonicalFinish(.length, native: reason)
        case ("incomplete", "content_filter"?): CanonicalFinish(.contentFilter, native: reason)
        case ("incomplete", _): CanonicalFinish(.other, native: reason ?? status)
        case ("completed", _), ("", _): CanonicalFinish(.stop, native: "completed")
        default: CanonicalFinish(.other, native: status)
        }
    }

    /// Applies what is known of the parts to a finish that the upstream sent.
    static func corrected(_ finish: CanonicalFinish, hasToolCall: Bool, hasRefusal: Bool) -> CanonicalFinish {
        var finish = finish
        guard finish.reason == .stop else { return finish }
        if hasToolCall { finish.reason = .toolCalls } else if hasRefusal { finish.reason = .refusal }
        return finish
    }

    /// How a response ends: its `status`, and the reason of an incomplete one.
    static func ending(_ reason: FinishReason) -> (status: StaticString, incomplete: StaticString?) {
        switch reason {
        case .length, .contextWindow, .compaction: ("incomplete", "max_output_tokens")
        case .contentFilter: ("incomplete", "content_filter")
        case .malformedToolCall: ("failed", nil)
        default: ("completed", nil)
        }
    }

    /// The id of a response in this format's shape.
    static func answerID(_ id: String, requestID: String) -> String {
        if id.hasPrefix("resp_") { return id }
        return "resp_" + (requestID.isEmpty ? StableHash.digits(id) : requestID)
    }

    /// Whether opaque state may go to a server of this format.
    static func accepts(_ opaque: CanonicalOpaque) -> Bool {
        opaque.provider == provider || opaque.provider == nil && opaque.kind == "encrypted_content"
    }
}

extension TokenCounts {
    /// Reads a `usage` object.
    init(responses usage: JSONValue) {
        let details = usage["input_tokens_details"]
        self.init(
            input: usage["input_tokens"]?.intValue, output: usage["output_tokens"]?.intValue,
            cached: details?["cached_tokens"]?.intValue, cacheWrite: details?["cache_write_tokens"]?.intValue,
            reasoning: usage["output_tokens_details"]?["reasoning_tokens"]?.intValue)
    }

    /// Clients demand every counter, also where the upstream does not tell it.
    func writeResponses(into writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("input_tokens", input ?? 0)
        writer.key("input_tokens_details")
        writer.beginObject()
        writer.member("cached_tokens", cached ?? 0)
        writer.member("cache_write_tokens", cacheWrite ?? 0)
        writer.endObject()
        writer.member("output_tokens", output ?? 0)
        writer.key("output_tokens_details")
        writer.beginObject()
        writer.member("reasoning_tokens", reasoning ?? 0)
        writer.endObject()
        writer.member("total_tokens", (input ?? 0) + (output ?? 0))
        writer.endObject()
    }
}
