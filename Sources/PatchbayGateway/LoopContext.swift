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
    private(set) var timeouts: GatewayTimeouts
    let pool: UpstreamPool
    let ledger: LedgerWriter
    /// What compactions are sealed with; nil = there are none.
    let sealing: SealingKey?
    /// Nil if the gateway keeps no responses.
    let responses: ResponseStore?
    /// Nil if the gateway keeps no files.
    let files: FileStore?
    let runs: BackgroundRuns
    let logger: Logger
    let counters: LoopCounters
    var snapshot: GatewaySnapshot
    let health: HealthTable
    let addresses: AddressTable
    private(set) var maxHops: Int
    /// See ``GatewayConfiguration/isBehindCDN``.
    private(set) var isBehindCDN: Bool
    private let loopCount: Int
    var random: SeededRandom
    /// Reused by every attempt of the loop.
    let draft = RequestDraft()
    /// Shown to plugins in place of the headers of the message at hand.
    let headers = HeaderView()
    var fieldScanner = RequestFields.scanner
    var taskScanner = RequestFields.taskScanner
    /// Reused by every read of a stream.
    private var streamOutput: [UInt8] = []
    /// Reused by every answer that its socket takes at once.
    private var spareBuffer: ByteBuffer?
    private var ids = RequestIDGenerator()
    private(set) var connections: [ClientConnection] = []
    /// By candidate of ``snapshot``; made when a candidate is first used.
    private var slots: ContiguousArray<CandidateSlot?> = []
    var isDraining = false

    let metrics: LoopMetrics
    let readiness: Readiness

    init(
        eventLoop: any EventLoop, index: Int, configuration: GatewayConfiguration, services: Gateway.Services,
        shared: Gateway.Shared, counters: LoopCounters, readiness: Readiness, logger: Logger
    ) throws {
        self.eventLoop = eventLoop
        timeouts = configuration.timeouts
        maxHops = configuration.maxHops
        isBehindCDN = configuration.isBehindCDN
        addresses = shared.addresses
        loopCount = shared.loopCount
        let resolver = UpstreamResolver(
            eventLoop: eventLoop, threadPool: .singleton, policy: services.egress)
        pool = UpstreamPool(eventLoop: eventLoop, resolver: resolver, tls: services.tls)
        ledger = try LedgerWriter(directory: services.ledgerDirectory, loop: index, logger: logger)
        snapshot = .empty
        health = HealthTable(table: snapshot.table)
        random = SeededRandom(seed: services.seed.map { $0 &+ UInt64(index) } ?? .random(in: 0 ... .max))
        metrics = services.metrics.loop(index)
        sealing = shared.sealing
        responses = shared.responses
        files = shared.files
        runs = shared.runs
        self.counters = counters
        self.readiness = readiness
        self.logger = logger
    }

    /// Nanoseconds of the monotonic clock when the event at hand was taken up; see ``noteTime()``.
    private(set) var now = SystemTime.monotonicNanoseconds()

    /// Reads the clock. Called at the beginning of every event that something may happen in.
    func noteTime() {
        now = SystemTime.monotonicNanoseconds()
    }

    /// - Parameter time: milliseconds since 1970.
    func makeRequestID(time: Int64 = SystemTime.unixMilliseconds()) -> RequestID {
        ids.next(time: time)
    }

    /// An empty buffer of at least so many bytes whose memory has been used before, if there is one.
    func takeSpareBuffer(capacity: Int) -> ByteBuffer? {
        guard let spare = spareBuffer, spare.storageCapacity >= capacity else {
            return pool.takeSpareBuffer(capacity: capacity)
        }
        return spareBuffer.take()
    }

    /// Keeps the memory of a buffer whose bytes have left.
    func reuse(_ buffer: inout ByteBuffer) {
        guard spareBuffer == nil, buffer.storageCapacity <= 16_384 else { return }
        buffer.clear()
        spareBuffer = buffer
        buffer = ByteBuffer()
    }

    /// An empty array with room. Give it back with ``reuseStreamOutput(_:)``.
    func takeStreamOutput() -> [UInt8] {
        var output: [UInt8] = []
        swap(&output, &streamOutput)
        return output
    }

    func reuseStreamOutput(_ output: inout [UInt8]) {
        guard output.capacity <= 65_536 else { return }
        output.removeAll(keepingCapacity: true)
        swap(&output, &streamOutput)
    }

    func publish(_ snapshot: GatewaySnapshot, settings: Gateway.LiveSettings?) {
        health.adopt(snapshot.table)
        snapshot.pools.apply(to: pool, loops: loopCount)
        self.snapshot = snapshot
        slots = ContiguousArray(repeating: nil, count: snapshot.table.candidates.count)
        for connection in connections { connection.snapshotChanged() }
        guard let settings else { return }
        maxHops = settings.gateway.maxHops
        isBehindCDN = settings.gateway.isBehindCDN
        timeouts = settings.gateway.timeouts
        pool.resolver.policy = settings.egress
    }

    /// What the loop keeps of a candidate of `snapshot`.
    func slot(_ candidate: Int32, of snapshot: GatewaySnapshot, route: String) -> CandidateSlot {
        guard snapshot === self.snapshot else { return makeSlot(candidate, of: snapshot, route: route) }
        if let known = slots[Int(candidate)] { return known }
        let made = makeSlot(candidate, of: snapshot, route: route)
        slots[Int(candidate)] = made
        return made
    }

    private func makeSlot(_ index: Int32, of snapshot: GatewaySnapshot, route: String) -> CandidateSlot {
        let candidate = snapshot.table.candidates[Int(index)]
        let upstream = snapshot.upstreams[Int(candidate.channel)]
        return CandidateSlot(
            candidate, upstream: upstream, destination: upstream.origin.map { pool.destination(for: $0) },
            series: metrics.series(model: route, site: upstream.site.name), policy: snapshot.policies[candidate: index])
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
        noteTime()
        pool.tick(now: now)
        ledger.tick()
        counters.note(ledger.statistics)
        // A connection that is closed while the loop runs moves the last one into its place, so go from the end.
        var index = connections.count - 1
        var busy = 0
        while index >= 0 {
            if index < connections.count {
                if connections[index].phase == .answering { busy += 1 }
                connections[index].tick(now: now)
            }
            index -= 1
        }
        counters.busy.store(busy, ordering: .relaxed)
    }

    /// What clients see of the status of an error.
    func shownStatus(_ status: Int) -> Int { isBehindCDN && (status == 502 || status == 504) ? 503 : status }

    func refused(_ error: GatewayError) {
        metrics.requestRejected(reason: error.code.rawValue)
    }
}

/// Counters of one loop, written by it alone and read by anyone.
final class LoopCounters: Sendable {
    let connections = Atomic<Int>(0)
    /// Connections with a request in progress, as of the last tick.
    let busy = Atomic<Int>(0)
    /// Ledger records that were written, as of the last tick.
    let ledgerRecords = Atomic<UInt64>(0)
    /// Ledger records that wait in memory, and those that were lost, as of the last tick.
    let ledgerQueued = Atomic<Int>(0)
    let ledgerLost = Atomic<UInt64>(0)

    func note(_ ledger: LedgerStatistics) {
        ledgerRecords.store(ledger.records, ordering: .relaxed)
        ledgerQueued.store(ledger.queued, ordering: .relaxed)
        ledgerLost.store(ledger.lost, ordering: .relaxed)
    }
}
