internal import PatchbayCore

/// One thread that runs short jobs at a time: deadlines, `pb_clock.after`, cancellation callbacks.
///
/// Jobs must not block.
final class HostTimer: @unchecked Sendable {
    private struct Entry {
        var time: Int64
        var order: UInt64
        var job: @Sendable () -> Void
    }

    private let lock = ConditionLock()
    // Guarded by `lock`. A binary heap by time and order.
    private var heap: [Entry] = []
    private var order: UInt64 = 0
    private var isRunning = false
    private var isStopped = false

    /// Runs `job` soon, on the timer's thread.
    func soon(_ job: @escaping @Sendable () -> Void) {
        schedule(at: 0, job)
    }

    /// Runs `job` at a time of the monotonic clock, in nanoseconds.
    func schedule(at time: Int64, _ job: @escaping @Sendable () -> Void) {
        let needsThread = lock.withLock { () -> Bool in
            order += 1
            push(Entry(time: time, order: order, job: job))
            lock.signal()
            defer { isRunning = true }
            return !isRunning
        }
        if needsThread { HostThread.start(name: "pb-timer") { [self] in run() } }
    }

    /// Runs every job that is still to come at once and ends the thread. Jobs that are scheduled later run soon.
    func stop() {
        lock.withLock {
            isStopped = true
            lock.signal()
        }
    }

    private func run() {
        while let job = takeDue() { job() }
    }

    private func takeDue() -> (@Sendable () -> Void)? {
        lock.withLock {
            while true {
                let now = SystemTime.monotonicNanoseconds()
                if let first = heap.first, first.time <= now { return pop().job }
                if isStopped {
                    if !heap.isEmpty { return pop().job }
                    isRunning = false
                    return nil
                }
                if let first = heap.first { lock.wait(until: first.time) } else { lock.wait() }
            }
        }
    }

    // MARK: - Heap

    private static func isBefore(_ left: Entry, _ right: Entry) -> Bool {
        (left.time, left.order) < (right.time, right.order)
    }

    private func push(_ entry: Entry) {
        heap.append(entry)
        var child = heap.count - 1
        while child > 0, Self.isBefore(heap[child], heap[(child - 1) / 2]) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    private func pop() -> Entry {
        heap.swapAt(0, heap.count - 1)
        let entry = heap.removeLast()
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count {
                if Self.isBefore(heap[child], heap[least]) { least = child }
            }
            if least == parent { return entry }
            heap.swapAt(parent, least)
            parent = least
        }
    }
}
