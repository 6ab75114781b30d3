import PatchbayCore
import PatchbayWire
import Synchronization
import Testing

@testable import PatchbayAdmin

@Suite struct RecordTests {
    private let client = AdminClient()

    private static var record: RequestRecord {
        var record = RequestRecord(id: "req-1", time: 1_795_236_499_414, key: "dev", model: "gpt-4o")
        record.site = "filed"
        record.account = "main"
        record.upstreamModel = "gpt-4o-2024"
        record.status = 200
        record.attempts = [
            AttemptRecord(
                site: "other", account: "a", upstreamModel: "m", status: 429, fault: "rate", reason: "Slow down.",
                milliseconds: 12),
            AttemptRecord(
                site: "filed", account: "main", upstreamModel: "gpt-4o-2024", status: 200, fault: "ok", reason: "",
                milliseconds: 340),
        ]
        record.usage = TokenUsage(input: 100, output: 20, cached: 60)
        record.cost = Money(dollars: 0.0003)
        record.latencyMilliseconds = 360
        record.firstTokenMilliseconds = 200
        record.stream = true
        record.clientFormat = "openai.chat"
        record.upstreamFormat = "anthropic.messages"
        return record
    }

    @Test func requestRowHasEveryFieldOfTheContract() async {
        client.backend.state.withLock { $0.records = [Self.record] }
        let page = await client.send("GET", "/api/v1/requests").document
        #expect(page["next"] == "more")
        #expect(
            page["data"] == [
                [
                    "id": "req-1", "time": "2026-11-21T04:48:19.414Z", "key": "dev", "model": "gpt-4o", "site": "filed",
                    "account": "main", "upstream_model": "gpt-4o-2024", "status": 200, "outcome": "completed",
                    "attempts": 2,
                    "input_tokens": 100, "output_tokens": 20, "cached_tokens": 60, "cache_write_tokens": .null,
                    "reasoning_tokens": .null, "estimated": false, "cost_usd": 0.0003, "latency_ms": 360,
                    "first_token_ms": 200, "stream": true, "client_format": "openai.chat",
                    "upstream_format": "anthropic.messages", "error_code": "", "warnings": [],
                ]
            ])
    }

    @Test func requestIsReadWithItsAttempts() async {
        client.backend.state.withLock { $0.records = [Self.record] }
        let document = await client.send("GET", "/api/v1/requests/req-1").document
        #expect(
            document["attempt_list"]?[0] == [
                "site": "other", "account": "a", "upstream_model": "m", "status": 429, "fault": "rate",
                "reason": "Slow down.", "ms": 12,
            ])
        #expect(await client.send("GET", "/api/v1/requests/none").status == 404)
    }

    @Test func filtersReachTheBackend() async {
        let path =
            "/api/v1/requests?key=dev&model=a%2Fb&site=s&account=x&outcome=failed&status=502&limit=7&cursor=c"
            + "&since=2026-11-21T04:48:19.414Z&until=2026-11-21T05:48:20%2B01:00"
        #expect(await client.send("GET", path).status == 200)
        var expected = RequestQuery(limit: 7)
        (expected.key, expected.model, expected.site, expected.account) = ("dev", "a/b", "s", "x")
        (expected.outcome, expected.status, expected.cursor) = (.failed, 502, "c")
        (expected.since, expected.until) = (1_795_236_499_414, 1_795_236_500_000)
        #expect(client.backend.state.withLock(\.queries) == [expected])
    }

    @Test func usageIsGroupedByWhatWasAskedFor() async {
        for group in ["key", "model", "site"] {
            let page = await client.send("GET", "/api/v1/usage?group_by=\(group)").document
            let row = page["data"]?[0]
            #expect(row?[group] == "dev" && row?["requests"] == 3 && row?["failures"] == 1 && row?["cost_usd"] == 0.25)
            #expect(row?["input_tokens"] == 30 && row?["output_tokens"] == 12 && row?["cached_tokens"] == 5)
        }
        #expect(client.backend.state.withLock(\.usageQueries).map(\.group) == [.key, .model, .site])
    }

    @Test func explanationNamesEveryCandidate() async {
        let document = await client.send("POST", "/api/v1/explain", #"{"model":"gpt-4o","key":"dev"}"#).document
        #expect(document["outcome"] == "routed" && document["key"] == "dev" && document["seed"] == "7")
        #expect(document["route"] == ["model": "gpt-4o", "pattern": .null, "source": "file"])
        let candidate = document["candidates"]?[0]
        #expect(candidate?["channel"] == "filed/main/t:gpt-4o-2024" && candidate?["taken"] == true)
        #expect(candidate?["share"]?.doubleValue == 1 && candidate?["cooling"]?.isNull == true)
        let price = candidate?["price"]
        #expect(["input", "output", "cached_input"].map { price?[$0]?.doubleValue } == [2.5, 10, 1.25])
    }

    @Test func explanationTakesTheKeyItself() async {
        let document = await client.send("POST", "/api/v1/explain", #"{"model":"nope","key":"sk-client-1"}"#).document
        #expect(document["key"] == "dev" && document["outcome"] == "unknown_model" && document["candidates"] == [])
    }

    @Test func pluginsAreListed() async {
        client.backend.state.withLock {
            $0.plugins = [("b", "refused"), ("b", "loaded")].enumerated().map { index, plugin in
                PluginSummary(
                    id: plugin.0, version: "1.0.0", kinds: ["platform"], file: "/p/\(index).so", sha256: "00", abi: "1",
                    toolchain: "gcc", state: plugin.1, sentence: "", formats: ["openai.chat"], operations: ["models"])
            }
        }
        #expect(await client.send("GET", "/api/v1/plugins").document["data"]?.arrayValue?.count == 2)
        #expect(await client.send("GET", "/api/v1/plugins/b").document["state"] == "loaded")
        #expect(await client.send("GET", "/api/v1/plugins/none").status == 404)
    }
}
