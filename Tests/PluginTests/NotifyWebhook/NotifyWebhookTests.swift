import CPatchbay
import NotifyWebhook
import Synchronization
import Testing

@Suite struct NotifyWebhookTests {
    static let message =
        #"{"title":"Low","body_markdown":"**5** left","level":"warning","event":"balance.low","dedupe_key":"k1"}"#

    func plugin(_ host: FakeHost, _ more: String = "") throws -> PluginUnderTest {
        try PluginUnderTest(
            patchbay_entry_v1__notify_webhook(nil), configuration: #"{"url":"https://hook.test/x"\#(more)}"#, host: host
        )
    }

    @Test func messageIsPostedAsJSON() async throws {
        let host = FakeHost(FakeAnswer(status: 204))
        #expect(
            try await plugin(host, #","headers":{"x-team":"ops"}"#).invoke("notify.send", Self.message)
                == .result(#"{"attempts":1,"delivered":true,"http_status":204}"#))
        let sent = try #require(host.requests.first)
        #expect(sent.method == "POST" && sent.url == "https://hook.test/x" && sent.flags == UInt32(PB_HTTP_NO_COOKIES))
        #expect(
            sent.headers == ["content-type": "application/json", "x-team": "ops", "idempotency-key": "k1"])
        #expect(
            sent.body
                == #"{"body_markdown":"**5** left","dedupe_key":"k1","event":"balance.low","level":"warning","sent_at":1786000000,"title":"Low"}"#
        )
    }

    @Test func signatureCoversTimestampAndBody() async throws {
        let host = FakeHost(FakeAnswer(status: 200), secrets: ["signing_key": "top"])
        _ = try await plugin(host).invoke("notify.send", Self.message)
        let sent = try #require(host.requests.first)
        #expect(sent.headers["x-patchbay-timestamp"] == "1786000000")
        // printf '1786000000.%s' "$BODY" | openssl dgst -sha256 -hmac top
        #expect(
            sent.headers["x-patchbay-signature"]
                == "sha256=34c5732fb9925b240ad44ec5497ac25b2eeaf2eba65ea5b863279bab051c73a8")
    }

    @Test func passingFailuresAreTriedAgainAndTheWaitIsBounded() async throws {
        let host = FakeHost(
            FakeAnswer(status: 503), .json("{}", status: 429, headers: [("retry-after", "3600")]),
            FakeAnswer(status: 200))
        #expect(
            try await plugin(host).invoke("notify.send", Self.message)
                == .result(#"{"attempts":3,"delivered":true,"http_status":200}"#))
        #expect(host.state.withLock { $0.sleeps } == [1000, 30000])
    }

    @Test func attemptsAreLimited() async throws {
        let host = FakeHost(FakeAnswer(status: 500))
        #expect(
            try await plugin(host, #","attempts":2"#).invoke("notify.send", Self.message).code
                == pb_status(PB_E_UNAVAILABLE))
        #expect(host.requests.count == 2)
    }

    @Test(arguments: [
        (FakeAnswer(status: 400), PB_E_PROTOCOL), (FakeAnswer(status: 401), PB_E_AUTH),
        (FakeAnswer(error: pb_status(PB_E_DENIED)), PB_E_DENIED),
    ])
    func lastingFailuresAreNotTriedAgain(answer: FakeAnswer, code: Int) async throws {
        let host = FakeHost(answer)
        #expect(try await plugin(host).invoke("notify.send", Self.message).code == pb_status(code))
        #expect(host.requests.count == 1)
    }

    @Test func waitThatOutlastsTheDeadlineIsNotBegun() async throws {
        let host = FakeHost(.json("{}", status: 429, headers: [("retry-after", "10")]))
        let call = FakeCall(deadline: 5_000_000_000 + 2_000_000_000)
        #expect(try plugin(host).start("notify.send", Self.message, call) == pb_status(PB_PENDING))
        #expect(await call.ending().code == pb_status(PB_E_RATE_LIMITED))
        #expect(host.requests.count == 1)
    }

    @Test(arguments: [
        (#"{}"#, "Configuration: url is missing."),
        (#"{"url":"ftp://x"}"#, "url must be absolute and begin with http:// or https://."),
        (#"{"url":"https://x","attempts":9}"#, "attempts must be from 1 to 5."),
    ])
    func badConfigurationIsRefused(json: String, sentence: String) {
        #expect(throws: Refusal(status: pb_status(PB_E_INVALID), sentence: sentence)) {
            _ = try PluginUnderTest(patchbay_entry_v1__notify_webhook(nil), configuration: json)
        }
    }

    @Test func incompleteMessageIsRefused() async throws {
        let ending = try await plugin(FakeHost()).invoke(
            "notify.send", #"{"title":"x","body_markdown":"","event":"e"}"#)
        #expect(
            ending
                == .failure(
                    code: pb_status(PB_E_INVALID), message: "Arguments: level is missing.", httpStatus: 0,
                    retryAfter: 0))
    }
}
