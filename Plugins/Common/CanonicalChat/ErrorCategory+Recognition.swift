package import PatchbayPlugin

extension ErrorCategory {
    /// What a failure is, from its status and from what the upstream says about it.
    ///
    /// - Parameter status: HTTP status; nil for an error inside a stream.
    package init(status: Int?, body: ErrorBody) {
        let words = [body.code, body.type].compactMap { $0?.lowercased() }
        let message = body.message.lowercased()
        if let category = Self.fromCode(words) ?? Self.fromMessage(message, status: status, words: words) {
            self = category
        } else if let category = status.flatMap(Self.fromStatus) {
            self = body.isForeign && category == .server ? .upstreamInvalid : category
        } else {
            self = Self.fromType(words) ?? .server
        }
    }

    /// Codes that say more than the status they come with.
    private static func fromCode(_ words: [String]) -> ErrorCategory? {
        for word in words {
            switch word {
            case "context_length_exceeded", "string_above_max_length", "model_context_window_exceeded":
                return .contextLength
            case "content_policy_violation", "content_filter", "content_policy", "bio_policy": return .contentPolicy
            case "invalid_encrypted_content": return .invalidReasoningState
            case "insufficient_quota", "billing_error", "billing_hard_limit_reached", "usage_limit_reached",
                "usage_not_included", "insufficient_user_quota", "insufficient_balance":
                return .quota
            case "invalid_api_key", "api_key_invalid", "authentication_error", "unauthenticated": return .authentication
            case "model_not_found", "previous_response_not_found": return .notFound
            case "rate_limit_exceeded", "rate_limit_error": return .rateLimit
            case "overloaded_error", "server_is_overloaded", "slow_down", "engine_overloaded": return .overloaded
            case "request_too_large": return .tooLarge
            case "unsupported_parameter" where words.contains("patchbay"): return .unsupportedConversion
            case "upstream_invalid_response": return .upstreamInvalid
            case "stream_truncated": return .truncated
            case "no_available_channel": return .noRoute
            default: continue
            }
        }
        return nil
    }

    private static let contextPhrases = [
        "maximum context length", "prompt is too long", "exceed context limit", "exceeds the maximum number of tokens",
        "too many tokens", "context window", "input is too long",
    ]

    private static let reasoningPhrases = [
        "in `thinking` block", "blocks cannot be modified", "in the latest assistant message cannot be modified",
        "item 'rs_", "item with id 'rs_", "encrypted content could not be", "thought signature is not valid",
        "corrupted thought signature", "missing a thought_signature",
    ]

    /// Reasoning that is known by its id only, and not to this server.
    private static let itemPhrases = ["item 'rs_", "item with id 'rs_"]

    private static func fromMessage(_ message: String, status: Int?, words: [String]) -> ErrorCategory? {
        let mayBeRequest = status.map { $0 == 400 || $0 == 413 || $0 == 422 || $0 == 200 } ?? true
        if mayBeRequest {
            if contextPhrases.contains(where: { message.range(of: $0) != nil }) { return .contextLength }
            if message.range(of: "input token count") != nil { return .contextLength }
            if reasoningPhrases.contains(where: { message.range(of: $0) != nil }) { return .invalidReasoningState }
            if message.range(of: "api key not valid") != nil { return .authentication }
        }
        if status == 404, itemPhrases.contains(where: { message.range(of: $0) != nil }) {
            return .invalidReasoningState
        }
        if message.range(of: "credit balance is too low") != nil { return .quota }
        if message.range(of: "exceeded your current quota") != nil { return .quota }
        return nil
    }

    private static func fromStatus(_ status: Int) -> ErrorCategory? {
        switch status {
        case 400, 405, 415, 422: .invalidRequest
        case 401: .authentication
        case 402: .quota
        case 403: .permission
        case 404, 410: .notFound
        case 408, 504, 524: .timeout
        case 409: .conflict
        case 413: .tooLarge
        case 429: .rateLimit
        case 499: .cancelled
        case 502: .server
        case 503, 529: .overloaded
        case 500...599: .server
        case 400...499: .invalidRequest
        default: nil
        }
    }

    /// For errors without a status: the type alone.
    private static func fromType(_ words: [String]) -> ErrorCategory? {
        for word in words {
            switch word {
            case "invalid_request_error", "badrequesterror", "invalid_argument": return .invalidRequest
            case "permission_error", "permission_denied": return .permission
            case "not_found_error", "not_found": return .notFound
            case "conflict_error": return .conflict
            case "timeout_error", "deadline_exceeded", "timeout": return .timeout
            case "resource_exhausted", "too_many_requests": return .rateLimit
            case "unavailable": return .overloaded
            default:
                if let status = Int(word), let category = fromStatus(status) { return category }
            }
        }
        return nil
    }
}

extension CanonicalError {
    /// The canonical form of an error answer of an upstream.
    package init(format: String, status: Int?, body: ErrorBody) {
        self.init(ErrorCategory(status: status, body: body), message: body.message)
        if message.isEmpty { message = status.map { "the upstream answered with status \($0)" } ?? "upstream error" }
        code = body.code
        type = body.type
        param = body.param
        requestID = body.requestID
        retryAfterMilliseconds = body.retryAfterMilliseconds
        upstreamFormat = format
        upstreamStatus = status
    }
}
