import CPatchbay
import PlatformOpenAI
import Testing

@Suite struct PlatformOpenAIPrepareTests {
    func plugin(_ configuration: String = "{}") throws -> PluginUnderTest {
        try PluginUnderTest(patchbay_entry_v1__platform_openai(nil), configuration: configuration)
    }

    @Test(arguments: [
        ("https://api.openai.com", "https://api.openai.com/v1/chat/completions"),
        ("https://api.openai.com/v1", "https://api.openai.com/v1/chat/completions"),
        ("http://127.0.0.1:9001", "http://127.0.0.1:9001/v1/chat/completions"),
        ("https://open.bigmodel.cn/api/paas/v4", "https://open.bigmodel.cn/api/paas/v4/chat/completions"),
        (
            "https://dashscope.aliyuncs.com/compatible-mode/v1",
            "https://dashscope.aliyuncs.com/compatible-mode/v1/chat/completions"
        ),
        ("https://ai.example/v1beta/openai", "https://ai.example/v1beta/openai/chat/completions"),
        ("https://ai.example/v1beta2", "https://ai.example/v1beta2/chat/completions"),
        ("https://openrouter.ai/api", "https://openrouter.ai/api/v1/chat/completions"),
        ("https://ai.example/openai", "https://ai.example/openai/v1/chat/completions"),
        ("https://v1", "https://v1/v1/chat/completions"),
        ("https://ai.example/vision", "https://ai.example/vision/v1/chat/completions"),
    ])
    func endpointFollowsTheBaseURL(base: String, url: String) throws {
        #expect(try plugin().prepare(baseURL: base).url == url)
    }

    @Test(arguments: [
        ("openai.chat", "/v1/chat/completions"), ("openai.completions", "/v1/completions"),
        ("openai.embeddings", "/v1/embeddings"), ("openai.responses", "/v1/responses"),
    ])
    func everyFormatHasItsEndpoint(format: String, path: String) throws {
        #expect(try plugin().prepare(format: format, baseURL: "https://h").url == "https://h" + path)
    }

    @Test func apiPathCanBeSetOrLeftOut() throws {
        #expect(
            try plugin(#"{"api_path":""}"#).prepare(baseURL: "https://api.perplexity.ai").url
                == "https://api.perplexity.ai/chat/completions")
        #expect(
            try plugin(#"{"api_path":"/api/v3"}"#).prepare(baseURL: "https://h").url
                == "https://h/api/v3/chat/completions")
        #expect(throws: Refusal.self) { _ = try plugin(#"{"api_path":"v1/"}"#) }
    }

    @Test func credentialIsAPlaceholder() throws {
        let request = try plugin(#"{"organization":"org-1","project":"p-1"}"#).prepare(baseURL: "https://h")
        #expect(request.method == "POST")
        #expect(
            request.headers == [
                "authorization": "Bearer ${secret:api_key}", "openai-organization": "org-1", "openai-project": "p-1",
            ])
        #expect(
            try plugin().prepare(baseURL: "https://h", kind: "access_token").headers["authorization"]
                == "Bearer ${secret:access_token}")
        #expect(try plugin().prepare(baseURL: "https://h", kind: "none").headers == ["authorization": nil])
    }

    @Test func modelsIsAGet() throws {
        let request = try plugin().prepare(operation: "models", baseURL: "https://h/v1")
        #expect(request.method == "GET" && request.url == "https://h/v1/models")
    }

    @Test func foreignFormatSkipsTheChannel() throws {
        #expect(
            throws: Refusal(
                status: pb_status(PB_E_UNSUPPORTED),
                sentence: "An OpenAI-compatible site does not speak gemini.generate (generate).")
        ) {
            _ = try plugin().prepare(format: "gemini.generate", baseURL: "https://h")
        }
    }
}
