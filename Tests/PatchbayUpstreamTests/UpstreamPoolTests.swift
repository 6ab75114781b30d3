import NIOCore
import PatchbayUpstream
import Testing

private let hello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

@Suite(.timeLimit(.minutes(5)))
struct UpstreamPoolTests {
    @Test func sendsTheNextRequestOnTheSameConnection() async throws {
        let world = try await UpstreamWorld.make { _, _ in [.send(hello)] }
        for _ in 0..<3 {
            let recorder = try await world.send()
            #expect(try await recorder.finished().body == "hello")
        }
        #expect(try await world.onLoop { $0.server.connections.count } == 1)
        let statistics = try await world.statistics()
        #expect(statistics.opened == 1)
        #expect(statistics.reused == 2)
        try await world.close()
    }

    @Test(arguments: [
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        hello + "surplus",
    ])
    func doesNotReuseAConnectionThatCannotBe(response: String) async throws {
        let world = try await UpstreamWorld.make { _, _ in [.send(response)] }
        let first = try await world.send()
        #expect(try await first.finished().body == "hello")
        let second = try await world.send()
        #expect(try await second.finished().body == "hello")
        #expect(try await world.onLoop { $0.server.connections.count } == 2)
        try await expectQuiet(second, world)
    }

    @Test func anAnswerBeforeTheEndOfTheRequestIsDeliveredAndEndsTheConnection() async throws {
        let world = try await UpstreamWorld.make(ignoresBodies: true) { _, _ in [.send(hello)] }
        let size = 32 << 20
        let body = String(repeating: "x", count: size)
        let recorder = try await world.send("POST / HTTP/1.1\r\nHost: u\r\nContent-Length: \(size)\r\n\r\n" + body)
        #expect(try await recorder.finished().body == "hello")
        #expect(try await world.statistics().idle == 0)
        try await expectQuiet(recorder, world)
    }

    @Test func usesTheMostRecentConnectionFirst() async throws {
        let world = try await UpstreamWorld.make { _, request in request == 0 ? [] : [.send(hello)] }
        let first = try await world.send()
        let second = try await world.send()
        try await world.requestsReceived(2)
        try await world.onLoop { $0.server.connections[1].perform(.send(hello)) }
        _ = try await second.finished()
        try await world.onLoop { $0.server.connections[0].perform(.send(hello)) }
        _ = try await first.finished()
        #expect(try await world.statistics().idle == 2)
        let third = try await world.send("GET /third HTTP/1.1\r\nHost: u\r\n\r\n")
        _ = try await third.finished()
        #expect(try await world.onLoop { $0.server.connections.map(\.count) } == [2, 1])
        try await expectQuiet(third, world)
    }

    @Test func keepsNoMoreIdleConnectionsThanAllowed() async throws {
        let world = try await UpstreamWorld.make(limits: UpstreamPoolLimits(idlePerOrigin: 1)) { _, _ in [] }
        let recorders = [try await world.send(), try await world.send()]
        try await world.requestsReceived(2)
        try await world.onLoop { world in
            for connection in world.server.connections { connection.perform(.send(hello)) }
        }
        for recorder in recorders { _ = try await recorder.finished() }
        #expect(try await world.statistics().idle == 1)
        try await expectQuiet(recorders[1], world)
    }

    @Test func closesConnectionsThatNobodyUsed() async throws {
        let world = try await UpstreamWorld.make(limits: UpstreamPoolLimits(idleAgeMilliseconds: 1_000)) { _, _ in
            [.send(hello)]
        }
        let recorder = try await world.send()
        _ = try await recorder.finished()
        try await world.tick(milliseconds: 250)
        try await world.tick(milliseconds: 999)
        #expect(try await world.statistics().idle == 1)
        try await world.tick(milliseconds: 1)
        try await world.connectionClosed(0)
        #expect(try await world.statistics().idle == 0)
        try await expectQuiet(recorder, world)
    }

    @Test func queuesBehindTheConnectionLimit() async throws {
        let limits = UpstreamPoolLimits(connectionsPerOrigin: 1, waitingPerOrigin: 2)
        let world = try await UpstreamWorld.make(limits: limits) { _, request in request == 0 ? [] : [.send(hello)] }
        let first = try await world.send()
        try await world.requestsReceived(1)
        let second = try await world.send()
        let third = try await world.send()
        let fourth = try await world.send()
        let refused = try await fourth.finished()
        #expect(refused.error?.code == .exhausted)
        #expect(try await world.statistics().waiting == 2)
        try await world.onLoop { $0.server.connections[0].perform(.send(hello)) }
        for recorder in [first, second, third] { #expect(try await recorder.finished().body == "hello") }
        #expect(try await world.onLoop { $0.server.connections.count } == 1)
        try await expectQuiet(fourth, world)
    }

    @Test func sendsAgainWhenAUsedConnectionTurnsOutClosed() async throws {
        // The upstream closes each connection when its second request arrives, without a byte of an answer.
        let world = try await UpstreamWorld.make { _, request in request == 0 ? [.send(hello)] : [.close] }
        let first = try await world.send()
        _ = try await first.finished()
        let second = try await world.send("POST / HTTP/1.1\r\nHost: u\r\nContent-Length: 4\r\n\r\nbody")
        let outcome = try await second.finished()
        #expect(outcome.body == "hello")
        #expect(outcome.error == nil)
        #expect(try await world.onLoop { $0.server.requests.filter { $0.hasSuffix("body") }.count } == 2)
        let statistics = try await world.statistics()
        #expect(statistics.retried == 1)
        #expect(statistics.opened == 2)
        try await expectQuiet(second, world)
    }

    @Test func sendsAgainAfterAResetToo() async throws {
        let world = try await UpstreamWorld.make { _, request in request == 0 ? [.send(hello)] : [.reset] }
        _ = try await world.send().finished()
        let second = try await world.send()
        #expect(try await second.finished().body == "hello")
        try await expectQuiet(second, world)
    }

    @Test func sendsAgainOnlyOnce() async throws {
        let world = try await UpstreamWorld.make { connection, request in
            connection == 0 && request == 0 ? [.send(hello)] : [.close]
        }
        _ = try await world.send().finished()
        let second = try await world.send()
        let outcome = try await second.finished()
        #expect(outcome.error?.code == .reset)
        #expect(outcome.error?.receivedBytes == false)
        #expect(try await world.onLoop { $0.server.requests.count } == 3)
        try await expectQuiet(second, world)
    }

    @Test func neverSendsAgainAfterAByteOfTheAnswer() async throws {
        let world = try await UpstreamWorld.make { _, request in
            request == 0 ? [.send(hello)] : [.send("HTTP/1.1"), .close]
        }
        _ = try await world.send().finished()
        let second = try await world.send()
        let outcome = try await second.finished()
        #expect(outcome.error?.code == .reset)
        #expect(outcome.error?.receivedBytes == true)
        #expect(try await world.onLoop { $0.server.requests.count } == 2)
        try await expectQuiet(second, world)
    }

    @Test func doesNotSendAgainWhatTheUpstreamHasHadForLong() async throws {
        let world = try await UpstreamWorld.make { _, request in request == 0 ? [.send(hello)] : [] }
        _ = try await world.send().finished()
        let second = try await world.send()
        try await world.requestsReceived(2)
        for _ in 0..<10 { try await world.tick(milliseconds: 250) }
        try await world.onLoop { $0.server.connections[0].perform(.close) }
        #expect(try await second.finished().error?.code == .reset)
        #expect(try await world.onLoop { $0.server.requests.count } == 2)
        try await expectQuiet(second, world)
    }

    @Test func doesNotSendAgainOnANewConnection() async throws {
        let world = try await UpstreamWorld.make { _, _ in [.reset] }
        let recorder = try await world.send()
        let outcome = try await recorder.finished()
        #expect(outcome.error?.code == .reset)
        #expect(outcome.error?.receivedBytes == false)
        #expect(try await world.onLoop { $0.server.requests.count } == 1)
        try await expectQuiet(recorder, world)
    }

    @Test func givesBackAConnectionWhenItsRequestIsCancelledBeforeItIsSent() async throws {
        let world = try await UpstreamWorld.make { _, _ in [.send(hello)] }
        let cancelled = try await world.onLoop { world in
            let recorder = Recorder(world.loop)
            let origin = UpstreamOrigin(scheme: .http, host: "127.0.0.1", port: world.port)
            recorder.hasReturned = true
            world.pool.send(
                UpstreamRequest(head: ByteBuffer(string: "GET /never HTTP/1.1\r\n\r\n")),
                to: world.pool.destination(for: origin),
                timeouts: UpstreamTimeouts(), receiver: recorder
            ).cancel()
            recorder.stopWaiting()
            return recorder
        }
        let second = try await world.send()
        #expect(try await second.finished().body == "hello")
        #expect(try await world.onLoop { $0.server.requests.contains { $0.contains("never") } } == false)
        #expect(try await cancelled.finished().error == nil)
        try await expectQuiet(cancelled, world)
    }
}
