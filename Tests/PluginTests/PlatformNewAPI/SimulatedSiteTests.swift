import PatchbayWire
import Testing

@testable import PatchbaySimulator

/// The simulated site itself, as a value: one request in, one answer out.
@Suite struct SimulatedSiteTests {
    // MARK: Money

    @Test func anAnswerIsChargedByTokensAndRatios() throws {
        var bench = SiteBench { $0.users[0].tokens[0].group = "vip" }
        let before = bench.alice
        let answer = try bench.json("POST", "/v1/chat/completions", chat("Tell me about cats"))
        let input = try #require(answer["usage"]?["prompt_tokens"]?.intValue)
        let output = try #require(answer["usage"]?["completion_tokens"]?.intValue)
        let quota = Int64(((Double(input) + Double(output) * 4) * 0.075 * 0.8).rounded())
        #expect(before.quota - bench.alice.quota == quota)
        #expect(bench.alice.usedQuota - before.usedQuota == quota)
        #expect(before.tokens[0].remainQuota - bench.alice.tokens[0].remainQuota == quota)
        #expect(bench.alice.requestCount == 1)
        #expect(bench.state.logs.last?.quota == quota)
        #expect(bench.state.logs.last?.completionTokens == output)
    }

    @Test func aPricePerCallDoesNotDependOnTokens() throws {
        var bench = SiteBench()
        _ = try bench.json("POST", "/v1/chat/completions", chat("Tell me a long story", model: "sim-fixed"))
        #expect(bench.alice.quota == 2_500_000 - 5_000)
    }

    @Test func aStreamCostsWhatTheWholeAnswerCosts() throws {
        var whole = SiteBench()
        var streamed = SiteBench()
        _ = try whole.json("POST", "/v1/chat/completions", chat("Why?", model: "sim-reasoner"))
        _ = try streamed.events("/v1/chat/completions", chat("Why?", model: "sim-reasoner", [("stream", true)]))
        #expect(whole.alice.quota == streamed.alice.quota)
        #expect(whole.alice.quota < 2_500_000)
    }

    @Test func whoeverLeavesEarlyPaysForWhatWasSent() throws {
        var bench = SiteBench()
        let answer = bench.send("POST", "/v1/chat/completions", chat("Tell me a long story", [("stream", true)]))
        guard case .stream(let stream) = answer.body else { return #expect(Bool(false), "a stream") }
        #expect(bench.alice.quota == 2_500_000)
        bench.state.settle(stream.charge, completionTokens: stream.steps[3].tokens)
        #expect(bench.state.logs.last?.completionTokens == stream.steps[3].tokens)
    }

    @Test func emptyPocketsAreRefused() throws {
        var poor = SiteBench { $0.users[0].quota = 0 }
        let none = poor.send("POST", "/v1/chat/completions", chat("Hi"))
        #expect(none.status == 403)
        #expect(try SiteBench.json(none)["error"]?["code"] == "insufficient_user_quota")
        var short = SiteBench { $0.users[0].quota = 1 }
        let dear = short.send("POST", "/v1/messages", chat("Hi", [("max_tokens", 100_000)]))
        #expect(dear.status == 403)
        #expect(try SiteBench.json(dear)["type"] == "error")
        #expect(try SiteBench.json(dear)["error"]?["type"] == "new_api_error")
        var limited = SiteBench { $0.users[0].tokens[0].remainQuota = 1 }
        let token = limited.send("POST", "/v1/chat/completions", chat("Hi", [("max_tokens", 100_000)]))
        #expect(try SiteBench.json(token)["error"]?["code"] == "pre_consume_token_quota_failed")
    }

    @Test func aSpentTokenIsExhausted() throws {
        var bench = SiteBench(.b) { $0.users[0].tokens[0].remainQuota = 2 }
        #expect(bench.send("POST", "/v1/chat/completions", chat("Tell me about cats")).status == 200)
        #expect(bench.alice.tokens[0].status == .exhausted)
        let next = bench.send("POST", "/v1/chat/completions", chat("Hi"))
        #expect(next.status == 401)
        #expect(try SiteBench.json(next)["error"]?["message"]?.stringValue?.contains("TokenStatusExhausted") == true)
    }

    // MARK: Refusals and paths

    @Test func refusalsOfTheRelayNameThePlatform() throws {
        var bench = SiteBench(.b) { $0.language = .chinese }
        let missing = bench.send("GET", "/v1/models", key: nil)
        #expect(missing.status == 401)
        #expect(try SiteBench.json(missing)["error"]?["message"]?.stringValue?.hasPrefix("未提供令牌 (request id: ") == true)
        let wrong = bench.send("GET", "/v1/models", key: "wrong")
        #expect(try SiteBench.json(wrong)["error"]?["type"] == "new_api_error")
        let unknown = bench.send("POST", "/v1/chat/completions", chat("Hi", model: "nope"))
        #expect(unknown.status == 503)
        #expect(try SiteBench.json(unknown)["error"]?["code"] == "model_not_found")
        let malformed = bench.send("POST", "/v1/chat/completions", "text")
        #expect(malformed.status == 400)
    }

    @Test func unknownPathsAreToldApart() throws {
        var bench = SiteBench()
        let api = bench.send("POST", "/api/user/sign_in")
        #expect(api.status == 404)
        #expect(try SiteBench.json(api)["error"]?["message"] == "Invalid URL (POST /api/user/sign_in)")
        let page = bench.send("GET", "/chat")
        #expect(page.status == 200)
        #expect(page.headers.contains { $0.value.hasPrefix("text/html") })
        let slash = bench.send("GET", "/api/token?p=1")
        #expect(slash.status == 301)
        #expect(slash.headers.contains { $0.name == "x-oneapi-request-id" })
    }

    @Test func modelsHaveTheShapeThatTheHeadersAskFor() throws {
        var bench = SiteBench()
        let chatList = try bench.json("GET", "/v1/models")
        #expect(chatList["object"] == "list")
        let headers = ["x-api-key": "sk-" + TestSite.key, "anthropic-version": "2023-06-01"]
        let list = try SiteBench.json(bench.send("GET", "/v1/models", key: nil, headers: headers))
        #expect(list["first_id"] == "sim-mini")
        #expect(list["data"]?[0]?["type"] == "model")
    }

    @Test func gzipIsOfferedOnTheDashboardOnly() throws {
        var bench = SiteBench()
        let plain = bench.send("GET", "/api/status")
        let zipped = bench.send("GET", "/api/status", headers: ["accept-encoding": "gzip"])
        #expect(zipped.headers.contains { $0.name == "content-encoding" && $0.value == "gzip" })
        guard case .bytes(let bytes) = zipped.body, case .bytes(let original) = plain.body else { return }
        #expect(Array(bytes.prefix(3)) == [0x1F, 0x8B, 8])
        #expect(bytes.count == original.count + 23)
        let relay = bench.send("GET", "/v1/models", headers: ["accept-encoding": "gzip"])
        #expect(!relay.headers.contains { $0.name == "content-encoding" })
        // The check value of CRC-32.
        #expect(Array(StoredGzip.wrap(Array("123456789".utf8)).suffix(8).prefix(4)) == [0x26, 0x39, 0xF4, 0xCB])
    }

    @Test func theLogNumbersItsRowsAndKeepsRequestIDs() throws {
        var bench = SiteBench(.b)
        for _ in 0..<3 { _ = try bench.json("POST", "/v1/chat/completions", chat("Hi")) }
        let headers = ["authorization": TestSite.accessToken, "new-api-user": "42"]
        let page = try SiteBench.json(
            bench.send("GET", "/api/log/self?p=2&page_size=2&type=2", key: nil, headers: headers))
        #expect(page["data"]?["total"] == 3)
        #expect(page["data"]?["items"]?.arrayValue?.count == 1)
        #expect(page["data"]?["items"]?[0]?["id"] == 3)
        #expect(page["data"]?["items"]?[0]?["request_id"]?.stringValue?.isEmpty == false)
    }

    @Test func aCodeIsRedeemedOnce() throws {
        var bench = SiteBench(.b) { $0.redemptionCodes = ["gift": 1_000] }
        let headers = ["authorization": TestSite.accessToken, "new-api-user": "42"]
        let first = try SiteBench.json(
            bench.send("POST", "/api/user/topup", ["key": "gift"], key: nil, headers: headers))
        #expect(first["data"] == 1_000)
        let second = try SiteBench.json(
            bench.send("POST", "/api/user/topup", ["key": "gift"], key: nil, headers: headers))
        #expect(second["success"] == false)
        #expect(bench.alice.quota == 2_501_000)
    }

    // MARK: The demonstration

    @Test func theDemonstrationAnswersWithEveryModel() throws {
        let site = SimulatedSite.demonstration
        var state = SiteState(site: site)
        #expect((4...6).contains(site.models.count))
        for model in site.models {
            let body: JSONValue = ["model": .string(model.name), "messages": [["role": "user", "content": "Hello"]]]
            let request = SiteRequest(
                method: "POST", target: "/v1/chat/completions",
                headers: ["authorization": "Bearer " + SimulatedSite.demonstrationKey], body: body.serialised())
            let answer = state.answer(request)
            #expect(answer.status == 200)
            #expect(answer.delayMilliseconds > 0)
        }
        #expect(state.users[0].quota < site.users[0].quota)
        #expect(SimulatedSite.demonstrationKey.count == 51)
    }

    @Test func aServedStreamArrivesAndIsCharged() async throws {
        let site = try await TestSite.configuration(.c).start()
        let body = chat("Tell me about cats", [("stream", true)]).serialised()
        let answer = try await withCheckedThrowingContinuation { continuation in
            onThread {
                continuation.resume(
                    with: Result {
                        try SocketClient.exchange(
                            "POST", port: site.port, path: "/v1/chat/completions",
                            headers: [("authorization", "Bearer sk-" + TestSite.key)], body: body)
                    })
            }
        }
        #expect(answer.text.hasSuffix("data: [DONE]\n\n"))
        let alice = await site.user("alice")
        #expect(alice?.requestCount == 1)
        await site.stop()
        await site.stop()
    }
}
