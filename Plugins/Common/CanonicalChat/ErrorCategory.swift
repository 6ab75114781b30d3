package import PatchbayPlugin

/// How each category of failure looks on the wire.
extension ErrorCategory {
    /// How a category looks on the wire.
    package struct Row: Sendable {
        /// The word in canonical documents.
        package let word: String
        package let openAIStatus: Int
        package let openAIType: String
        package let openAICode: String?
        package let anthropicStatus: Int
        package let anthropicType: String
        package let retryable: Bool
        /// Steers routing: request, credential, model, channel or account.
        package let scope: String
    }

    package var row: Row { Self.rows[Int(rawValue) - 1] }

    package var word: String { row.word }

    package init(word: String) {
        self = Self.allCases.first { $0.word == word } ?? .server
    }

    private static let rows: [Row] = [
        Row("invalid_request", 400, "invalid_request_error", nil, 400, "invalid_request_error", false, "request"),
        Row(
            "unsupported_conversion", 400, "invalid_request_error", "unsupported_parameter", 400,
            "invalid_request_error", false, "request"),
        Row(
            "context_length", 400, "invalid_request_error", "context_length_exceeded", 400, "invalid_request_error",
            false, "request"),
        Row(
            "content_policy", 400, "invalid_request_error", "content_policy_violation", 400, "invalid_request_error",
            false, "request"),
        Row(
            "invalid_reasoning_state", 400, "invalid_request_error", "invalid_encrypted_content", 400,
            "invalid_request_error", false, "request"),
        Row(
            "authentication", 401, "authentication_error", "invalid_api_key", 401, "authentication_error", true,
            "credential"),
        Row("quota", 429, "insufficient_quota", "insufficient_quota", 402, "billing_error", true, "account"),
        Row("permission", 403, "permission_error", nil, 403, "permission_error", true, "credential"),
        Row("not_found", 404, "invalid_request_error", "model_not_found", 404, "not_found_error", true, "model"),
        Row("conflict", 409, "conflict_error", nil, 409, "conflict_error", true, "request"),
        Row("too_large", 413, "invalid_request_error", "request_too_large", 413, "request_too_large", false, "request"),
        Row("rate_limit", 429, "rate_limit_error", "rate_limit_exceeded", 429, "rate_limit_error", true, "channel"),
        Row("overloaded", 503, "server_error", "server_is_overloaded", 529, "overloaded_error", true, "channel"),
        Row("timeout", 504, "server_error", "timeout", 504, "timeout_error", true, "channel"),
        Row("upstream_invalid", 502, "server_error", "upstream_invalid_response", 502, "api_error", true, "channel"),
        Row("truncated", 502, "server_error", "stream_truncated", 502, "api_error", true, "channel"),
        Row("server", 500, "server_error", nil, 500, "api_error", true, "channel"),
        Row("no_route", 503, "server_error", "no_available_channel", 503, "overloaded_error", true, "request"),
        Row("cancelled", 499, "server_error", "cancelled", 499, "api_error", false, "request"),
    ]
}

extension ErrorCategory.Row {
    fileprivate init(
        _ word: String, _ openAIStatus: Int, _ openAIType: String, _ openAICode: String?, _ anthropicStatus: Int,
        _ anthropicType: String, _ retryable: Bool, _ scope: String
    ) {
        self.word = word
        self.openAIStatus = openAIStatus
        self.openAIType = openAIType
        self.openAICode = openAICode
        self.anthropicStatus = anthropicStatus
        self.anthropicType = anthropicType
        self.retryable = retryable
        self.scope = scope
    }
}
