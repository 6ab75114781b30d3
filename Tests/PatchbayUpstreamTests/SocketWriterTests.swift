import NIOCore
import NIOEmbedded
import NIOPosix
import Testing

@testable import PatchbayUpstream

@Suite struct SocketWriterTests {
    /// Counts what arrives; reads only when it is told to.
    private final class Counter: ChannelInboundHandler, @unchecked Sendable {
        typealias InboundIn = ByteBuffer
        // Touched on the loop only.
        var bytes: [UInt8] = []
        var context: ChannelHandlerContext?

        func handlerAdded(context: ChannelHandlerContext) { self.context = context }
        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            bytes += Array(unwrapInboundIn(data).readableBytesView)
        }
    }

    private struct Pair {
        let sender: any Channel
        let counter: Counter
    }

    private func pair() async throws -> Pair {
        let loop = UpstreamWorld.group.next()
        let counter = Counter()
        let listener = try await ServerBootstrap(group: loop)
            .childChannelOption(.autoRead, value: false)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(counter) }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let port = listener.localAddress?.port ?? 0
        let sender = try await ClientBootstrap(group: loop)
            .channelOption(.socketOption(.so_sndbuf), value: 65_536)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .connect(host: "127.0.0.1", port: port).get()
        try await listener.close().get()
        return Pair(sender: sender, counter: counter)
    }

    @Test func aChannelWithoutASocketHasNone() {
        #expect(SocketWriter(EmbeddedChannel()) == nil)
    }

    /// The socket takes less and less; what it leaves goes through the channel, and what is written behind that waits
    /// its turn there.
    @Test func everythingArrivesInItsOrder() async throws {
        let pair = try await pair()
        let (sender, counter) = (pair.sender, pair.counter)
        let count = 60
        let refused = try await sender.eventLoop.submit {
            guard let writer = SocketWriter(sender) else { return -1 }
            var refused = 0
            for index in 0..<count {
                var bytes = ByteBuffer(repeating: UInt8(index), count: 50_000)
                guard !writer.write(&bytes) else { continue }
                refused += 1
                #expect(!writer.isIdle)
                sender.writeAndFlush(bytes, promise: nil)
            }
            return refused
        }.get()
        #expect(refused > 0)
        try await sender.eventLoop.submit {
            counter.context?.channel.setOption(.autoRead, value: true).whenFailure { _ in }
            sender.close(mode: .output, promise: nil)
        }.get()
        try await sender.closeFuture.get()
        let arrived = try await sender.eventLoop.submit { counter.bytes }.get()
        let expected = (0..<count).flatMap { [UInt8](repeating: UInt8($0), count: 50_000) }
        #expect(arrived == expected)
    }

    @Test func aClosedChannelIsNotWrittenTo() async throws {
        let sender = try await pair().sender
        let isWritten = try await sender.eventLoop.submit {
            guard let writer = SocketWriter(sender) else { return true }
            sender.close(promise: nil)
            var bytes = ByteBuffer(string: "x")
            return writer.write(&bytes)
        }.get()
        #expect(!isWritten)
    }
}
