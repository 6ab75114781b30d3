internal import CPatchbay
internal import Logging
internal import PatchbayCore
internal import Synchronization

/// What all plugins of a registry share: threads, timers, services.
final class HostRuntime: Sendable {
    let services: HostServices
    let logger: Logger
    /// Runs plugins' operations. All its threads may be stuck in plugins.
    let pool = WorkerPool()
    /// Runs what must go on even then.
    let servicePool = WorkerPool(maximumThreads: 10)
    let timer = HostTimer()
    let graveyard = CallGraveyard()
    let http: HTTPDriver
    // Written before the object is shared; plugins only read it, and their hosts keep this object alive.
    nonisolated(unsafe) private let logMemory: UnsafeMutablePointer<pb_log>
    let version: StableBytes
    /// Answers of `pb_http.send`. Unbounded, because every answer must be delivered.
    let answers = WorkerPool.Lane(name: "answers", slots: 8, bound: .max)
    /// Destroys instances, one at a time.
    let lifecycle = WorkerPool.Lane(name: "lifecycle", slots: 1, bound: .max)
    private let callIDs = Atomic<UInt64>(0)
    private let stopping = Atomic<Bool>(false)

    init(services: HostServices, logger: Logger) {
        self.services = services
        self.logger = logger
        logMemory = UnsafeMutablePointer<pb_log>.allocate(capacity: 1)
        logMemory.initialize(to: LogService.table(minimum: logger.logLevel))
        version = StableBytes(services.version)
        http = HTTPDriver(settings: services.http, egress: services.egress, version: services.version)
    }

    deinit {
        logMemory.deallocate()
    }

    var logTable: UnsafePointer<pb_log> { UnsafePointer(logMemory) }

    func nextCallID() -> UInt64 {
        callIDs.add(1, ordering: .relaxed).newValue
    }

    var isStopping: Bool { stopping.load(ordering: .relaxed) }

    /// Answers all callers and lets the threads end as soon as the plugins let them.
    func stop() {
        stopping.store(true, ordering: .relaxed)
        http.stop()
        timer.stop()
        pool.stop()
        servicePool.stop()
    }
}
