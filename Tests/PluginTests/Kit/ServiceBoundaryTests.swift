import CPatchbay
import Synchronization
import PatchbayPlugin
import Testing

@Suite struct ServiceBoundaryTests {
    func probe(_ host: FakeHost) throws -> PluginUnderTest {
        try PluginUnderTest(Probes.platform.pointer, configuration: #"{"greeting":"hi "}"#, host: host)
    }

    @Test func requestIsSentAsWritten() async throws {
        let host = FakeHost(.json("done"))
        #expect(try await probe(host).invoke("fetch") == .result(#"{"text":"done"}"#))
        let sent = try #require(host.requests.first)
        #expect(sent.method == "GET" && sent.url == "https://site.test/x" && sent.body.isEmpty)
        #expect(sent.headers == ["accept": "application/json", "a": "b"])
    }

    @Test(arguments: [
        (FakeAnswer(error: pb_status(PB_E_DENIED)), PB_E_DENIED), (FakeAnswer(status: 401), PB_E_AUTH),
        (FakeAnswer(status: 404), PB_E_UNSUPPORTED), (FakeAnswer(status: 500), PB_E_UNAVAILABLE),
        (FakeAnswer(status: 200, body: "<html>"), PB_E_PROTOCOL),
        (FakeAnswer(status: 200, body: "<html>Just a moment..."), PB_E_CHALLENGE),
        (FakeAnswer(status: 302), PB_E_PROTOCOL), (FakeAnswer(status: 422), PB_E_INVALID),
    ])
    func failuresOfThePeerHaveTheirCode(answer: FakeAnswer, code: Int) async throws {
        #expect(try await probe(FakeHost(answer)).invoke("fetch").code == pb_status(code))
    }

    @Test func rateLimitCarriesTheWait() async throws {
        let answer = FakeAnswer.json(#"{"error":{"message":"wait"}}"#, status: 429, headers: [("retry-after", "12")])
        #expect(
            try await probe(FakeHost(answer)).invoke("fetch")
                == .failure(
                    code: pb_status(PB_E_RATE_LIMITED),
                    message: "The site answered the request for the text with status 429: wait", httpStatus: 429,
                    retryAfter: 12000))
    }

    @Test func storeComparesAndSets() async throws {
        #expect(try await probe(FakeHost()).invoke("store") == .result(#"{"text":"onetwo true"}"#))
    }

    @Test func secretsAreRevealedWithPermissionOnly() async throws {
        let host = FakeHost(secrets: ["s": "hush"])
        #expect(try await probe(host).invoke("secret") == .result(#"{"text":"true false hush"}"#))
        host.state.withLock { $0.mayReveal = false }
        #expect(try await probe(host).invoke("secret").code == pb_status(PB_E_DENIED))
    }

    @Test func sleepUsesTheClockOfTheHost() async throws {
        let host = FakeHost()
        #expect(try await probe(host).invoke("nap") == .result("{}"))
        #expect(host.state.withLock { $0.sleeps } == [2500])
    }

    @Test func missingServicesAreErrorsNotCrashes() async throws {
        let host = FakeHost()
        host.state.withLock { $0.lacksServices = [PB_HTTP_ID, PB_KV_ID, PB_SECRETS_ID, PB_LOG_ID] }
        let plugin = try probe(host)
        for operation in ["fetch", "store", "secret"] {
            #expect(await plugin.invoke(operation).code == pb_status(PB_E_UNSUPPORTED))
        }
    }
}
