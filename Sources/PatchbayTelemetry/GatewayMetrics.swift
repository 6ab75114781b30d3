package import PatchbayCore

/// The standard metrics of the gateway. One for the process; a loop works through its ``LoopMetrics``.
package final class GatewayMetrics: Sendable {
    package let registry: MetricRegistry
    let requests: MetricFamily
    let attempts: MetricFamily
    let duration: MetricFamily
    let firstToken: MetricFamily
    let tokens: MetricFamily
    let cost: MetricFamily
    let rejected: MetricFamily
    let connections: MetricFamily
    let streams: MetricFamily
    let limitHits: MetricFamily
    let retries: MetricFamily
    let hedges: MetricFamily
    let continuations: MetricFamily
    let queued: MetricFamily
    let queueWait: MetricFamily

    /// - Parameters:
    ///   - registry: With one shard per loop and one more.
    ///   - version: Of the product.
    package init(registry: MetricRegistry, version: String) {
        self.registry = registry
        let build = registry.gauge(
            "patchbay_build_info", help: "Always 1; the version is a label.", labels: ["version"])
        registry.shard(.max).add(1, to: registry.cell(build, [version]))
        requests = registry.counter(
            "patchbay_requests_total", help: "Finished requests by model, site and outcome.",
            labels: ["model", "site", "outcome"])
        rejected = registry.counter(
            "patchbay_requests_rejected_total", help: "Requests refused before an upstream was chosen, by reason.",
            labels: ["reason"])
        attempts = registry.counter(
            "patchbay_attempts_total",
            help: "Attempts at upstreams by site and fault; the fault of a good one is 'ok'.",
            labels: ["site", "fault"])
        duration = registry.histogram(
            "patchbay_request_duration_seconds", help: "From the request head to the end of the answer.",
            labels: ["site"], bounds: .latency, scale: 1e-9)
        firstToken = registry.histogram(
            "patchbay_time_to_first_token_seconds", help: "From the request head to the first byte of content.",
            labels: ["site"], bounds: .latency, scale: 1e-9)
        tokens = registry.counter(
            "patchbay_tokens_total", help: "Tokens by model, site and kind; cached ones are part of the input.",
            labels: ["model", "site", "kind"])
        cost = registry.counter(
            "patchbay_cost_usd_total", help: "Cost of finished requests in US dollars.", labels: ["model", "site"],
            scale: 1e-12)
        connections = registry.gauge(
            "patchbay_connections_open", help: "Open connections by side: client or upstream.", labels: ["side"])
        streams = registry.gauge("patchbay_streams_open", help: "Streamed answers under way.")
        limitHits = registry.counter(
            "patchbay_limit_hits_total", help: "Limits that requests ran into, by whose limit it is and which.",
            labels: ["scope", "limit"])
        hedges = registry.counter(
            "patchbay_hedged_attempts_total", help: "Attempts beside another one of their request, by site.",
            labels: ["site"])
        continuations = registry.counter(
            "patchbay_continued_streams_total", help: "Cut streams that were continued, by the site that went on.",
            labels: ["site"])
        retries = registry.counter(
            "patchbay_retries_total", help: "Attempts after the first of their request, by site.", labels: ["site"])
        queued = registry.gauge(
            "patchbay_queue_waiting", help: "Requests that wait for a place, by site, account or route.",
            labels: ["gate"])
        queueWait = registry.histogram(
            "patchbay_queue_wait_seconds", help: "How long requests waited for a place.", labels: ["gate"],
            bounds: .latency, scale: 1e-9)
        ProcessMetrics.define(in: registry)
    }

    /// The metrics of a loop; to be used on that loop only.
    package func loop(_ index: Int) -> LoopMetrics { LoopMetrics(self, shard: registry.shard(index)) }
}

/// What one event loop counts. Takes no lock once a series is known to it.
///
/// Label values are bounded: models are names of routes, never what a client sent.
package final class LoopMetrics {
    private let metrics: GatewayMetrics
    private let shard: MetricShard
    private var series: [SeriesKey: RequestSeries] = [:]
    private var sites: [String: SiteSeries] = [:]
    private var rejections: [String: MetricCell] = [:]
    private let clientConnections: MetricCell
    private let upstreamConnections: MetricCell
    private let openStreams: MetricCell
    /// Limits, lines and retries.
    package let limits: LimitMetrics

    private struct SeriesKey: Hashable {
        var model: String
        var site: String
    }

    init(_ metrics: GatewayMetrics, shard: MetricShard) {
        self.metrics = metrics
        self.shard = shard
        clientConnections = metrics.registry.cell(metrics.connections, ["client"])
        upstreamConnections = metrics.registry.cell(metrics.connections, ["upstream"])
        openStreams = metrics.registry.cell(metrics.streams)
        limits = LimitMetrics(metrics, shard: shard)
    }

    /// Counts a finished request.
    ///
    /// - Parameters:
    ///   - series: of the model and the site of the attempt that answered or of the last one.
    ///   - duration: Nanoseconds.
    ///   - firstToken: Nanoseconds; nil = no content was sent.
    package func requestFinished(
        _ series: RequestSeries, outcome: RequestOutcome, usage: TokenUsage, cost: Money, duration: Int64,
        firstToken: Int64?
    ) {
        shard.add(1, to: series.outcomes[Int(outcome.rawValue) - 1])
        if let input = usage.input { shard.add(Int64(clamping: input), to: series.input) }
        if let output = usage.output { shard.add(Int64(clamping: output), to: series.output) }
        if let cached = usage.cached { shard.add(Int64(clamping: cached), to: series.cached) }
        if cost > .zero { shard.add(cost.picodollars, to: series.cost) }
        shard.observe(duration, in: series.site.duration)
        if let firstToken { shard.observe(firstToken, in: series.site.firstToken) }
    }

    /// Counts a request that was refused before an upstream was chosen.
    ///
    /// - Parameter reason: A bounded word, such as an error code.
    package func requestRejected(reason: String) {
        let cell = rejections[reason] ?? metrics.registry.cell(metrics.rejected, [reason])
        rejections[reason] = cell
        shard.add(1, to: cell)
    }

    package func attemptFinished(_ series: RequestSeries, fault: Fault) {
        shard.add(1, to: series.site.attempts[Int(fault.rawValue)])
    }

    /// - Parameter change: +1 when one opens, -1 when it closes.
    package func clientConnections(_ change: Int64) { shard.add(change, to: clientConnections) }
    package func upstreamConnections(_ change: Int64) { shard.add(change, to: upstreamConnections) }
    package func streams(_ change: Int64) { shard.add(change, to: openStreams) }

    /// The cells of a model on a site, to be kept for as long as they are needed often.
    ///
    /// - Parameters:
    ///   - model: `RouteEntry.model`; "unknown" where there was no route.
    ///   - site: empty where no attempt was made.
    package func series(model: String, site: String) -> RequestSeries {
        let key = SeriesKey(model: model, site: site)
        if let known = series[key] { return known }
        let made = RequestSeries(metrics, model: model, site: site, times: siteSeries(site))
        series[key] = made
        return made
    }

    private func siteSeries(_ site: String) -> SiteSeries {
        if let known = sites[site] { return known }
        let made = SiteSeries(metrics, site: site)
        sites[site] = made
        return made
    }
}

/// The cells of a model on a site.
package final class RequestSeries {
    let outcomes: [MetricCell]
    let input: MetricCell
    let output: MetricCell
    let cached: MetricCell
    let cost: MetricCell
    let site: SiteSeries

    init(_ metrics: GatewayMetrics, model: String, site: String, times: SiteSeries) {
        self.site = times
        let registry = metrics.registry
        outcomes = RequestOutcome.allCases.map { registry.cell(metrics.requests, [model, site, $0.name]) }
        input = registry.cell(metrics.tokens, [model, site, "input"])
        output = registry.cell(metrics.tokens, [model, site, "output"])
        cached = registry.cell(metrics.tokens, [model, site, "cached"])
        cost = registry.cell(metrics.cost, [model, site])
    }
}

/// The cells of a site.
final class SiteSeries {
    let attempts: [MetricCell]
    let duration: HistogramCell
    let firstToken: HistogramCell

    init(_ metrics: GatewayMetrics, site: String) {
        let registry = metrics.registry
        attempts = Fault.allCases.map { registry.cell(metrics.attempts, [site, $0.name]) }
        duration = registry.histogramCell(metrics.duration, [site])
        firstToken = registry.histogramCell(metrics.firstToken, [site])
    }
}
