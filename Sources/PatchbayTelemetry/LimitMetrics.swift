/// What one event loop counts about limits, lines and retries. Takes no lock once a series is known to it.
///
/// Label values are bounded: words of the program, and names of sites, accounts and routes.
package final class LimitMetrics {
    private let metrics: GatewayMetrics
    private let shard: MetricShard
    private var cells: [SeriesKey: MetricCell] = [:]
    private var waits: [String: HistogramCell] = [:]

    private struct SeriesKey: Hashable {
        var family: MetricFamily
        var first: String
        var second: String
    }

    init(_ metrics: GatewayMetrics, shard: MetricShard) {
        self.metrics = metrics
        self.shard = shard
    }

    /// Counts a limit that was reached.
    ///
    /// - Parameters:
    ///   - scope: Whose limit: `key`, `group`, `address` or `queue`.
    ///   - limit: Which one.
    package func hit(scope: String, limit: String) {
        shard.add(1, to: cell(metrics.limitHits, scope, limit))
    }

    /// Counts an attempt after the first of its request.
    package func retried(site: String) {
        shard.add(1, to: cell(metrics.retries, site))
    }

    /// Counts an attempt that was made beside another one of its request.
    package func hedged(site: String) {
        shard.add(1, to: cell(metrics.hedges, site))
    }

    /// Counts an answer that goes on where another one broke off.
    package func continued(site: String) {
        shard.add(1, to: cell(metrics.continuations, site))
    }

    /// - Parameter change: +1 when a request begins to wait at a gate, -1 when it stops.
    package func queued(_ gate: String, _ change: Int64) {
        shard.add(change, to: cell(metrics.queued, gate))
    }

    /// - Parameter nanoseconds: How long a request stood in line.
    package func waited(_ gate: String, nanoseconds: Int64) {
        let cell = waits[gate] ?? metrics.registry.histogramCell(metrics.queueWait, [gate])
        waits[gate] = cell
        shard.observe(nanoseconds, in: cell)
    }

    private func cell(_ family: MetricFamily, _ first: String, _ second: String? = nil) -> MetricCell {
        let key = SeriesKey(family: family, first: first, second: second ?? "")
        if let known = cells[key] { return known }
        let made = metrics.registry.cell(family, second.map { [first, $0] } ?? [first])
        cells[key] = made
        return made
    }
}
