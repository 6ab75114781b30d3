import Synchronization

/// Whether the gateway can serve: it has a configuration and is not about to end. Read by every loop.
final class Readiness: Sendable {
    enum Stage: UInt8 {
        case starting = 0
        case ready = 1
        case draining = 2
    }

    private let stage = Atomic<UInt8>(Stage.starting.rawValue)
    private let degraded = Atomic<Bool>(false)

    var isReady: Bool { stage.load(ordering: .relaxed) == Stage.ready.rawValue }
    var isDraining: Bool { stage.load(ordering: .relaxed) == Stage.draining.rawValue }
    var isDegraded: Bool { degraded.load(ordering: .relaxed) }

    /// Stages only follow each other: a configuration that comes late does not make a gateway ready that is ending.
    func become(_ next: Stage) {
        _ = stage.max(next.rawValue, ordering: .relaxed)
    }

    func setDegraded(_ isDegraded: Bool) { degraded.store(isDegraded, ordering: .relaxed) }
}
