import CPatchbay
import Testing

@testable import PlatformNewAPI

/// How requests are shaped, through the plugin's C table.
@Suite struct PrepareTests {
    private func plugin() throws -> PluginUnderTest {
        try PluginUnderTest(patchbay_entry_v1__platform_new_api(nil))
    }

    @Test func chatGoesToItsPathWithTheKey() throws {
        let request = try plugin().prepare(baseURL: "https://site.example")
        #expect(request.url == "https://site.example/v1/chat/completions")
        #expect(request.method == "POST")
        #expect(request.headers == ["authorization": "Bearer ${secret:api_key}"])
    }

    @Test func messagesCarryBothHeadersAndAVersion() throws {
        let plugin = try plugin()
        let request = try plugin.prepare(
            format: "anthropic.messages", baseURL: "https://site.example/v1", query: "beta=true")
        #expect(request.url == "https://site.example/v1/messages?beta=true")
        #expect(request.headers["x-api-key"] == "${secret:api_key}")
        #expect(request.headers["authorization"] == "Bearer ${secret:api_key}")
        #expect(request.headers["anthropic-version"] == "2023-06-01")
        let own = try plugin.prepare(
            format: "anthropic.messages", baseURL: "https://site.example", headers: ["anthropic-version": "2024-10-22"])
        #expect(own.headers["anthropic-version"] == nil)
    }

    @Test(arguments: ["password", "access_token", "session", "none"]) func otherCredentialsAreRefused(kind: String)
        throws
    {
        let plugin = try plugin()
        let refusal = #expect(throws: Refusal.self) { try plugin.prepare(baseURL: "https://x", kind: kind) }
        #expect(refusal?.status == pb_status(PB_E_UNSUPPORTED))
        #expect(refusal?.sentence.contains("add a token") == true)
    }

    @Test func unknownFormatsAndOperationsAreRefused() throws {
        let plugin = try plugin()
        #expect(throws: Refusal.self) { try plugin.prepare(format: "gemini.generate", baseURL: "https://x") }
        #expect(throws: Refusal.self) { try plugin.prepare(operation: "count_tokens", baseURL: "https://x") }
    }

    @Test func classifyReadsTheDelayOfTheAnswer() throws {
        let found = try plugin().classify(status: 429, headers: ["retry-after": "12"])
        let verdict = try #require(found).verdict
        #expect(verdict.fault == UInt32(PB_FAULT_RATE))
        #expect(verdict.retry_after_ms == 12_000)
        let cut = try plugin().classify(status: 0, transport: PB_TRANSPORT_RESET)
        #expect(cut?.verdict.fault == UInt32(PB_FAULT_NETWORK))
    }

    @Test func nothingIsTriedAgainAfterTheFirstByte() throws {
        let body = #"{"error":{"message":"无效的令牌","type":"new_api_error"}}"#
        let found = try plugin().classify(status: 200, body: body, bytesToClient: 1)
        #expect(found?.verdict.retry == UInt32(PB_RETRY_NONE))
        #expect(found?.verdict.flags == PB_VERDICT_DISABLE_CREDENTIAL)
    }

    @Test func whatOnlyTheKitKnowsIsJudgedByTheKit() throws {
        let found = try plugin().classify(status: 500, body: #"{"error":{"message":"boom","type":"x"}}"#)
        #expect(found?.verdict.retry == UInt32(PB_RETRY_OTHER_CHANNEL))
    }

    @Test func anUnknownSettingOfTheWrongTypeIsNamed() throws {
        let refusal = #expect(throws: Refusal.self) {
            try PluginUnderTest(
                patchbay_entry_v1__platform_new_api(nil), configuration: #"{"create_access_token":"yes"}"#)
        }
        #expect(refusal?.sentence.contains("create_access_token") == true)
    }
}
