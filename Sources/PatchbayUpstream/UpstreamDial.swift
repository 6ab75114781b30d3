#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif
import NIOCore
import NIOPosix

/// Opens one connection: resolves the name, then tries the permitted addresses in order, then makes the TLS handshake.
/// It reports to its destination exactly once.
final class UpstreamDial {
    private let destination: UpstreamDestination
    private let timeout: Int
    private var addresses: ArraySlice<SocketAddress> = []
    private var isFinished = false

    /// - Parameter timeout: for one address, in milliseconds.
    init(destination: UpstreamDestination, timeout: Int) {
        self.destination = destination
        self.timeout = timeout
    }

    var timeoutNanoseconds: Int64 { Int64(timeout) * 1_000_000 }

    func start() {
        destination.pool.resolver.resolve(destination.origin) { [self] result in
            switch result {
            case .success(let addresses):
                self.addresses = addresses[...]
                connect()
            case .failure(let error): fail(error)
            }
        }
    }

    private func connect() {
        guard let address = addresses.popFirst() else { return }
        let bootstrap = ClientBootstrap(group: destination.pool.eventLoop)
            .connectTimeout(.milliseconds(Int64(timeout)))
            .channelOption(.autoRead, value: false)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
        bootstrap.connect(to: address).assumeIsolated().whenComplete { [self] result in
            switch result {
            case .success(let channel): didConnect(channel)
            case .failure where !addresses.isEmpty: connect()
            case .failure(let error):
                let reason = Self.reason(error)
                let isLate = if case ChannelError.connectTimeout = error { true } else { false }
                fail(
                    UpstreamError(
                        isLate ? .timeoutConnect : .connect, "No connection to \(destination.origin): \(reason)."))
            }
        }
    }

    private func didConnect(_ channel: any Channel) {
        let connection = UpstreamConnection(destination: destination)
        do {
            if let handler = try makeTLSHandler() {
                connection.dial = self
                destination.willHandshake(connection)
                try channel.pipeline.syncOperations.addHandlers([handler, connection])
            } else {
                try channel.pipeline.syncOperations.addHandler(connection)
                connection.writesPlainly()
                didOpen(connection)
            }
            connection.readIfWanted()
        } catch {
            connection.dial = nil
            channel.close(promise: nil)
            didFailHandshake(error)
        }
    }

    private func makeTLSHandler() throws -> (any ChannelHandler)? {
        let origin = destination.origin
        guard origin.scheme == .https else { return nil }
        guard let tls = destination.pool.tls else {
            throw UpstreamError(.tls, "No TLS is set up for \(origin).")
        }
        let isAddress = (try? SocketAddress(ipAddress: origin.host, port: 0)) != nil
        return try tls.makeHandler(host: origin.host, isAddress: isAddress)
    }

    /// The connection is ready for requests.
    func didOpen(_ connection: UpstreamConnection) {
        guard !isFinished else { return }
        isFinished = true
        destination.didOpen(connection)
    }

    /// The connection was lost before it was ready.
    func didFailHandshake(_ error: (any Error)?) {
        let reason = error.map(UpstreamTLS.reason) ?? "the connection was closed during the handshake"
        let ours = error as? UpstreamError
        fail(ours ?? UpstreamError(.tls, "No TLS connection to \(destination.origin): \(reason)."))
    }

    private func fail(_ error: UpstreamError) {
        guard !isFinished else { return }
        isFinished = true
        destination.didFailToOpen(error)
    }

    private static func reason(_ error: any Error) -> String {
        if let error = error as? IOError { return String(cString: strerror(error.errnoCode)) }
        if case ChannelError.connectTimeout = error { return "the connection attempt timed out" }
        return "the connection attempt failed"
    }
}
