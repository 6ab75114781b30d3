import NIOCore
import NIOPosix

/// Accepts connections and never reads from them.
struct DeafListener: Sendable {
    private let channel: any Channel
    let port: Int

    static func make(on loop: any EventLoop) async throws -> DeafListener {
        let channel = try await ServerBootstrap(group: loop)
            .childChannelOption(.autoRead, value: false)
            .childChannelOption(.socketOption(.so_rcvbuf), value: 4_096)
            .bind(host: "127.0.0.1", port: 0).get()
        return DeafListener(channel: channel, port: channel.localAddress?.port ?? 0)
    }

    func close() async throws { try await channel.close().get() }
}
