import Logging
import NIOCore
import NIOPosix
package import PatchbayCore
import Synchronization

/// The socket that clients connect to. It can be exchanged for one at another address while the gateway runs.
final class GatewayListener: Sendable {
    private struct State {
        var channel: (any NIOCore.Channel)?
        var address: ListenAddress?
        var isClosed = false
    }

    private let state = Mutex(State())
    /// Open client connections above this are refused.
    let connectionLimit: Atomic<Int>

    init(connectionLimit: Int) {
        self.connectionLimit = Atomic(connectionLimit)
    }

    func setConnectionLimit(_ limit: Int) { connectionLimit.store(limit, ordering: .relaxed) }

    /// The address that was asked for last, which may have port 0.
    var address: ListenAddress? { state.withLock { $0.address } }

    /// False when listening has ended meanwhile; the caller closes the channel then.
    fileprivate func adopt(_ channel: any NIOCore.Channel, _ address: ListenAddress) -> Bool {
        state.withLock { state in
            guard !state.isClosed else { return false }
            state.channel = channel
            state.address = address
            return true
        }
    }

    fileprivate func take() -> (any NIOCore.Channel)? {
        state.withLock { $0.channel.take() }
    }

    /// Ends listening for good.
    func close() async {
        let channel = state.withLock { state in
            state.isClosed = true
            return state.channel.take()
        }
        try? await channel?.close().get()
    }
}

extension Gateway {
    /// Starts to accept clients; returns the address, with the port that the system chose if it was 0.
    package func start(on address: ListenAddress) async throws -> ListenAddress {
        let channel = try await bind(address)
        return try await adopt(channel, address)
    }

    /// Accepts clients at another address and no longer at the present one. Open connections are not affected. When the
    /// new address cannot be listened on, the present one stays.
    ///
    /// - Returns: the address, with the port that the system chose if it was 0; nil if it is the present one.
    package func move(to address: ListenAddress) async throws -> ListenAddress? {
        guard let present = listener.address, address != present else { return nil }
        do {
            let channel = try await bind(address)
            let previous = listener.take()
            let bound = try await adopt(channel, address)
            try? await previous?.close().get()
            return bound
        } catch let error as IOError where error.errnoCode == EADDRINUSE && address.port == present.port {
            return try await exchange(present, for: address)
        }
    }

    /// The two addresses contain each other, such as 127.0.0.1 and 0.0.0.0 with one port: the present one has to go
    /// before the other can come. The pause is as long as two system calls.
    private func exchange(_ present: ListenAddress, for address: ListenAddress) async throws -> ListenAddress {
        try? await listener.take()?.close().get()
        do {
            return try await adopt(try await bind(address), address)
        } catch {
            _ = try await adopt(try await bind(present), present)
            throw error
        }
    }

    private func adopt(_ channel: any NIOCore.Channel, _ address: ListenAddress) async throws -> ListenAddress {
        guard listener.adopt(channel, address) else {
            try? await channel.close().get()
            throw ChannelError.alreadyClosed
        }
        let bound = ListenAddress(host: address.host, port: channel.localAddress?.port ?? address.port)
        logger.notice("gateway listens", metadata: ["address": "\(bound)"])
        return bound
    }

    private func bind(_ address: ListenAddress) async throws -> any NIOCore.Channel {
        let contexts = Dictionary(uniqueKeysWithValues: zip(group.makeIterator().map { ObjectIdentifier($0) }, loops))
        let listener = listener
        let counters = counters
        return try await ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 1024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(Gateway.unsentLowWater, value: 131_072)
            .childChannelOption(.maxMessagesPerRead, value: 4)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let context = contexts[ObjectIdentifier(channel.eventLoop)],
                        counters.reduce(0, { $0 + $1.connections.load(ordering: .relaxed) })
                            < listener.connectionLimit.load(ordering: .relaxed)
                    else { throw ConnectionLimitReached() }
                    try channel.pipeline.syncOperations.addHandler(ClientConnection(loop: context.value))
                }
            }
            .bind(host: address.host, port: address.port).get()
    }

    /// `TCP_NOTSENT_LOWAT`: without it the kernel takes up to 4 MiB for a slow client, which costs memory and hides for
    /// long whether the client still takes anything.
    private static let unsentLowWater = ChannelOptions.Types.SocketOption(level: .tcp, name: .init(rawValue: 25))
}

private struct ConnectionLimitReached: Error {}
