import Glibc
import NIOCore
import NIOPosix
import NIOSSL
import PatchbayCore
import PatchbayUpstream
import PatchbayWire

/// A pool and the upstream it talks to, both on one event loop. The state is touched on that loop only, which is what
/// makes the unchecked conformances right.
final class UpstreamWorld: @unchecked Sendable {
    let loop: any EventLoop
    private(set) var pool: UpstreamPool
    let server: ScriptedUpstream
    private(set) var port = 0
    private var listener: (any Channel)?
    private var clock: Int64 = 1

    static let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    static let threads = NIOThreadPool(numberOfThreads: 1)

    private init(
        _ loop: any EventLoop, limits: UpstreamPoolLimits, allow: [String], trust: UpstreamTLS?,
        server: ScriptedUpstream
    ) throws {
        self.loop = loop
        self.server = server
        Self.threads.start()
        let policy = try EgressPolicy(allow: allow)
        let resolver = UpstreamResolver(eventLoop: loop, threadPool: Self.threads, policy: policy)
        pool = UpstreamPool(eventLoop: loop, resolver: resolver, tls: trust, limits: limits)
    }

    static func make(
        limits: UpstreamPoolLimits = UpstreamPoolLimits(), allow: [String] = ["127.0.0.0/8"],
        trust: UpstreamTLS? = nil, serverTLS: NIOSSLContext? = nil, ignoresBodies: Bool = false,
        script: @escaping ScriptedUpstream.Script
    ) async throws -> UpstreamWorld {
        let loop = group.next()
        let server = ScriptedUpstream(ignoresBodies: ignoresBodies, script: script)
        let world = try UpstreamWorld(loop, limits: limits, allow: allow, trust: trust, server: server)
        let listener = try await ServerBootstrap(group: loop)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let serverTLS {
                        try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: serverTLS))
                    }
                    try channel.pipeline.syncOperations.addHandler(server.accept())
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        world.listener = listener
        world.port = listener.localAddress?.port ?? 0
        return world
    }

    func onLoop<Value: Sendable>(_ body: @escaping @Sendable (UpstreamWorld) throws -> Value) async throws -> Value {
        try await loop.submit { try body(self) }.get()
    }

    /// Advances the pool's clock.
    func tick(milliseconds: Int64) async throws {
        try await onLoop { world in
            world.clock += milliseconds * 1_000_000
            world.pool.tick(now: world.clock)
        }
    }

    /// Sends a request; the recorder tells what comes back.
    func send(
        _ request: String = "GET / HTTP/1.1\r\nHost: upstream\r\n\r\n", host: String = "127.0.0.1",
        scheme: UpstreamOrigin.Scheme = .http, port: Int? = nil, isHead: Bool = false,
        timeouts: UpstreamTimeouts = UpstreamTimeouts(), prepare: @escaping @Sendable (Recorder) -> Void = { _ in }
    ) async throws -> Recorder {
        try await onLoop { world in
            let recorder = Recorder(world.loop)
            prepare(recorder)
            let origin = UpstreamOrigin(scheme: scheme, host: host, port: port ?? world.port)
            recorder.exchange = world.pool.send(
                UpstreamRequest(head: ByteBuffer(string: request), isHead: isHead),
                to: world.pool.destination(for: origin),
                timeouts: timeouts,
                receiver: recorder)
            recorder.hasReturned = true
            return recorder
        }
    }

    /// Waits until the upstream has so many requests.
    func requestsReceived(_ count: Int) async throws {
        try await onLoop { $0.server.received(count, on: $0.loop) }.get()
    }

    /// Waits until the upstream sees that a connection is closed.
    func connectionClosed(_ index: Int) async throws {
        try await onLoop { $0.server.connections[index].closed(on: $0.loop) }.get()
    }

    func statistics() async throws -> UpstreamStatistics { try await onLoop { $0.pool.statistics } }

    func close() async throws {
        try await onLoop { world in
            world.pool.shutdown()
            for connection in world.server.connections { connection.close() }
        }
        try await listener?.close().get()
    }
}

/// What one exchange delivered. Touched on the event loop only.
final class Recorder: UpstreamResponseReceiver, @unchecked Sendable {
    struct Outcome: Sendable {
        var status = 0
        var body = ""
        var pieces = 0
        var contentType: String?
        var error: UpstreamError?
    }

    var exchange: UpstreamExchange?
    /// The call to `send` has returned.
    var hasReturned = false
    /// Called after each delivery with the number of body bytes so far.
    var onDelivery: ((Recorder, Int) -> Void)?
    private(set) var outcome = Outcome()
    private(set) var bytes = 0
    private(set) var flushes = 0
    private(set) var violations: [String] = []
    private var isFinished = false
    private let promise: EventLoopPromise<Outcome>
    private let headPromise: EventLoopPromise<Void>
    private let bodyPromise: EventLoopPromise<Void>
    private var isBodyAnnounced = false

    init(_ loop: any EventLoop) {
        promise = loop.makePromise()
        headPromise = loop.makePromise()
        bodyPromise = loop.makePromise()
        headPromise.futureResult.whenFailure { _ in }
    }

    /// Waits for the end or the failure.
    func finished() async throws -> Outcome { try await promise.futureResult.get() }
    func headReceived() async throws { try await headPromise.futureResult.get() }
    func bodyReceived() async throws { try await bodyPromise.futureResult.get() }

    func upstreamDidReceiveHead(_ head: borrowing HTTPResponseHead, bytes: UnsafeRawBufferPointer) {
        check("head")
        if outcome.status != 0 { violations.append("two heads") }
        outcome.status = head.status
        outcome.contentType = head.fields.first(.contentType)?.text(in: bytes)
        onDelivery?(self, 0)
        headPromise.succeed()
    }

    func upstreamDidReceiveBody(_ bytes: ByteBuffer) {
        check("body")
        if outcome.status == 0 || bytes.readableBytes == 0 { violations.append("body before head or empty") }
        outcome.body += String(buffer: bytes)
        outcome.pieces += 1
        self.bytes += bytes.readableBytes
        onDelivery?(self, self.bytes)
        if !isBodyAnnounced { bodyPromise.succeed() }
        isBodyAnnounced = true
    }

    func upstreamDidCompleteRead() {
        check("flush")
        flushes += 1
    }

    func upstreamDidEnd() { finish() }

    func upstreamDidFail(_ error: UpstreamError) {
        outcome.error = error
        finish()
    }

    private func finish() {
        check("end")
        isFinished = true
        if outcome.status == 0 { headPromise.succeed() }
        if !isBodyAnnounced { bodyPromise.succeed() }
        isBodyAnnounced = true
        promise.succeed(outcome)
    }

    /// Ends the waiting of an exchange that was cancelled.
    func stopWaiting() {
        isFinished = true
        if outcome.status == 0 { headPromise.succeed() }
        if !isBodyAnnounced { bodyPromise.succeed() }
        isBodyAnnounced = true
        promise.succeed(outcome)
    }

    private func check(_ event: String) {
        if isFinished { violations.append("\(event) after the end") }
        if !hasReturned { violations.append("\(event) inside send") }
    }
}
