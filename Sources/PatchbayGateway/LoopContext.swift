import Logging
import NIOCore
import NIOPosix
import PatchbayCore
import PatchbayHost
import PatchbayRouting
import PatchbayStore
import PatchbayTelemetry
import PatchbayUpstream
import Synchronization

/// What all connections of one event loop share. Used on that loop only; nothing in it is locked.
final class LoopContext {
    let eventLoop: any EventLoop
    let limits: GatewayLimits
    let timeouts: GatewayTimeouts
    let pool: UpstreamPool
    let ledger: LedgerWriter
    let logger: Logger
    let counters: LoopCounters
    var snapshot: GatewaySnapshot
    let health: HealthTable
    var random: SeededRandom
    /// Reused by every attempt of the loop.
    let draft = RequestDraft()
    var fieldScanner = RequestFields.scanner
    var taskScanner = RequestFields.taskScanner
    private var ids = RequestIDGenerator()
    private var connections: [ClientConnection] = []
    private(set) var isDraining = false

    let metrics: LoopMetrics
    private let readiness: Readiness

    init(
        eventLoop: any EventLoop, index: Int, configuration: GatewayConfiguration, services: Gateway.Services,
        counters: LoopCounters, readiness: Readiness, logger: Logger
    ) throws {
        self.eventLoop = eventLoop
        limits = configuration.limits
        timeouts = configuration.timeouts
        let resolver = UpstreamResolver(
            eventLoop: eventLoop, threadPool: .singleton, policy: services.egress)
        pool = UpstreamPool(eventLoop: eventLoop, resolver: resolver, tls: services.tls)
        ledger = try LedgerWriter(directory: services.ledgerDirectory, loop: index, logger: logger)
        snapshot = .empty
        health = HealthTable(table: snapshot.table)
        random = SeededRandom(seed: services.seed.map { $0 &+ UInt64(index) } ?? .random(in: 0 ... .max))
        metrics = services.metrics.loop(index)
        self.counters = counters
        self.readiness = readiness
        self.logger = logger
    }

    var isReady: Bool { readiness.isReady }

    /// Nanoseconds of the monotonic clock.
    var now: Int64 { SystemTime.monotonicNanoseconds() }

    func makeRequestID() -> String {
        ids.next(time: SystemTime.unixMilliseconds())
    }

    func publish(_ snapshot: GatewaySnapshot) {
        health.adopt(snapshot.table)
        self.snapshot = snapshot
    }

    // MARK: - Connections

    func add(_ connection: ClientConnection) {
        connection.listIndex = connections.count
        connections.append(connection)
        counters.connections.add(1, ordering: .relaxed)
        metrics.clientConnections(1)
    }

    func remove(_ connection: ClientConnection) {
        let index = connection.listIndex
        guard index >= 0 else { return }
        connection.listIndex = -1
        counters.connections.subtract(1, ordering: .relaxed)
        metrics.clientConnections(-1)
        let last = connections.removeLast()
        if last !== connection {
            connections[index] = last
            last.listIndex = index
        }
    }

    var connectionCount: Int { connections.count }

    /// Enforces deadlines. Called every quarter of a second.
    func tick() {
        let now = now
        pool.tick(now: now)
        ledger.tick()
        // A connection that is closed while the loop runs moves the last one into its place, so go from the end.
        var index = connections.count - 1
        while index >= 0 {
            if index < connections.count { connections[index].tick(now: now) }
            index -= 1
        }
    }

    /// Idle connections close at once, the others after their answer.
    func drain() {
        isDraining = true
        for connection in connections { connection.drain() }
    }

    /// Closes every connection at once and the ledger after them.
    func close() {
        for connection in connections { connection.context?.close(promise: nil) }
        pool.shutdown()
        ledger.close()
    }

    func refused(_ error: GatewayError) {
        metrics.requestRejected(reason: error.code.rawValue)
    }
}

/// Counters of one loop, written by it alone and read by anyone.
final class LoopCounters: Sendable {
    let connections = Atomic<Int>(0)
}
