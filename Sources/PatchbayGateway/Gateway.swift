package import Logging
import NIOCore
import NIOPosix
package import PatchbayCore
package import PatchbayRouting
import PatchbayStore
package import PatchbayTelemetry
package import PatchbayUpstream
import Synchronization

/// The data plane: the listener for clients and the event loops behind it.
///
/// A connection lives and dies on one loop, with upstream connections from that loop's own pool. Loops share nothing
/// but the configuration snapshot, of which each holds its own reference.
package final class Gateway: Sendable {
    private let configuration: GatewayConfiguration
    private let group: MultiThreadedEventLoopGroup
    private let loops: [NIOLoopBound<LoopContext>]
    private let counters: [LoopCounters]
    private let logger: Logger
    private let readiness: Readiness
    private let listener = Listener()
    /// What has been used of limits; for building snapshots.
    package let limits = LimitRegistry()

    /// What loops share besides the snapshot. None of it is touched for a request.
    struct Shared: Sendable {
        let addresses = AddressTable()
        let loopCount: Int
    }

    /// What the gateway needs from the rest of the process.
    package struct Services: Sendable {
        package var egress: EgressPolicy
        package var tls: UpstreamTLS
        package var ledgerDirectory: String
        package var metrics: GatewayMetrics
        /// nil = from the system.
        package var seed: UInt64?

        package init(
            egress: EgressPolicy, tls: UpstreamTLS, ledgerDirectory: String, metrics: GatewayMetrics,
            seed: UInt64? = nil
        ) {
            self.egress = egress
            self.tls = tls
            self.ledgerDirectory = ledgerDirectory
            self.metrics = metrics
            self.seed = seed
        }
    }

    /// Makes the loops. Fails when the ledger cannot be written.
    package init(configuration: GatewayConfiguration, services: Services, logger: Logger) throws {
        self.configuration = configuration
        self.logger = logger
        let count = configuration.eventLoops ?? System.coreCount
        group = MultiThreadedEventLoopGroup(numberOfThreads: count)
        let readiness = Readiness()
        self.readiness = readiness
        var loops: [NIOLoopBound<LoopContext>] = []
        var counters: [LoopCounters] = []
        let shared = Shared(loopCount: count)
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
    }

    /// Starts to accept clients; returns the address, with the port that the system chose if it was 0.
    package func start() async throws -> ListenAddress {
        let contexts = Dictionary(uniqueKeysWithValues: zip(group.makeIterator().map { ObjectIdentifier($0) }, loops))
        let limit = configuration.limits.connections
        let counters = counters
        let channel = try await ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 1024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(Gateway.unsentLowWater, value: 131_072)
            .childChannelOption(.maxMessagesPerRead, value: 4)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let context = contexts[ObjectIdentifier(channel.eventLoop)],
                        counters.reduce(0, { $0 + $1.connections.load(ordering: .relaxed) }) < limit
                    else { throw ConnectionLimitReached() }
                    try channel.pipeline.syncOperations.addHandler(ClientConnection(loop: context.value))
                }
            }
            .bind(host: configuration.listen.host, port: configuration.listen.port).get()
        listener.set(channel)
        if let own = channel.localAddress {
            for loop in loops {
                loop.eventLoop.execute { loop.value.pool.resolver.ownListeners = OwnListeners([own]) }
            }
        }
        let address = ListenAddress(
            host: configuration.listen.host, port: channel.localAddress?.port ?? configuration.listen.port)
        logger.notice("gateway listens", metadata: ["address": "\(address)"])
        return address
    }

    /// `TCP_NOTSENT_LOWAT`: without it the kernel takes up to 4 MiB for a slow client, which costs memory and hides for
    /// long whether the client still takes anything.
    private static let unsentLowWater = ChannelOptions.Types.SocketOption(level: .tcp, name: .init(rawValue: 25))

    /// Replaces the configuration. Requests in progress finish with the one they started with.
    package func publish(_ snapshot: GatewaySnapshot) async {
        for loop in loops {
            try? await loop.eventLoop.submit { loop.value.publish(snapshot) }.get()
        }
        readiness.set(true)
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

    package var isReady: Bool { readiness.isReady }

    /// Stops accepting, lets requests in progress finish until the deadline, then closes what is left.
    package func shutdown(graceSeconds: Int) async {
        readiness.set(false)
        await listener.close()
        for loop in loops { try? await loop.eventLoop.submit { loop.value.drain() }.get() }
        let deadline = SystemTime.monotonicNanoseconds() + Int64(graceSeconds) * 1_000_000_000
        while counters.contains(where: { $0.connections.load(ordering: .relaxed) > 0 }),
            SystemTime.monotonicNanoseconds() < deadline
        {
            try? await Task.sleep(for: .milliseconds(20))
        }
        for loop in loops { try? await loop.eventLoop.submit { loop.value.close() }.get() }
        try? await group.shutdownGracefully()
    }
}

private struct ConnectionLimitReached: Error {}

/// Whether the gateway can serve: it has a configuration and is not shutting down.
final class Readiness: Sendable {
    private let flag = Atomic<Bool>(false)

    var isReady: Bool { flag.load(ordering: .relaxed) }

    func set(_ isReady: Bool) { flag.store(isReady, ordering: .relaxed) }
}

/// The listening channel, set once.
private final class Listener: Sendable {
    private let channel = Mutex<(any NIOCore.Channel)?>(nil)

    func set(_ channel: any NIOCore.Channel) { self.channel.withLock { $0 = channel } }

    func close() async {
        guard let channel = channel.withLock({ $0 }) else { return }
        try? await channel.close().get()
    }
}
