import PatchbayPlugin

/// Why an answer ended, in the words of both sides.
struct Finish {
    var reason: FinishReason
    /// The word in canonical documents.
    var canonical: String

    init(word: String) {
        (reason, canonical) =
            switch word {
            case "COMPLETE": (.stop, "stop")
            case "STOP_SEQUENCE": (.stopSequence, "stop_sequence")
            case "MAX_TOKENS": (.length, "length")
            case "TOOL_CALL": (.toolCalls, "tool_calls")
            default: (.other, "other")
            }
    }

    static func word(canonical: String) -> String {
        switch canonical {
        case "stop_sequence": "STOP_SEQUENCE"
        case "length", "context_window", "compaction": "MAX_TOKENS"
        case "tool_calls": "TOOL_CALL"
        case "stop", "refusal", "content_filter", "pause": "COMPLETE"
        default: "ERROR"
        }
    }

    static func word(_ reason: FinishReason) -> String {
        switch reason {
        case .stopSequence: "STOP_SEQUENCE"
        case .length, .contextWindow, .compaction: "MAX_TOKENS"
        case .toolCalls: "TOOL_CALL"
        case .stop, .refusal, .contentFilter, .pause: "COMPLETE"
        case .malformedToolCall, .other: "ERROR"
        }
    }
}

/// Token counters. `tokens` is what the model saw; `billed_units` leaves out what Cohere adds itself.
struct Usage {
    var counters = UsageCounters()

    init(_ usage: JSON?) {
        let counts = usage?.present("tokens") ?? usage?.present("billed_units")
        func count(_ value: JSON?) -> UInt64? { value?.int.map { UInt64(max(0, $0)) } }
        counters.input = count(counts?["input_tokens"])
        counters.output = count(counts?["output_tokens"])
        counters.cached = count(usage?["cached_tokens"])
    }

    init(canonical: JSON?) {
        func count(_ name: String) -> UInt64? { canonical?[name]?.int.map { UInt64(max(0, $0)) } }
        counters = UsageCounters(
            input: count("input_total"), output: count("output_total"), cached: count("cache_read"))
    }

    var canonical: JSON? {
        guard counters.input != nil || counters.output != nil else { return nil }
        return .members([
            "input_total": counters.input.map { .number(String($0)) },
            "output_total": counters.output.map { .number(String($0)) },
            "cache_read": counters.cached.map { .number(String($0)) },
        ])
    }

    var wire: JSON {
        let counts = JSON.members([
            "input_tokens": .number(String(counters.input ?? 0)),
            "output_tokens": .number(String(counters.output ?? 0)),
        ])
        return .members(["billed_units": counts, "tokens": counts])
    }
}

/// Failures by status; the sentences of Cohere tell little more.
enum Failure {
    static func category(status: Int, message: String) -> String {
        switch status {
        case 401: "authentication"
        case 402: "quota"
        case 403: "permission"
        case 404: "not_found"
        case 408, 504: "timeout"
        case 413: "too_large"
        case 429: message.contains("trial key") || message.contains("quota") ? "quota" : "rate_limit"
        case 498: "content_policy"
        case 503: "overloaded"
        case 400..<500: message.contains("too many tokens") ? "context_length" : "invalid_request"
        default: "server"
        }
    }

    static func status(category: String) -> Int {
        switch category {
        case "authentication": 401
        case "quota": 402
        case "permission": 403
        case "not_found": 404
        case "conflict": 409
        case "too_large": 413
        case "rate_limit": 429
        case "content_policy": 498
        case "cancelled": 499
        case "overloaded", "no_route": 503
        case "timeout": 504
        case "server", "upstream_invalid", "truncated": 500
        default: 400
        }
    }
}
