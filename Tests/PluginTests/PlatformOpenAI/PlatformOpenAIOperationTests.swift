import CPatchbay
import PlatformOpenAI
import Testing

@Suite struct PlatformOpenAIOperationTests {
    func plugin(_ host: FakeHost) throws -> PluginUnderTest {
        try PluginUnderTest(patchbay_entry_v1__platform_openai(nil), host: host)
    }

    @Test(arguments: [
        #"{"object":"list","data":[{"id":"a","object":"model","created":1626777600,"owned_by":"openai"},{"id":"b"}]}"#,
        #"[{"id":"a","created":1626777600.0,"owned_by":"openai"},{"name":"b"},{"oops":1},7,{"id":"a"}]"#,
        #"{"models":[{"id":"a","created":1626777600,"owned_by":"openai"},{"id":"b"}]}"#,
    ])
    func modelListsOfEveryForm(body: String) async throws {
        let host = FakeHost(.json(body))
        #expect(
            try await plugin(host).invoke("models")
                == .result(
                    #"{"complete":true,"models":[{"created_at":1626777600,"id":"a","owned_by":"openai"},{"id":"b"}]}"#))
        let sent = try #require(host.requests.first)
        #expect(sent.url == "https://site.test/v1/models" && sent.method == "GET")
        #expect(sent.headers["authorization"] == "Bearer ${secret:api_key}")
    }

    @Test(arguments: [
        (
            #"{"id":"a","name":"A","context_length":131072,"architecture":{"input_modalities":["text","file"]},"top_provider":{"max_completion_tokens":8000},"supported_parameters":["tools"]}"#,
            #"{"context_window":131072,"id":"a","input":["pdf"],"max_output_tokens":8000,"name":"A","thinking":false,"tools":true}"#
        ),
        (#"{"id":"a","display_name":"A","max_model_len":4096}"#, #"{"context_window":4096,"id":"a","name":"A"}"#),
        (
            #"{"id":"a","max_context_length":9,"capabilities":{"function_calling":true}}"#,
            #"{"context_window":9,"id":"a","tools":true}"#
        ),
        (#"{"id":"a","created":0,"context_length":"many","top_provider":[],"name":7}"#, #"{"id":"a"}"#),
    ])
    func whatAListTellsOfAModel(item: String, expected: String) async throws {
        #expect(
            try await plugin(FakeHost(.json(#"{"data":["# + item + "]}"))).invoke("models")
                == .result(#"{"complete":true,"models":["# + expected + "]}"))
    }

    @Test func emptyListOfAFamilySite() async throws {
        #expect(
            try await plugin(FakeHost(.json(#"{"data":null,"object":"list"}"#))).invoke("models")
                == .result(#"{"complete":true,"models":[]}"#))
    }

    @Test func versionedBaseIsNotDoubled() async throws {
        let host = FakeHost(.json(#"{"data":[]}"#))
        _ = try await plugin(host).invoke("models", #"{"base_url":"https://h/api/paas/v4/"}"#)
        #expect(host.requests.first?.url == "https://h/api/paas/v4/models")
    }

    @Test(arguments: [
        (FakeAnswer.json(#"{"error":{"message":"no"}}"#, status: 401), PB_E_AUTH),
        (FakeAnswer.json(#"{"other":1}"#), PB_E_PROTOCOL), (FakeAnswer(body: "<html>"), PB_E_PROTOCOL),
        (FakeAnswer(error: pb_status(PB_E_NETWORK)), PB_E_NETWORK),
    ])
    func failuresHaveACode(answer: FakeAnswer, code: Int) async throws {
        #expect(try await plugin(FakeHost(answer)).invoke("models").code == pb_status(code))
    }

    @Test func testTellsWhetherTheCredentialWorks() async throws {
        let list = FakeAnswer.json(#"{"data":[{"id":"a"}]}"#)
        #expect(
            try await plugin(FakeHost(list)).invoke("test")
                == .result(#"{"message":"The credential works.","models":1,"ok":true}"#))
        let missing = try await plugin(FakeHost(list)).invoke("test", #"{"base_url":"https://h","model":"z"}"#)
        #expect(missing.result?.contains(#""ok":false"#) == true)
        let refused = try await plugin(FakeHost(FakeAnswer(status: 401))).invoke("test")
        #expect(refused.result?.contains(#""ok":false"#) == true)
    }
}
