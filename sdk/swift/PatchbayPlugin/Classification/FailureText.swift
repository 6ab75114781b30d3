/// Recognises failures by the words of their reports. Codes are compared whole, messages by phrases.
///
/// The words are those of OpenAI, Anthropic, the One-API family (in English and Chinese) and their resellers.
enum FailureText {
    private struct Rule {
        let fault: Verdict.Fault
        let retry: Verdict.Retry
        var disables = false
        let codes: Set<String>
        let phrases: [StaticString]
    }

    /// The first rule that matches wins: from the most specific to the most general.
    private static let rules: [Rule] = [
        Rule(
            fault: .client, retry: .none,
            codes: [
                "context_length_exceeded", "content_policy_violation", "content_filter", "string_above_max_length",
                "request_too_large", "unsupported_parameter", "unsupported_value", "invalid_encrypted_content",
            ],
            phrases: [
                "maximum context length", "prompt is too long", "exceed context limit", "exceeds the context window",
                "input is too long", "content management policy", "usage policies",
            ]),
        Rule(
            fault: .quota, retry: .otherAccount,
            codes: [
                "insufficient_quota", "billing_hard_limit_reached", "billing_not_active", "billing_error",
                "insufficient_user_quota", "pre_consume_token_quota_failed", "insufficient_balance", "quota_exhausted",
                "usage_limit_reached", "usage_not_included", "api_key_quota_exhausted", "quota_exceeded",
                "exceeded_current_quota_error", "arrearage",
            ],
            phrases: [
                "credit balance is too low", "exceeded your current quota", "insufficient balance",
                "insufficient credit",
                "insufficient quota", "quota exhausted", "quota is exhausted", "quota is not enough", "out of credits",
                "余额不足", "额度不足", "额度已用尽", "预扣费额度失败", "欠费",
            ]),
        Rule(
            fault: .credential, retry: .otherAccount, disables: true,
            codes: [
                "invalid_api_key", "authentication_error", "account_deactivated", "invalid_issuer", "api_key_disabled",
                "api_key_expired", "invalid_organization", "unauthenticated", "api_key_invalid",
            ],
            phrases: [
                "incorrect api key", "invalid api key", "invalid x-api-key", "api key not valid", "invalid token",
                "invalid bearer token", "无效的令牌", "令牌已过期", "令牌状态不可用", "organization has been disabled",
            ]),
        Rule(
            fault: .model, retry: .otherChannel,
            codes: [
                "model_not_found", "model_not_available", "no_available_channel", "unknown_model", "invalid_model",
                "deployment_not_found", "deploymentnotfound",
            ],
            phrases: [
                "does not have access to model", "no available channel for model", "no available channels", "无可用渠道",
                "model not found", "model does not exist", "unknown model", "unsupported model",
                "model is not supported",
                "模型不存在", "has been deprecated",
            ]),
        Rule(
            fault: .endpoint, retry: .otherChannel, codes: ["unknown_url", "endpoint_not_found"],
            phrases: ["unknown request url", "invalid url (", "no route for", "unrecognized request url"]),
        Rule(
            fault: .overload, retry: .otherChannel,
            codes: [
                "overloaded_error", "server_is_overloaded", "engine_overloaded", "overloaded", "slow_down",
                "engine_overloaded_error", "service_unavailable",
            ],
            phrases: [
                "overloaded", "at capacity", "no capacity", "server is busy", "temporarily unavailable", "负载已饱和",
                "系统繁忙", "system is busy",
            ]),
        Rule(
            fault: .rate, retry: .otherAccount,
            codes: [
                "rate_limit_exceeded", "rate_limit_error", "too_many_requests", "rate_limit_reached_error",
                "resource_exhausted",
            ],
            phrases: ["rate limit reached", "rate limit exceeded", "too many requests", "请求过于频繁"]),
    ]

    /// The verdict of the first rule that matches; nil if no rule knows the words.
    static func verdict(for report: ErrorReport) -> Verdict? {
        let code = report.code.lowercased()
        let type = report.type.lowercased()
        let found = withLoweredMessage(of: report) { message in
            rules.first { rule in
                rule.codes.contains(code) || rule.codes.contains(type) || rule.phrases.contains { message.contains($0) }
            } ?? missingModel(message)
        }
        guard let rule = found else { return nil }
        var verdict = Verdict(rule.fault, retry: rule.retry)
        verdict.disableCredential = rule.disables
        return verdict
    }

    /// "The model `x` does not exist or you do not have access to it."
    private static func missingModel(_ message: ByteView) -> Rule? {
        guard message.contains("model"), message.contains("does not exist") else { return nil }
        return Rule(fault: .model, retry: .otherChannel, codes: [], phrases: [])
    }

    /// Words that say that not the request but something behind the site failed, although the status blames the client.
    static func isOutage(_ report: ErrorReport) -> Bool {
        if outageCodes.contains(report.code.lowercased()) || outageCodes.contains(report.type.lowercased()) {
            return true
        }
        return withLoweredMessage(of: report) { message in outagePhrases.contains { message.contains($0) } }
    }

    /// The message with ASCII in lower case. Its beginning says what happened; the rest may be as long as a body.
    private static func withLoweredMessage<Result>(of report: ErrorReport, _ body: (ByteView) -> Result) -> Result {
        let lowered = report.message.utf8.prefix(4096).map { $0 &- 0x41 < 26 ? $0 | 0x20 : $0 }
        return lowered.withUnsafeBytes { body(ByteView($0)) }
    }

    private static let outageCodes: Set<String> = [
        "upstream_error", "bad_response_status_code", "bad_response", "bad_response_body", "do_request_failed",
        "server_error", "api_error", "internal_error", "internal_server_error", "get_channel_failed", "channel_error",
        "timeout", "timeout_error",
    ]

    private static let outagePhrases: [StaticString] = [
        "upstream error", "upstream request", "upstream connect", "upstream service", "bad response status code",
        "do request failed", "connection refused", "connection reset", "connection error", "i/o timeout", "timed out",
        "internal server error", "internal error", "context deadline exceeded", "unexpected eof", "no healthy upstream",
        "please try again later", "请稍后重试", "请稍后再试", "上游",
    ]
}
