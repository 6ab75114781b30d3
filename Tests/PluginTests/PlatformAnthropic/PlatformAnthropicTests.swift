import CPatchbay
import PlatformAnthropic
import Synchronization
import Testing

@Suite struct PlatformAnthropicTests {
    func plugin(_ configuration: String = "{}", host: FakeHost = FakeHost()) throws -> PluginUnderTest {
        try PluginUnderTest(patchbay_entry_v1__platform_anthropic(nil), configuration: configuration, host: host)
    }

    func prepare(
        _ configuration: String = "{}", operation: String = "generate", baseURL: String = "https://api.anthropic.com",
        kind: String = "api_key", query: String? = nil, headers: [String: String] = [:]
    ) throws -> PreparedRequest {
        try plugin(configuration).prepare(
            format: "anthropic.messages", operation: operation, baseURL: baseURL, kind: kind, query: query,
            headers: headers)
    }

    // MARK: Requests

    @Test(arguments: [
        ("https://api.anthropic.com", "generate", nil, "https://api.anthropic.com/v1/messages"),
        ("https://api.anthropic.com/v1", "generate", nil, "https://api.anthropic.com/v1/messages"),
        (
            "https://api.z.ai/api/anthropic", "generate", "beta=true",
            "https://api.z.ai/api/anthropic/v1/messages?beta=true"
        ),
        ("https://h", "generate", "key=secret", "https://h/v1/messages"),
        ("https://h", "count_tokens", nil, "https://h/v1/messages/count_tokens"),
        ("https://h/v1", "models", nil, "https://h/v1/models"),
    ])
    func endpoints(base: String, operation: String, query: String?, url: String) throws {
        let request = try prepare(operation: operation, baseURL: base, query: query)
        #expect(request.url == url && request.method == (operation == "models" ? "GET" : "POST"))
    }

    @Test func headersOfAnAPIKey() throws {
        #expect(
            try prepare().headers == [
                "authorization": nil, "x-api-key": "${secret:api_key}", "anthropic-version": "2023-06-01",
            ])
        #expect(
            try prepare(#"{"authorization":"bearer"}"#).headers == [
                "authorization": "Bearer ${secret:api_key}", "x-api-key": nil, "anthropic-version": "2023-06-01",
            ])
    }

    /// E-66
    @Test func versionAndBetasOfTheClientArePassedOn() throws {
        let headers = try prepare(headers: ["anthropic-version": "2024-10-22", "anthropic-beta": "a-1,b-2"]).headers
        #expect(headers["anthropic-version"] == "2024-10-22" && headers["anthropic-beta"] == "a-1,b-2")
        #expect(try prepare(#"{"anthropic_version":"2025-01-01"}"#).headers["anthropic-version"] == "2025-01-01")
    }

    /// E-66
    @Test(arguments: [
        ([:], "oauth-2025-04-20"), (["anthropic-beta": "a-1"], "a-1,oauth-2025-04-20"),
        (["anthropic-beta": "oauth-2025-04-20,b"], "oauth-2025-04-20,b"),
    ])
    func accessTokensNameTheirBeta(headers: [String: String], beta: String) throws {
        let request = try prepare(kind: "access_token", headers: headers)
        #expect(request.headers["authorization"] == "Bearer ${secret:access_token}")
        #expect(request.headers["x-api-key"] == .some(nil) && request.headers["anthropic-beta"] == beta)
    }

    @Test func foreignFormatAndOperationSkipTheChannel() throws {
        #expect(throws: Refusal.self) { _ = try plugin().prepare(format: "openai.chat", baseURL: "https://h") }
        #expect(throws: Refusal.self) { _ = try prepare(operation: "embed") }
        #expect(throws: Refusal.self) { _ = try plugin(#"{"authorization":"basic"}"#) }
    }

    // MARK: Judgement

    static func error(_ type: String, _ message: String) -> String {
        #"{"type":"error","error":{"type":"\#(type)","message":"\#(message)"},"request_id":"req_1"}"#
    }

    @Test(arguments: [
        JudgementCase(400, error("invalid_request_error", "max_tokens: Field required"), is: PB_FAULT_CLIENT),
        JudgementCase(
            400, error("invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum"),
            is: PB_FAULT_CLIENT),
        JudgementCase(
            400, error("invalid_request_error", "Your credit balance is too low to access the Anthropic API."),
            is: PB_FAULT_QUOTA, retry: PB_RETRY_OTHER_ACCOUNT),
        JudgementCase(402, error("billing_error", "Payment"), is: PB_FAULT_QUOTA, retry: PB_RETRY_OTHER_ACCOUNT),
        JudgementCase(
            401, error("authentication_error", "invalid x-api-key"), is: PB_FAULT_CREDENTIAL,
            retry: PB_RETRY_OTHER_ACCOUNT, flags: Int(PB_VERDICT_DISABLE_CREDENTIAL)),
        JudgementCase(
            401, error("authentication_error", "OAuth token has expired. Please obtain a new token."),
            is: PB_FAULT_CREDENTIAL, retry: PB_RETRY_OTHER_ACCOUNT, flags: Int(PB_VERDICT_LOGIN_AGAIN)),
        JudgementCase(
            403, error("permission_error", "Your API key does not have permission"), is: PB_FAULT_CREDENTIAL,
            retry: PB_RETRY_OTHER_ACCOUNT),
        JudgementCase(
            404, error("not_found_error", "model: claude-9"), is: PB_FAULT_MODEL, retry: PB_RETRY_OTHER_CHANNEL),
        JudgementCase(404, error("not_found_error", "Not Found"), is: PB_FAULT_ENDPOINT, retry: PB_RETRY_OTHER_CHANNEL),
        JudgementCase(413, error("request_too_large", "Request exceeds 32 MB"), is: PB_FAULT_CLIENT),
        JudgementCase(
            429, error("rate_limit_error", "limit"), headers: ["retry-after": "34"], is: PB_FAULT_RATE,
            retry: PB_RETRY_OTHER_ACCOUNT, retryAfter: 34000),
        JudgementCase(
            429, error("rate_limit_error", "limit"),
            headers: [
                "date": "Thu, 01 Jan 2026 00:00:00 GMT", "anthropic-ratelimit-tokens-remaining": "0",
                "anthropic-ratelimit-tokens-reset": "2026-01-01T00:01:00Z",
                "anthropic-ratelimit-requests-remaining": "3",
                "anthropic-ratelimit-requests-reset": "2026-01-01T01:00:00Z",
            ], is: PB_FAULT_RATE, retry: PB_RETRY_OTHER_ACCOUNT, retryAfter: 60000),
        JudgementCase(
            500, error("api_error", "Internal server error"), is: PB_FAULT_SITE, retry: PB_RETRY_OTHER_CHANNEL),
        JudgementCase(
            529, error("overloaded_error", "Overloaded"), is: PB_FAULT_OVERLOAD, retry: PB_RETRY_OTHER_CHANNEL),
        JudgementCase(
            200, error("overloaded_error", "Overloaded"), is: PB_FAULT_OVERLOAD, retry: PB_RETRY_OTHER_CHANNEL),
        JudgementCase(200, #"{"type":"message","content":[]}"#, is: nil),
    ])
    func classify(_ row: JudgementCase) throws { row.check(try plugin()) }

    // MARK: Operations

    @Test func modelsAreReadPageByPage() async throws {
        let host = FakeHost(
            .json(
                #"{"data":[{"type":"model","id":"claude-a","display_name":"Claude A","created_at":"2025-02-19T00:00:00Z"}],"has_more":true,"last_id":"claude a/1"}"#
            ), .json(#"{"data":[{"id":"claude-b"}],"has_more":false,"last_id":"claude-b"}"#))
        let ending = try await plugin(host: host).invoke("models")
        #expect(
            ending.result
                == #"{"complete":true,"models":[{"created_at":1739923200,"formats":["anthropic.messages"],"id":"claude-a","name":"Claude A","owned_by":"anthropic"},{"formats":["anthropic.messages"],"id":"claude-b","owned_by":"anthropic"}]}"#
        )
        #expect(
            host.requests.map(\.url) == [
                "https://site.test/v1/models?limit=1000",
                "https://site.test/v1/models?limit=1000&after_id=claude%20a%2F1",
            ])
        #expect(host.requests[0].headers["x-api-key"] == "${secret:api_key}")
        #expect(host.requests[0].headers["anthropic-version"] == "2023-06-01")
    }

    @Test func pagesThatNeverEndAreBounded() async throws {
        let pages = (0..<50).map {
            FakeAnswer.json(#"{"data":[{"id":"m\#($0)"}],"has_more":true,"last_id":"m\#($0)"}"#)
        }
        let host = FakeHost()
        host.state.withLock { $0.answers = pages }
        let ending = try await plugin(host: host).invoke("models")
        #expect(ending.result?.hasPrefix(#"{"complete":false"#) == true)
        #expect(host.requests.count == 20)
    }

    @Test func proxiesListTheirModelsBesideThemselves() async throws {
        let host = FakeHost(.json(#"{"data":[]}"#), .json(#"{"data":[{"id":"glm"}]}"#))
        let ending = try await plugin(host: host).invoke("models", #"{"base_url":"https://h/api/anthropic"}"#)
        #expect(ending.result == #"{"complete":true,"models":[{"id":"glm"}]}"#)
        #expect(host.requests.last?.url == "https://h/api/v1/models")
    }
}
