import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// The numbers of one event loop: one atomic integer per cell. Cells are added up when they are read.
///
/// Any thread may add; a loop that adds to its own shard only never contends with another.
// `@unchecked`: the pointer is set once and its pointees are atomics, so no lock is needed.
package final class MetricShard: @unchecked Sendable {
    private let cells: UnsafeMutablePointer<Atomic<Int64>>
    private let capacity: Int

    init(capacity: Int) {
        self.capacity = capacity
        // An atomic integer is as large as its value, and zero is its value in memory that the system clears: a page is
        // only there once something on it was counted.
        guard let memory = calloc(capacity, MemoryLayout<Atomic<Int64>>.stride) else {
            preconditionFailure("there is no memory for metrics")
        }
        cells = memory.bindMemory(to: Atomic<Int64>.self, capacity: capacity)
    }

    deinit {
        free(cells)
    }

    /// Adds to a counter, or moves a gauge by `amount`, which may be below zero for a gauge.
    package func add(_ amount: Int64, to cell: MetricCell) {
        precondition(cell.index < capacity, "a cell belongs to the registry that made it")
        cells[cell.index].wrappingAdd(amount, ordering: .relaxed)
    }

    /// Counts an observation in its bucket and adds it to the sum. In the unit of the bounds.
    package func observe(_ value: Int64, in histogram: HistogramCell) {
        let bucket = histogram.bounds.bounds.firstIndex { value <= $0 } ?? histogram.bounds.bounds.count
        add(1, to: MetricCell(index: histogram.first + bucket))
        add(value, to: MetricCell(index: histogram.first + histogram.bounds.bounds.count + 1))
    }

    func value(of index: Int) -> Int64 { cells[index].load(ordering: .relaxed) }
}

/// Where a series keeps its number in every shard.
package struct MetricCell: Sendable, Hashable {
    let index: Int
}

/// Where a series of a histogram keeps its numbers: the buckets, the one above all bounds, the sum.
package struct HistogramCell: Sendable {
    let first: Int
    let bounds: HistogramBounds
}

/// Upper bounds of the buckets of a histogram, ascending, in the unit that is observed.
package final class HistogramBounds: Sendable {
    package let bounds: [Int64]

    package init(_ bounds: [Int64]) {
        self.bounds = bounds.sorted()
    }

    /// Nanoseconds from a millisecond to five minutes.
    package static let latency = HistogramBounds(
        [1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 300_000].map { $0 * 1_000_000 })

    var cellCount: Int { bounds.count + 2 }
}
