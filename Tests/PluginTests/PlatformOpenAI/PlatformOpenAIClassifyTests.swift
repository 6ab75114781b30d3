import CPatchbay
import PlatformOpenAI
import Testing

@Suite struct PlatformOpenAIClassifyTests {
    let plugin: PluginUnderTest

    init() throws {
        plugin = try PluginUnderTest(patchbay_entry_v1__platform_openai(nil))
    }

    static func error(_ message: String, type: String = "invalid_request_error", code: String? = nil) -> String {
        let code = code.map { "\"\($0)\"" } ?? "null"
        return #"{"error":{"message":"\#(message)","type":"\#(type)","param":null,"code":\#(code)}}"#
    }

    static let clientFaults: [JudgementCase] = [
        JudgementCase(
            400, error("This model's maximum context length is 128000 tokens.", code: "context_length_exceeded"),
            is: PB_FAULT_CLIENT),
        JudgementCase(400, error("'temperature' is not supported", code: "unsupported_parameter"), is: PB_FAULT_CLIENT),
        JudgementCase(400, error("Invalid value for messages[0].role"), is: PB_FAULT_CLIENT),
        JudgementCase(400, "", is: PB_FAULT_CLIENT), JudgementCase(413, "too big", is: PB_FAULT_CLIENT),
        JudgementCase(422, #"{"detail":[{"loc":["body"],"msg":"field required"}]}"#, is: PB_FAULT_CLIENT),
        JudgementCase(400, error("rejected", code: "content_policy_violation"), is: PB_FAULT_CLIENT),
    ]

    static let accountFaults: [JudgementCase] = [
        JudgementCase(
            401, error("Incorrect API key provided: sk-***.", code: "invalid_api_key"), is: PB_FAULT_CREDENTIAL,
            retry: PB_RETRY_OTHER_ACCOUNT, flags: Int(PB_VERDICT_DISABLE_CREDENTIAL)),
        JudgementCase(
            401, is: PB_FAULT_CREDENTIAL, retry: PB_RETRY_OTHER_ACCOUNT, flags: Int(PB_VERDICT_DISABLE_CREDENTIAL)),
        JudgementCase(403, error("forbidden"), is: PB_FAULT_CREDENTIAL, retry: PB_RETRY_OTHER_ACCOUNT),
        JudgementCase(
            403, error("Country not supported", code: "unsupported_country_region_territory"), is: PB_FAULT_SITE,
            retry: PB_RETRY_OTHER_CHANNEL),
        JudgementCase(402, "", is: PB_FAULT_QUOTA, retry: PB_RETRY_OTHER_ACCOUNT),
        JudgementCase(
            429, error("You exceeded your current quota", type: "insufficient_quota", code: "insufficient_quota"),
            is: PB_FAULT_QUOTA, retry: PB_RETRY_OTHER_ACCOUNT),
        JudgementCase(
            403, error("用户额度不足, 剩余额度: 0", type: "new_api_error", code: "insufficient_user_quota"), is: PB_FAULT_QUOTA,
            retry: PB_RETRY_OTHER_ACCOUNT),
        JudgementCase(
            403, #"{"code":"INSUFFICIENT_BALANCE","message":"Insufficient account balance"}"#, is: PB_FAULT_QUOTA,
            retry: PB_RETRY_OTHER_ACCOUNT),
    ]

    static let rateFaults: [JudgementCase] = [
        JudgementCase(
            429,
            error(
                "Rate limit reached for gpt-4o. Please try again in 20s.", type: "tokens", code: "rate_limit_exceeded"),
            is: PB_FAULT_RATE, retry: PB_RETRY_OTHER_ACCOUNT, retryAfter: 20000),
        JudgementCase(
            429, error("Please try again in 1m30.5s.", code: "rate_limit_exceeded"), is: PB_FAULT_RATE,
            retry: PB_RETRY_OTHER_ACCOUNT, retryAfter: 90500),
        JudgementCase(
            429, "", headers: ["retry-after": "7"], is: PB_FAULT_RATE, retry: PB_RETRY_OTHER_ACCOUNT, retryAfter: 7000),
        JudgementCase(
            429, "", headers: ["retry-after": "7", "retry-after-ms": "250"], is: PB_FAULT_RATE,
            retry: PB_RETRY_OTHER_ACCOUNT, retryAfter: 250),
        JudgementCase(
            429, "",
            headers: ["retry-after": "Sun, 06 Nov 1994 08:50:07 GMT", "date": "Sun, 06 Nov 1994 08:49:37 GMT"],
            is: PB_FAULT_RATE, retry: PB_RETRY_OTHER_ACCOUNT, retryAfter: 30000),
        JudgementCase(
            429, "",
            headers: [
                "x-ratelimit-remaining-requests": "5", "x-ratelimit-reset-requests": "9h",
                "x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "6m0s",
            ], is: PB_FAULT_RATE, retry: PB_RETRY_OTHER_ACCOUNT, retryAfter: 360_000),
        JudgementCase(
            429, "", headers: ["retry-after": "soon"], is: PB_FAULT_RATE, retry: PB_RETRY_OTHER_ACCOUNT),
    ]

    static let siteFaults: [JudgementCase] = [
        JudgementCase(
            404, error("The model `gpt-9` does not exist or you do not have access to it.", code: "model_not_found"),
            is: PB_FAULT_MODEL, retry: PB_RETRY_OTHER_CHANNEL),
        JudgementCase(
            503, error("当前分组 default 下对于模型 gpt-4o 无可用渠道", type: "new_api_error"), is: PB_FAULT_MODEL,
            retry: PB_RETRY_OTHER_CHANNEL),
        JudgementCase(
            404, error("Invalid URL (POST /v1/chat/completions)"), is: PB_FAULT_ENDPOINT, retry: PB_RETRY_OTHER_CHANNEL),
        JudgementCase(404, "not found", is: PB_FAULT_ENDPOINT, retry: PB_RETRY_OTHER_CHANNEL),
        JudgementCase(405, "", is: PB_FAULT_ENDPOINT, retry: PB_RETRY_OTHER_CHANNEL),
        JudgementCase(408, "", is: PB_FAULT_OVERLOAD, retry: PB_RETRY_OTHER_CHANNEL),
        JudgementCase(425, "", is: PB_FAULT_OVERLOAD, retry: PB_RETRY_SAME_CHANNEL),
        JudgementCase(
            500, error("The server had an error", type: "server_error"), is: PB_FAULT_SITE,
            retry: PB_RETRY_OTHER_CHANNEL),
        JudgementCase(502, "<html>Bad gateway</html>", is: PB_FAULT_SITE, retry: PB_RETRY_OTHER_CHANNEL),
        JudgementCase(
            503, error("The engine is currently overloaded"), headers: ["retry-after": "2"], is: PB_FAULT_OVERLOAD,
            retry: PB_RETRY_OTHER_CHANNEL, retryAfter: 2000),
        JudgementCase(504, "", is: PB_FAULT_OVERLOAD, retry: PB_RETRY_OTHER_CHANNEL),
        JudgementCase(529, "", is: PB_FAULT_OVERLOAD, retry: PB_RETRY_OTHER_CHANNEL),
        JudgementCase(500, error("prompt is too long"), is: PB_FAULT_SITE, retry: PB_RETRY_OTHER_CHANNEL),
        JudgementCase(
            500, error("invalid api key", code: "invalid_api_key"), is: PB_FAULT_CREDENTIAL,
            retry: PB_RETRY_OTHER_ACCOUNT),
        JudgementCase(
            400, error("upstream error: do request failed", type: "upstream_error"), is: PB_FAULT_SITE,
            retry: PB_RETRY_OTHER_CHANNEL),
        JudgementCase(
            400, error("当前分组上游负载已饱和，请稍后再试"), is: PB_FAULT_OVERLOAD, retry: PB_RETRY_OTHER_CHANNEL),
        JudgementCase(301, "", is: PB_FAULT_SITE, retry: PB_RETRY_OTHER_CHANNEL),
    ]

    static let disguises: [JudgementCase] = [
        JudgementCase(200, error("boom", type: "server_error"), is: PB_FAULT_SITE, retry: PB_RETRY_OTHER_CHANNEL),
        JudgementCase(
            200, #"{"error":{"code":429,"message":"slow"}}"#, is: PB_FAULT_RATE, retry: PB_RETRY_OTHER_ACCOUNT),
        JudgementCase(
            200, error("You exceeded your current quota", code: "insufficient_quota"), is: PB_FAULT_QUOTA,
            retry: PB_RETRY_OTHER_ACCOUNT),
        JudgementCase(
            200, #"{"success":false,"message":"无效的令牌"}"#, is: PB_FAULT_CREDENTIAL, retry: PB_RETRY_OTHER_ACCOUNT,
            flags: Int(PB_VERDICT_DISABLE_CREDENTIAL)),
        JudgementCase(200, "<!doctype html><title>New API</title>", is: PB_FAULT_SITE, retry: PB_RETRY_OTHER_CHANNEL),
        JudgementCase(
            200, "<html><title>Just a moment...</title>", is: PB_FAULT_CHALLENGE, retry: PB_RETRY_OTHER_CHANNEL),
        JudgementCase(
            403, "<html>attention required! | Cloudflare</html>", is: PB_FAULT_CHALLENGE, retry: PB_RETRY_OTHER_CHANNEL),
        JudgementCase(200, "  ", is: PB_FAULT_SITE, retry: PB_RETRY_OTHER_CHANNEL),
        JudgementCase(200, #"{"id":"x","choices":[]}"#, is: nil),
        JudgementCase(200, #"{"error":null,"id":"x"}"#, is: nil),
        JudgementCase(200, #"{"message":"hello"}"#, is: nil),
    ]

    static let transports: [JudgementCase] = [
        JudgementCase(0, transport: PB_TRANSPORT_CONNECT, is: PB_FAULT_NETWORK, retry: PB_RETRY_OTHER_CHANNEL),
        JudgementCase(0, transport: PB_TRANSPORT_RESET, is: PB_FAULT_NETWORK, retry: PB_RETRY_OTHER_CHANNEL),
        JudgementCase(0, transport: PB_TRANSPORT_TIMEOUT, is: PB_FAULT_NETWORK, retry: PB_RETRY_OTHER_CHANNEL),
        JudgementCase(0, transport: PB_TRANSPORT_TLS, is: PB_FAULT_SITE, retry: PB_RETRY_OTHER_CHANNEL),
        JudgementCase(0, transport: PB_TRANSPORT_PROTOCOL, is: PB_FAULT_SITE, retry: PB_RETRY_OTHER_CHANNEL),
        JudgementCase(0, transport: PB_TRANSPORT_DENIED, is: PB_FAULT_SITE, retry: PB_RETRY_OTHER_CHANNEL),
    ]

    @Test(arguments: clientFaults) func requestIsWrong(_ row: JudgementCase) { row.check(plugin) }
    @Test(arguments: accountFaults) func accountIsAtFault(_ row: JudgementCase) { row.check(plugin) }
    @Test(arguments: rateFaults) func limitsAreReported(_ row: JudgementCase) { row.check(plugin) }
    @Test(arguments: siteFaults) func siteOrModelIsAtFault(_ row: JudgementCase) { row.check(plugin) }
    @Test(arguments: disguises) func errorsInDisguiseAreSeen(_ row: JudgementCase) { row.check(plugin) }
    @Test(arguments: transports) func connectionsFail(_ row: JudgementCase) { row.check(plugin) }

    @Test func nothingIsRetriedOnceBytesReachedTheClient() throws {
        let (verdict, _) = try #require(plugin.classify(status: 500, bytesToClient: 1))
        #expect(verdict.fault == UInt32(PB_FAULT_SITE) && verdict.retry == UInt32(PB_RETRY_NONE))
    }
}
