internal import CPatchbay
internal import PatchbayCore
internal import Synchronization

/// One generation of a plugin: an image that is mapped for ever, and what instances of it share.
final class LoadedPlugin: Sendable {
    let id: String
    let manifest: PluginManifest
    /// The file it was copied from.
    let file: String
    let sha256: String
    /// Counts the images loaded for this id, from 1.
    let generation: Int
    let runtime: HostRuntime
    let module: ModuleTable
    let lane: WorkerPool.Lane
    let statistics = PluginStatistics()
    let logLimit = LogLimit()
    /// Create and destroy run one at a time.
    private let loading = Locked(())

    init(
        manifest: PluginManifest, file: String, sha256: String, generation: Int, module: ModuleTable,
        runtime: HostRuntime
    ) {
        id = manifest.id
        self.manifest = manifest
        self.file = file
        self.sha256 = sha256
        self.generation = generation
        self.module = module
        self.runtime = runtime
        lane = WorkerPool.Lane(name: manifest.id, slots: Self.slots, bound: Self.queueBound)
    }

    /// Calls of one plugin that run at once.
    static let slots = 8
    /// Calls of one plugin that wait for a slot; more are refused.
    static let queueBound = 256

    func withLoading<Result, Failure: Error>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result {
        try loading.withLock { _ throws(Failure) in try body() }
    }
}

/// Counters of one generation.
final class PluginStatistics: Sendable {
    let instances = Atomic<Int>(0)
    let calls = Atomic<Int>(0)
    let failures = Atomic<Int>(0)
    /// Accepted by the plugin and not ended yet, those whose caller has given up included.
    let pending = Atomic<Int>(0)
    let timeouts = Atomic<Int>(0)
    /// Ended after the caller had given up.
    let lateCompletions = Atomic<Int>(0)
    /// Ended more than once.
    let doubleCompletions = Atomic<Int>(0)
    /// Refused because the queue was full.
    let refusedCalls = Atomic<Int>(0)
}
