import PatchbayCore
import Testing

@testable import PatchbayTelemetry

@Suite struct MetricRegistryTests {
    @Test func cellsOfAllShardsAreAddedUp() {
        let registry = MetricRegistry(shards: 3)
        let family = registry.counter("c_total", help: "Counts.", labels: ["site"])
        let cell = registry.cell(family, ["alpha"])
        for index in 0..<3 { registry.shard(index).add(Int64(index + 1), to: cell) }
        #expect(registry.text().contains("# HELP c_total Counts.\n# TYPE c_total counter\nc_total{site=\"alpha\"} 6\n"))
    }

    @Test func sameLabelsAreTheSameSeries() {
        let registry = MetricRegistry(shards: 1)
        let family = registry.counter("c_total", help: "", labels: ["a", "b"])
        #expect(registry.cell(family, ["1", "2"]) == registry.cell(family, ["1", "2"]))
        #expect(registry.cell(family, ["1", "2"]) != registry.cell(family, ["2", "1"]))
    }

    @Test func gaugeGoesUpAndDown() {
        let registry = MetricRegistry(shards: 2)
        let cell = registry.cell(registry.gauge("g", help: ""))
        registry.shard(0).add(5, to: cell)
        registry.shard(1).add(-2, to: cell)
        #expect(registry.text().contains("# TYPE g gauge\ng 3\n"))
    }

    @Test func histogramBucketsAreCumulativeAndScaled() {
        let registry = MetricRegistry(shards: 2)
        let family = registry.histogram(
            "h_seconds", help: "", labels: ["site"], bounds: HistogramBounds([1_000_000, 500_000_000]), scale: 1e-9)
        let cell = registry.histogramCell(family, ["s"])
        for (shard, value) in [(0, Int64(1_000_000)), (1, 2_000_000), (0, 3_000_000_000)] {
            registry.shard(shard).observe(value, in: cell)
        }
        #expect(
            registry.text().contains(
                """
                # TYPE h_seconds histogram
                h_seconds_bucket{site="s",le="0.001"} 1
                h_seconds_bucket{site="s",le="0.5"} 2
                h_seconds_bucket{site="s",le="+Inf"} 3
                h_seconds_sum{site="s"} 3.003
                h_seconds_count{site="s"} 3
                """))
    }

    @Test func labelsAndHelpAreEscaped() {
        let registry = MetricRegistry(shards: 1)
        let family = registry.counter("c_total", help: "a\\b\nc \"d\"", labels: ["l"])
        registry.shard(0).add(1, to: registry.cell(family, ["x\"y\\z\nw"]))
        let text = registry.text()
        #expect(text.contains("# HELP c_total a\\\\b\\nc \"d\"\n"))
        #expect(text.contains("c_total{l=\"x\\\"y\\\\z\\nw\"} 1\n"))
    }

    @Test func seriesBeyondTheCapacityShareOne() {
        let registry = MetricRegistry(shards: 1, capacity: 4)
        let family = registry.counter("c_total", help: "", labels: ["l"])
        for index in 0..<100 { registry.shard(0).add(1, to: registry.cell(family, ["\(index)"])) }
        let text = registry.text()
        #expect(text.contains("c_total{l=\"0\"} 1\n") && text.contains("c_total{l=\"2\"} 1\n"))
        #expect(text.contains("c_total{l=\"other\"} 97\n") && !text.contains("c_total{l=\"3\"}"))
        #expect(text.contains("patchbay_metric_series_refused_total 97\n"))
    }

    @Test func addingFromSeveralThreadsLosesNothing() async {
        let registry = MetricRegistry(shards: 1)
        let cell = registry.cell(registry.counter("c_total", help: ""))
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<4 { group.addTask { for _ in 0..<10_000 { registry.shard(0).add(1, to: cell) } } }
        }
        #expect(registry.text().contains("c_total 40000\n"))
    }

    @Test func valueIsAskedForWhenTheTextIsMade() {
        let registry = MetricRegistry(shards: 1)
        registry.value("v", help: "") { 1.5 }
        #expect(registry.text().contains("v 1.5\n"))
    }

    @Test(arguments: [
        (0.0, "0"), (3, "3"), (-1, "-1"), (0.25, "0.25"), (.infinity, "+Inf"), (-.infinity, "-Inf"), (.nan, "NaN"),
    ])
    func numbers(value: Double, text: String) {
        #expect(PrometheusText.number(value) == text)
    }
}

@Suite struct GatewayMetricsTests {
    @Test func finishedRequestIsCountedInEveryFamily() {
        let metrics = GatewayMetrics(registry: MetricRegistry(shards: 3), version: "1.2.3")
        for index in 0..<2 {
            let loop = metrics.loop(index)
            loop.requestFinished(
                loop.series(model: "m", site: "alpha"), outcome: .completed,
                usage: TokenUsage(input: 10, output: 4, cached: 3),
                cost: Money(dollars: 0.5), duration: 2_000_000, firstToken: 1_000_000)
        }
        let text = metrics.registry.text()
        for line in [
            "patchbay_build_info{version=\"1.2.3\"} 1",
            "patchbay_requests_total{model=\"m\",site=\"alpha\",outcome=\"completed\"} 2",
            "patchbay_requests_total{model=\"m\",site=\"alpha\",outcome=\"failed\"} 0",
            "patchbay_tokens_total{model=\"m\",site=\"alpha\",kind=\"input\"} 20",
            "patchbay_tokens_total{model=\"m\",site=\"alpha\",kind=\"output\"} 8",
            "patchbay_tokens_total{model=\"m\",site=\"alpha\",kind=\"cached\"} 6",
            "patchbay_cost_usd_total{model=\"m\",site=\"alpha\"} 1",
            "patchbay_request_duration_seconds_bucket{site=\"alpha\",le=\"0.001\"} 0",
            "patchbay_request_duration_seconds_bucket{site=\"alpha\",le=\"0.002\"} 2",
            "patchbay_time_to_first_token_seconds_count{site=\"alpha\"} 2",
        ] {
            #expect(text.contains(line + "\n"), "\(line)")
        }
    }

    @Test func attemptsRejectionsConnectionsAndStreamsAreCounted() {
        let metrics = GatewayMetrics(registry: MetricRegistry(shards: 2), version: "1")
        let loop = metrics.loop(0)
        loop.attemptFinished(loop.series(model: "m", site: "alpha"), fault: .rate)
        loop.attemptFinished(loop.series(model: "m", site: "alpha"), fault: .none)
        loop.requestRejected(reason: "unknown_key")
        loop.clientConnections(1)
        loop.upstreamConnections(1)
        loop.upstreamConnections(-1)
        loop.streams(1)
        let text = metrics.registry.text()
        for line in [
            "patchbay_attempts_total{site=\"alpha\",fault=\"rate\"} 1",
            "patchbay_attempts_total{site=\"alpha\",fault=\"ok\"} 1",
            "patchbay_requests_rejected_total{reason=\"unknown_key\"} 1",
            "patchbay_connections_open{side=\"client\"} 1",
            "patchbay_connections_open{side=\"upstream\"} 0", "patchbay_streams_open 1",
        ] {
            #expect(text.contains(line + "\n"), "\(line)")
        }
    }

    @Test func processIsDescribed() throws {
        let text = GatewayMetrics(registry: MetricRegistry(shards: 1), version: "1").registry.text()
        for name in [
            "process_start_time_seconds", "process_cpu_seconds_total", "process_resident_memory_bytes",
            "process_open_fds",
        ] {
            let line = try #require(text.split(separator: "\n").first { $0.hasPrefix(name + " ") })
            #expect(try #require(Double(line.dropFirst(name.count + 1))) > 0)
        }
    }

    @Test func everyLineIsACommentOrASample() {
        let text = GatewayMetrics(registry: MetricRegistry(shards: 1), version: "1").registry.text()
        #expect(text.hasSuffix("\n"))
        for line in text.split(separator: "\n") where !line.hasPrefix("# HELP ") && !line.hasPrefix("# TYPE ") {
            #expect(
                line.wholeMatch(of: /[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? -?[0-9.e+-]+/) != nil, "\(line)")
        }
    }
}
