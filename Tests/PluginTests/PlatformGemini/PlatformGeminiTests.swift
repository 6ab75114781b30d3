import CPatchbay
import PlatformGemini
import Synchronization
import Testing

@Suite struct PlatformGeminiTests {
    func plugin(_ configuration: String = "{}", host: FakeHost = FakeHost()) throws -> PluginUnderTest {
        try PluginUnderTest(patchbay_entry_v1__platform_gemini(nil), configuration: configuration, host: host)
    }

    // MARK: Requests

    @Test(arguments: [
        ("https://h", "gemini.generate", "gemini-3", false, "https://h/v1beta/models/gemini-3:generateContent"),
        (
            "https://h", "gemini.generate", "gemini-3", true,
            "https://h/v1beta/models/gemini-3:streamGenerateContent?alt=sse"
        ),
        ("https://h/v1", "gemini.generate", "models/g", false, "https://h/v1/models/g:generateContent"),
        ("https://h/x/v1beta", "gemini.count_tokens", "g", false, "https://h/x/v1beta/models/g:countTokens"),
        ("https://h", "gemini.embed", "tunedModels/t", false, "https://h/v1beta/tunedModels/t:embedContent"),
        ("https://h", "gemini.embed_batch", "a b?c/d", false, "https://h/v1beta/models/a%20b%3Fc/d:batchEmbedContents"),
    ])
    func endpoints(base: String, format: String, model: String, stream: Bool, url: String) throws {
        let request = try plugin().prepare(
            format: format, baseURL: base, query: "key=secret&alt=json", stream: stream, upstreamModel: model)
        #expect(request.url == url && request.method == "POST")
    }

    @Test func versionOfTheConfiguration() throws {
        let request = try plugin(#"{"api_version":"v1"}"#).prepare(
            format: "gemini.generate", baseURL: "https://h", upstreamModel: "g")
        #expect(request.url == "https://h/v1/models/g:generateContent")
        let list = try plugin().prepare(format: "gemini.generate", operation: "models", baseURL: "https://h")
        #expect(list.url == "https://h/v1beta/models" && list.method == "GET")
    }

    @Test func credentials() throws {
        func headers(_ configuration: String = "{}", kind: String = "api_key") throws -> [String: String?] {
            try plugin(configuration).prepare(format: "gemini.generate", baseURL: "https://h", kind: kind).headers
        }
        #expect(try headers() == ["authorization": nil, "x-goog-api-key": "${secret:api_key}"])
        let bearer = try headers(#"{"authorization":"bearer"}"#)
        #expect(bearer == ["authorization": "Bearer ${secret:api_key}", "x-goog-api-key": nil])
        #expect(
            try headers(kind: "access_token")
                == ["authorization": "Bearer ${secret:access_token}", "x-goog-api-key": nil])
    }

    @Test func foreignFormatsSkipTheChannel() throws {
        #expect(throws: Refusal.self) { _ = try plugin().prepare(format: "openai.chat", baseURL: "https://h") }
        #expect(throws: Refusal.self) { _ = try plugin(#"{"authorization":"basic"}"#) }
    }

    // MARK: Judgement

    static func error(_ code: Int, _ status: String, _ message: String, details: String = "[]") -> String {
        #"{"error":{"code":\#(code),"message":"\#(message)","status":"\#(status)","details":\#(details)}}"#
    }

    private static let invalidKey = #"[{"@type":"x","reason":"API_KEY_INVALID","domain":"googleapis.com"}]"#
    private static let minute =
        #"[{"violations":[{"quotaId":"GenerateRequestsPerMinutePerProjectPerModel"}]},{"retryDelay":"13.5s"}]"#
    private static let day = #"[{"violations":[{"quotaId":"GenerateRequestsPerDayPerProject"}]}]"#

    @Test(arguments: [
        JudgementCase(400, error(400, "INVALID_ARGUMENT", "Unknown name"), is: PB_FAULT_CLIENT),
        JudgementCase(
            400, error(400, "INVALID_ARGUMENT", "API key not valid. Please pass one.", details: invalidKey),
            is: PB_FAULT_CREDENTIAL, retry: PB_RETRY_OTHER_ACCOUNT, flags: Int(PB_VERDICT_DISABLE_CREDENTIAL)),
        JudgementCase(
            400, "[" + error(400, "INVALID_ARGUMENT", "API key expired.", details: invalidKey) + "]",
            is: PB_FAULT_CREDENTIAL, retry: PB_RETRY_OTHER_ACCOUNT, flags: Int(PB_VERDICT_DISABLE_CREDENTIAL)),
        JudgementCase(
            400, error(400, "FAILED_PRECONDITION", "User location is not supported for the API use."),
            is: PB_FAULT_SITE, retry: PB_RETRY_OTHER_CHANNEL),
        JudgementCase(
            403, error(403, "PERMISSION_DENIED", "no"), is: PB_FAULT_CREDENTIAL, retry: PB_RETRY_OTHER_ACCOUNT),
        JudgementCase(
            404, error(404, "NOT_FOUND", "models/x is not found for API version v1beta"), is: PB_FAULT_MODEL,
            retry: PB_RETRY_OTHER_CHANNEL),
        JudgementCase(
            429, error(429, "RESOURCE_EXHAUSTED", "You exceeded your current quota.", details: minute),
            is: PB_FAULT_RATE, retry: PB_RETRY_OTHER_ACCOUNT, retryAfter: 13500),
        JudgementCase(
            429, error(429, "RESOURCE_EXHAUSTED", "You exceeded your current quota.", details: day),
            is: PB_FAULT_QUOTA, retry: PB_RETRY_OTHER_ACCOUNT),
        JudgementCase(
            503, error(503, "UNAVAILABLE", "The model is overloaded. Please try again later."),
            is: PB_FAULT_OVERLOAD, retry: PB_RETRY_OTHER_CHANNEL),
        JudgementCase(
            500, error(500, "INTERNAL", "An internal error has occurred."), is: PB_FAULT_SITE,
            retry: PB_RETRY_OTHER_CHANNEL),
        JudgementCase(200, #"{"candidates":[]}"#, is: nil),
    ])
    func classify(_ row: JudgementCase) throws { row.check(try plugin()) }

    // MARK: Operations

    @Test func modelsAreReadPageByPage() async throws {
        let host = FakeHost(
            .json(
                #"{"models":[{"name":"models/gemini-3","displayName":"Gemini 3","inputTokenLimit":1048576,"outputTokenLimit":65536,"supportedGenerationMethods":["generateContent","countTokens"]}],"nextPageToken":"a/b"}"#
            ), .json(#"{"models":[{"name":"embedding-1","supportedGenerationMethods":["embedContent"]},{"name":"x"}]}"#)
        )
        let ending = try await plugin(host: host).invoke("models")
        #expect(
            ending.result
                == #"{"complete":true,"models":[{"context_window":1048576,"formats":["gemini.generate","gemini.count_tokens"],"id":"gemini-3","max_output_tokens":65536,"name":"Gemini 3","owned_by":"google"},{"formats":["gemini.embed","gemini.embed_batch"],"id":"embedding-1","owned_by":"google"},{"id":"x","owned_by":"google"}]}"#
        )
        #expect(
            host.requests.map(\.url) == [
                "https://site.test/v1beta/models?pageSize=1000",
                "https://site.test/v1beta/models?pageSize=1000&pageToken=a/b",
            ])
        #expect(host.requests[0].headers["x-goog-api-key"] == "${secret:api_key}")
    }

    @Test func pagesThatNeverEndAreBounded() async throws {
        let host = FakeHost()
        host.state.withLock { state in
            state.answers = (0..<50).map { .json(#"{"models":[{"name":"m\#($0)"}],"nextPageToken":"\#($0)"}"#) }
        }
        let ending = try await plugin(host: host).invoke("models")
        #expect(ending.result?.hasPrefix(#"{"complete":false"#) == true)
        #expect(host.requests.count == 20)
    }

    @Test func aBadKeyIsReportedByTheTest() async throws {
        let host = FakeHost()
        let body = Self.error(400, "INVALID_ARGUMENT", "API key not valid.", details: Self.invalidKey)
        host.state.withLock { $0.answers = [.json(body, status: 400)] }
        let ending = try await plugin(host: host).invoke("test")
        #expect(ending.result?.contains(#""ok":false"#) == true)
    }
}
