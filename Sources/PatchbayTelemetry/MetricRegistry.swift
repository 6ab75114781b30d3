import Synchronization

/// All metrics of the process, and their text for Prometheus.
///
/// A family is a name with fixed label names; a series is a family with label values. Series are found under a lock,
/// so a loop looks one up once and keeps its cell; adding to a cell takes no lock. The number of cells is fixed: when
/// they are used up, further series of a family share one whose label values are all `other`.
package final class MetricRegistry: Sendable {
    private struct Family {
        var name: String
        var help: String
        var kind: MetricKind
        var labels: [String]
        /// What a stored unit is worth in the unit of the name.
        var scale: Double
        var bounds: HistogramBounds?
        /// First cell of each series by label values.
        var series: [[String]: Int] = [:]
        var overflow: Int
        var read: (@Sendable () -> Double)?
    }

    private struct State {
        var families: [Family] = []
        var used = 0
        var refused = 0
    }

    private let state = Mutex(State())
    private let shards: [MetricShard]
    private let capacity: Int

    /// - Parameters:
    ///   - shards: One per event loop, and one more for everybody else.
    ///   - capacity: Cells per shard; eight bytes each.
    package init(shards: Int, capacity: Int = 32_768) {
        self.capacity = capacity
        self.shards = (0..<max(1, shards)).map { _ in MetricShard(capacity: capacity) }
    }

    /// The shard of a loop. Every index is valid; too large ones share the last shard.
    package func shard(_ index: Int) -> MetricShard { shards[min(max(0, index), shards.count - 1)] }

    // MARK: - Families

    /// - Parameter scale: What one stored unit is worth in the unit of the name.
    package func counter(_ name: String, help: String, labels: [String] = [], scale: Double = 1) -> MetricFamily {
        add(name, help: help, kind: .counter, labels: labels, scale: scale, bounds: nil, read: nil)
    }

    package func gauge(_ name: String, help: String, labels: [String] = []) -> MetricFamily {
        add(name, help: help, kind: .gauge, labels: labels, scale: 1, bounds: nil, read: nil)
    }

    /// A gauge or counter without labels whose value is asked for whenever the text is made.
    package func value(
        _ name: String, help: String, kind: MetricKind = .gauge, read: @escaping @Sendable () -> Double
    ) {
        _ = add(name, help: help, kind: kind, labels: [], scale: 1, bounds: nil, read: read)
    }

    package func histogram(
        _ name: String, help: String, labels: [String] = [], bounds: HistogramBounds, scale: Double = 1
    ) -> MetricFamily {
        add(name, help: help, kind: .histogram, labels: labels, scale: scale, bounds: bounds, read: nil)
    }

    private func add(
        _ name: String, help: String, kind: MetricKind, labels: [String], scale: Double, bounds: HistogramBounds?,
        read: (@Sendable () -> Double)?
    ) -> MetricFamily {
        state.withLock { state in
            precondition(!state.families.contains { $0.name == name }, "the metric \(name) is defined twice")
            let width = read == nil ? bounds?.cellCount ?? 1 : 0
            precondition(state.used + width <= capacity, "the registry is too small for its families")
            let family = Family(
                name: name, help: help, kind: kind, labels: labels, scale: scale, bounds: bounds, overflow: state.used,
                read: read)
            state.used += width
            state.families.append(family)
            return MetricFamily(index: state.families.count - 1)
        }
    }

    // MARK: - Series

    /// The cell of a counter or gauge; made at its first use. As many values as the family has label names.
    package func cell(_ family: MetricFamily, _ values: [String] = []) -> MetricCell {
        MetricCell(index: first(family, values).index)
    }

    package func histogramCell(_ family: MetricFamily, _ values: [String] = []) -> HistogramCell {
        let found = first(family, values)
        guard let bounds = found.bounds else { preconditionFailure("the family is a histogram") }
        return HistogramCell(first: found.index, bounds: bounds)
    }

    private func first(_ family: MetricFamily, _ values: [String]) -> (index: Int, bounds: HistogramBounds?) {
        state.withLock { state in
            let entry = state.families[family.index]
            precondition(entry.labels.count == values.count, "the metric \(entry.name) has other labels")
            if let known = entry.series[values] { return (known, entry.bounds) }
            let width = entry.bounds?.cellCount ?? 1
            guard !values.isEmpty, state.used + width <= capacity else {
                state.refused += values.isEmpty ? 0 : 1
                let shared = values.isEmpty ? values : values.map { _ in "other" }
                state.families[family.index].series[shared] = entry.overflow
                return (entry.overflow, entry.bounds)
            }
            let index = state.used
            state.used += width
            state.families[family.index].series[values] = index
            return (index, entry.bounds)
        }
    }

    // MARK: - Text

    /// Everything in the text exposition format 0.0.4 of Prometheus, in the order of definition, series sorted.
    package func text() -> String {
        let snapshot = state.withLock { $0 }
        var text = PrometheusText()
        for family in snapshot.families {
            text.header(family.name, help: family.help, kind: family.kind)
            if let read = family.read { text.sample(family.name, [], read()) }
            for (values, first) in family.series.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
                let labels = Array(zip(family.labels, values))
                guard let bounds = family.bounds else {
                    text.sample(family.name, labels, Double(sum(first)) * family.scale)
                    continue
                }
                let buckets = (0...bounds.bounds.count).map { sum(first + $0) }
                text.histogram(
                    family.name, labels, bounds: bounds.bounds.map { Double($0) * family.scale }, buckets: buckets,
                    sum: Double(sum(first + bounds.bounds.count + 1)) * family.scale)
            }
        }
        text.header(
            "patchbay_metric_series_refused_total", help: "Series merged into 'other' for lack of room.", kind: .counter
        )
        text.sample("patchbay_metric_series_refused_total", [], Double(snapshot.refused))
        return text.text
    }

    private func sum(_ index: Int) -> Int64 { shards.reduce(0) { $0 &+ $1.value(of: index) } }
}

package enum MetricKind: String, Sendable {
    case counter
    case gauge
    case histogram
}

/// A defined metric.
package struct MetricFamily: Sendable, Hashable {
    let index: Int
}
