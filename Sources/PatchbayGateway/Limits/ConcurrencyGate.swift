import PatchbayCore
import Synchronization

/// A number of places that attempts share over all loops, and the line of those who wait for one.
///
/// Entering and leaving an uncrowded gate is one atomic exchange. The lock is taken only by those who have to wait and
/// by those who leave while others wait, because the line is first in, first out over all loops.
final class ConcurrencyGate: Sendable {
    let name: String
    /// Taken places in the lower half, waiting requests in the upper. The upper half changes under the lock only.
    private let state = Atomic<UInt64>(0)
    private let limit: Atomic<Int>
    private let line = Mutex<[Ticket]>([])

    /// Somebody in the line. `grant` is called once at most, on any thread, when a place has been taken for it.
    final class Ticket: Sendable {
        let grant: @Sendable () -> Void

        init(grant: @escaping @Sendable () -> Void) {
            self.grant = grant
        }
    }

    /// - Parameter limit: Places; nil = as many as are wanted.
    init(name: String, limit: Int?) {
        self.name = name
        self.limit = Atomic(limit ?? .max)
    }

    private static let oneWaiting: UInt64 = 1 << 32
    private static func taken(_ state: UInt64) -> Int { Int(state & 0xFFFF_FFFF) }
    private static func waiting(_ state: UInt64) -> Int { Int(state >> 32) }

    /// Places taken now.
    var taken: Int { ConcurrencyGate.taken(state.load(ordering: .relaxed)) }
    var waiting: Int { ConcurrencyGate.waiting(state.load(ordering: .relaxed)) }
    /// Nil = no limit.
    var places: Int? {
        let limit = limit.load(ordering: .relaxed)
        return limit == .max ? nil : limit
    }

    /// Takes a place if one is free and nobody waits for it.
    func enter() -> Bool {
        let limit = limit.load(ordering: .relaxed)
        var seen = state.load(ordering: .relaxed)
        while ConcurrencyGate.waiting(seen) == 0, ConcurrencyGate.taken(seen) < limit {
            let (isTaken, current) = state.weakCompareExchange(
                expected: seen, desired: seen + 1, ordering: .acquiringAndReleasing)
            if isTaken { return true }
            seen = current
        }
        return false
    }

    enum Admission {
        /// A place was free after all.
        case entered
        case waiting
        /// So many wait already.
        case full
    }

    /// Takes a place or joins the end of the line.
    ///
    /// - Parameter length: The longest line.
    func join(_ ticket: Ticket, length: Int) -> Admission {
        line.withLock { line in
            let limit = limit.load(ordering: .relaxed)
            var seen = state.load(ordering: .relaxed)
            while true {
                let mayEnter = line.isEmpty && ConcurrencyGate.taken(seen) < limit
                guard mayEnter || line.count < length else { return .full }
                let (isDone, current) = state.weakCompareExchange(
                    expected: seen, desired: mayEnter ? seen + 1 : seen + ConcurrencyGate.oneWaiting,
                    ordering: .acquiringAndReleasing)
                guard isDone else {
                    seen = current
                    continue
                }
                if mayEnter { return .entered }
                line.append(ticket)
                return .waiting
            }
        }
    }

    /// Leaves the line. False if a place has been taken for the ticket meanwhile: it has to be given back.
    func forget(_ ticket: Ticket) -> Bool {
        line.withLock { line in
            guard let index = line.firstIndex(where: { $0 === ticket }) else { return false }
            line.remove(at: index)
            state.wrappingSubtract(ConcurrencyGate.oneWaiting, ordering: .acquiringAndReleasing)
            return true
        }
    }

    /// Gives a place back, to the first in the line if there is one.
    func leave() {
        var seen = state.load(ordering: .relaxed)
        while ConcurrencyGate.waiting(seen) == 0 {
            let (isDone, current) = state.weakCompareExchange(
                expected: seen, desired: seen - 1, ordering: .acquiringAndReleasing)
            if isDone { return }
            seen = current
        }
        handOver()
    }

    /// Gives a place back while somebody waits, or did a moment ago.
    private func handOver() {
        let next: Ticket? = line.withLock { line in
            state.wrappingSubtract(1, ordering: .acquiringAndReleasing)
            return takeFirst(&line)
        }
        next?.grant()
    }

    /// Changes the number of places; those who fit now come in.
    func setLimit(_ places: Int?) {
        limit.store(places ?? .max, ordering: .relaxed)
        while let next = line.withLock({ takeFirst(&$0) }) { next.grant() }
    }

    /// Takes a place for the first in the line, if there are both. Nobody else enters while the line is not empty.
    private func takeFirst(_ line: inout [Ticket]) -> Ticket? {
        guard let first = line.first,
            ConcurrencyGate.taken(state.load(ordering: .relaxed)) < limit.load(ordering: .relaxed)
        else { return nil }
        line.removeFirst()
        // One more taken, one fewer waiting.
        state.wrappingAdd(1 &- ConcurrencyGate.oneWaiting, ordering: .acquiringAndReleasing)
        return first
    }
}
