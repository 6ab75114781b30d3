package import Logging
import NIOCore
import NIOPosix
package import PatchbayCore
package import PatchbayRouting
package import PatchbayStore
package import PatchbayTelemetry
package import PatchbayUpstream
import Synchronization

/// The data plane: the listener for clients and the event loops behind it.
///
/// A connection lives and dies on one loop, with upstream connections from that loop's own pool. Loops share nothing
/// but the configuration snapshot, of which each holds its own reference.
package final class Gateway: Sendable {
    let group: MultiThreadedEventLoopGroup
    let loops: [NIOLoopBound<LoopContext>]
    let counters: [LoopCounters]
    let logger: Logger
    let readiness: Readiness
    let listener: GatewayListener
    let responses: ResponseStore?
    let files: FileStore?
    /// What has been used of limits; for building snapshots.
    package let limits = LimitRegistry()

    /// What loops share besides the snapshot. None of it is touched for a request.
    struct Shared: Sendable {
        let addresses = AddressTable()
        /// Nil if the gateway keeps no responses.
        let responses: ResponseStore?
        /// Nil if the gateway keeps no files.
        let files: FileStore?
        /// What compactions are sealed with; nil = there are none.
        let sealing: SealingKey?
        let runs = BackgroundRuns()
        let loopCount: Int
    }

    /// What the gateway needs from the rest of the process.
    package struct Services: Sendable {
        package var egress: EgressPolicy
        package var tls: UpstreamTLS
        package var ledgerDirectory: String
        package var metrics: GatewayMetrics
        /// For what clients keep on behalf of the gateway; nil = they keep nothing.
        package var sealing: SealingKey?
        /// nil = from the system.
        package var seed: UInt64?

        package init(
            egress: EgressPolicy, tls: UpstreamTLS, ledgerDirectory: String, metrics: GatewayMetrics,
            sealing: SealingKey? = nil, seed: UInt64? = nil
        ) {
            self.sealing = sealing
            self.egress = egress
            self.tls = tls
            self.ledgerDirectory = ledgerDirectory
            self.metrics = metrics
            self.seed = seed
        }
    }

    /// Makes the loops. Fails when the ledger cannot be written.
    package init(configuration: GatewayConfiguration, services: Services, logger: Logger) throws {
        self.logger = logger
        listener = GatewayListener(connectionLimit: configuration.limits.connections)
        let count = configuration.eventLoops ?? System.coreCount
        group = MultiThreadedEventLoopGroup(numberOfThreads: count)
        let readiness = Readiness()
        self.readiness = readiness
        var loops: [NIOLoopBound<LoopContext>] = []
        var counters: [LoopCounters] = []
        let responses = Self.openResponses(configuration.responses, services.ledgerDirectory, logger)
        self.responses = responses
        let files = Self.openFiles(configuration.files, services.ledgerDirectory, logger)
        self.files = files
        let shared = Shared(
            responses: responses, files: files, sealing: services.sealing, loopCount: count)
        for (index, eventLoop) in zip(0..<count, group.makeIterator()) {
            let cell = LoopCounters()
            counters.append(cell)
            loops.append(
                try eventLoop.submit {
                    let context = try LoopContext(
                        eventLoop: eventLoop, index: index, configuration: configuration, services: services,
                        shared: shared, counters: cell, readiness: readiness, logger: logger)
                    let bound = NIOLoopBound(context, eventLoop: eventLoop)
                    eventLoop.scheduleRepeatedTask(initialDelay: .milliseconds(250), delay: .milliseconds(250)) { _ in
                        bound.value.tick()
                    }
                    return bound
                }.wait())
        }
        self.loops = loops
        self.counters = counters
        if let files { sweep(files) }
    }

    /// The data plane goes on without the store if it cannot be opened; requests that need it are told.
    private static func openResponses(
        _ settings: ResponseStoreSettings, _ directory: String, _ logger: Logger
    ) -> ResponseStore? {
        guard settings.isOn else { return nil }
        do throws(StoreError) {
            return try ResponseStore(directory: directory, settings: settings)
        } catch {
            logger.error("responses cannot be kept", metadata: ["reason": "\(error.sentence)"])
            return nil
        }
    }

    /// Replaces the configuration. Requests in progress finish with the one they started with.
    ///
    /// - Parameter settings: What else changes with it; nil = nothing.
    package func publish(_ snapshot: GatewaySnapshot, settings: LiveSettings? = nil) async {
        if let settings { listener.setConnectionLimit(settings.gateway.limits.connections) }
        for loop in loops {
            try? await loop.eventLoop.submit { loop.value.publish(snapshot, settings: settings) }.get()
        }
        readiness.become(.ready)
    }

    /// The wire formats of `table` that a request in `format` can be sent in; nil for a format that nobody knows here.
    package func sendableFormats(for format: WireFormat, in table: RoutingTable) async -> FormatSet? {
        guard let loop = loops.first else { return nil }
        return try? await loop.eventLoop.submit { loop.value.snapshot.binding(format)?.formats(of: table) }.get()
    }

    /// What can change beside the snapshot while the gateway runs.
    package struct LiveSettings: Sendable {
        /// Of which the limits and time-outs are used.
        package var gateway: GatewayConfiguration
        package var egress: EgressPolicy

        package init(gateway: GatewayConfiguration, egress: EgressPolicy) {
            self.gateway = gateway
            self.egress = egress
        }
    }

    /// The health that each loop has seen, merged.
    package func health() async -> HealthSnapshot {
        var merged = HealthSnapshot()
        for loop in loops {
            let part = try? await loop.eventLoop.submit { loop.value.health.snapshot() }.get()
            if let part { merged = merged.merging(part) }
        }
        return merged
    }

    /// The ledger records of all loops that wait in memory or are lost.
    package var ledgerStatistics: (queued: Int, lost: UInt64) {
        counters.reduce((0, 0)) { sum, cell in
            (
                sum.0 + cell.ledgerQueued.load(ordering: .relaxed), sum.1 + cell.ledgerLost.load(ordering: .relaxed)
            )
        }
    }

    /// What tells whether anything is going on: it differs while requests come, and `busy` counts those in progress.
    package var activity: (records: UInt64, busy: Int) {
        counters.reduce((0, 0)) { sum, cell in
            (sum.0 &+ cell.ledgerRecords.load(ordering: .relaxed), sum.1 + cell.busy.load(ordering: .relaxed))
        }
    }

    package var isReady: Bool { readiness.isReady }

    /// Whether the gateway has been asked to end.
    package var isDraining: Bool { readiness.isDraining }

    /// Whether something behind the gateway does not work although requests can be served.
    package func setDegraded(_ isDegraded: Bool) { readiness.setDegraded(isDegraded) }
}
