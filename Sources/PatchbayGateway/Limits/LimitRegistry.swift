import PatchbayCore
import Synchronization

/// What has been used of every limit, by name, while configurations come and go. One for the process; asked when a
/// snapshot is built, never for a request.
package final class LimitRegistry: Sendable {
    private struct State {
        var cells: [String: LimitCell] = [:]
        var gates: [String: ConcurrencyGate] = [:]
    }

    private let state = Mutex(State())

    package init() {}

    /// The limits of a key or group; nil if it has none.
    ///
    /// - Parameter now: Monotonic nanoseconds.
    func scope(
        _ kind: LimitScope.Kind, _ name: String, _ limits: KeyLimits, now: Int64 = SystemTime.monotonicNanoseconds()
    ) -> LimitScope? {
        guard !limits.isEmpty else { return nil }
        let cell = state.withLock { state in
            let id = "\(kind.rawValue):\(name)"
            let cell = state.cells[id] ?? LimitCell()
            state.cells[id] = cell
            return cell
        }
        cell.adopt(limits, now: now)
        return LimitScope(kind: kind, name: name, limits: limits, cell: cell)
    }

    /// The gate of a site, account or route; nil where there is no limit. A gate that loses its limit lets everybody
    /// in who waits there.
    func gate(_ kind: String, _ name: String, places: Int?) -> ConcurrencyGate? {
        let id = "\(kind):\(name)"
        let known = state.withLock { state in
            if let known = state.gates[id] { return known as ConcurrencyGate? }
            guard let places else { return nil }
            let made = ConcurrencyGate(name: name, limit: places)
            state.gates[id] = made
            return made
        }
        guard let known else { return nil }
        known.setLimit(places)
        return places == nil ? nil : known
    }

    func knownGate(_ kind: String, _ name: String) -> ConcurrencyGate? {
        state.withLock { $0.gates["\(kind):\(name)"] }
    }

    /// Forgets what no configuration names any more, unless somebody is there or waits.
    func keep(keys: Set<String>, groups: Set<String>) {
        state.withLock { state in
            state.cells = state.cells.filter { id, cell in
                let name = String(id.drop { $0 != ":" }.dropFirst())
                return (id.hasPrefix("key:") ? keys : groups).contains(name)
                    || cell.inFlight.load(ordering: .relaxed) > 0
            }
            state.gates = state.gates.filter { $0.value.places != nil || $0.value.taken > 0 }
        }
    }
}
