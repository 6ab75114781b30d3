import PatchbayCore
import Synchronization
import Testing

@testable import PatchbayHost

@Suite(.timeLimit(.minutes(5)))
struct HostTimerTests {
    @Test func runsJobsInTheOrderOfTheirTimes() async {
        let timer = HostTimer()
        let (numbers, number) = AsyncStream.makeStream(of: Int.self)
        let now = SystemTime.monotonicNanoseconds()
        for delay in [40, 10, 30, 20, 0] {
            timer.schedule(at: now + Int64(delay) * 1_000_000) { number.yield(delay) }
        }
        var order: [Int] = []
        for await delay in numbers {
            order.append(delay)
            if order.count == 5 { break }
        }
        timer.stop()
        #expect(order == [0, 10, 20, 30, 40])
    }

    @Test func jobsOfATimerThatStopsRunAtOnce() async {
        let timer = HostTimer()
        let (numbers, number) = AsyncStream.makeStream(of: Int.self)
        timer.schedule(at: .max) { number.yield(1) }
        timer.stop()
        var iterator = numbers.makeAsyncIterator()
        #expect(await iterator.next() == 1)
        timer.schedule(at: .max) { number.yield(2) }
        #expect(await iterator.next() == 2)
    }

    @Test func aPoolThatHasBeenStoppedTakesNothing() {
        let pool = WorkerPool()
        let lane = WorkerPool.Lane(name: "x", slots: 1, bound: 1)
        pool.stop()
        #expect(pool.submit(to: lane) {} == .stopped)
    }

    @Test func aLaneRunsNoMoreThanItsSlots() async {
        let pool = WorkerPool()
        defer { pool.stop() }
        let lane = WorkerPool.Lane(name: "x", slots: 2, bound: 100)
        let counters = Shared()
        await withTaskGroup { group in
            for _ in 0..<50 {
                group.addTask {
                    await withCheckedContinuation { continuation in
                        let admission = pool.submit(to: lane) {
                            counters.enter()
                            counters.leave()
                            continuation.resume()
                        }
                        if admission != .accepted { continuation.resume() }
                    }
                }
            }
        }
        #expect((1...2).contains(counters.most))
    }
}

private final class Shared: Sendable {
    private let state = Mutex((running: 0, most: 0))

    init() {}

    var most: Int { state.withLock { $0.most } }

    func enter() {
        state.withLock { state in
            state.running += 1
            state.most = max(state.most, state.running)
        }
    }

    func leave() {
        state.withLock { $0.running -= 1 }
    }
}
