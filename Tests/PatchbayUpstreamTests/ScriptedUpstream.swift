import Glibc
import NIOCore
import NIOPosix
import NIOSSL

/// An upstream that answers by script. Touched on one event loop only.
final class ScriptedUpstream: @unchecked Sendable {
    enum Action {
        case send(String)
        case close
        /// Closes with a TCP reset.
        case reset
        /// Closes a TLS connection without saying so.
        case cut
    }

    /// What to do when the n-th request (from 0) has arrived on the m-th connection (from 0).
    typealias Script = @Sendable (_ connection: Int, _ request: Int) -> [Action]

    private let script: Script
    /// Acts when a request's head is there, and never reads its body.
    private let ignoresBodies: Bool
    private(set) var connections: [Connection] = []
    private(set) var requests: [String] = []
    private var waiters: [(count: Int, promise: EventLoopPromise<Void>)] = []

    init(ignoresBodies: Bool = false, script: @escaping Script) {
        self.ignoresBodies = ignoresBodies
        self.script = script
    }

    func accept() -> Connection {
        let connection = Connection(self, index: connections.count)
        connections.append(connection)
        return connection
    }

    /// Succeeds when so many requests have arrived.
    func received(_ count: Int, on loop: any EventLoop) -> EventLoopFuture<Void> {
        let promise = loop.makePromise(of: Void.self)
        if requests.count >= count { promise.succeed() } else { waiters.append((count, promise)) }
        return promise.futureResult
    }

    fileprivate func take(_ request: String, _ connection: Connection, index: Int) {
        requests.append(request)
        for action in script(connection.index, index) { connection.perform(action) }
        for waiter in waiters where waiter.count <= requests.count { waiter.promise.succeed() }
        waiters.removeAll { $0.count <= requests.count }
    }

    /// A request ends with its head, or with so many bytes as `Content-Length` says.
    final class Connection: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        let index: Int
        private let server: ScriptedUpstream
        private var context: ChannelHandlerContext?
        private var received = ByteBuffer()
        private(set) var count = 0
        private(set) var isClosed = false
        private var closeWaiters: [EventLoopPromise<Void>] = []

        init(_ server: ScriptedUpstream, index: Int) {
            self.server = server
            self.index = index
        }

        func handlerAdded(context: ChannelHandlerContext) { self.context = context }
        func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }
        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            guard !server.ignoresBodies || count == 0 else { return }
            var buffer = unwrapInboundIn(data)
            received.writeBuffer(&buffer)
            while let request = nextRequest() {
                count += 1
                server.take(request, self, index: count - 1)
            }
        }

        private func nextRequest() -> String? {
            let bytes = Array(received.readableBytesView)
            guard let end = bytes.indices.first(where: { bytes[$0...].starts(with: "\r\n\r\n".utf8) }) else {
                return nil
            }
            let head = String(decoding: bytes[..<end], as: UTF8.self)
            if server.ignoresBodies {
                try? context?.channel.syncOptions?.setOption(.autoRead, value: false)
                received.clear()
                return head
            }
            var length = 0
            for line in head.split(separator: "\r\n") where line.lowercased().hasPrefix("content-length:") {
                length = Int(line.split(separator: " ")[1]) ?? 0
            }
            guard let slice = received.getSlice(at: received.readerIndex, length: end + 4 + length) else { return nil }
            received.moveReaderIndex(forwardBy: end + 4 + length)
            return String(buffer: slice)
        }

        func perform(_ action: Action) {
            guard let context else { return }
            switch action {
            case .send(let text):
                context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
            case .close: context.close(promise: nil)
            case .reset:
                let options = context.channel as? any SocketOptionProvider
                _ = options?.setSoLinger(linger(l_onoff: 1, l_linger: 0))
                context.close(promise: nil)
            case .cut:
                let operations = context.pipeline.syncOperations
                try? operations.context(handlerType: NIOSSLServerHandler.self).close(promise: nil)
            }
        }

        func close() { context?.close(promise: nil) }

        func channelInactive(context: ChannelHandlerContext) {
            isClosed = true
            for waiter in closeWaiters { waiter.succeed() }
            closeWaiters.removeAll()
        }

        /// Succeeds when the client's side of the connection is closed.
        func closed(on loop: any EventLoop) -> EventLoopFuture<Void> {
            let promise = loop.makePromise(of: Void.self)
            if isClosed { promise.succeed() } else { closeWaiters.append(promise) }
            return promise.futureResult
        }
    }
}
