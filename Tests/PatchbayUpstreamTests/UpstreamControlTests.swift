import NIOCore
import NIOPosix
import PatchbayUpstream
import Testing

private let timeouts = UpstreamTimeouts(connect: 1_000, firstByte: 2_000, idle: 3_000)

@Suite(.timeLimit(.minutes(5)))
struct UpstreamControlTests {
    @Test func givesUpWhenNoResponseComes() async throws {
        let world = try await UpstreamWorld.make { _, _ in [] }
        let recorder = try await world.send(timeouts: timeouts)
        try await world.requestsReceived(1)
        try await world.tick(milliseconds: 250)
        try await world.tick(milliseconds: 1_999)
        #expect(try await world.statistics().active == 1)
        try await world.tick(milliseconds: 1)
        let outcome = try await recorder.finished()
        #expect(outcome.error?.code == .timeoutFirstByte)
        #expect(outcome.error?.receivedBytes == false)
        try await world.connectionClosed(0)
        try await expectQuiet(recorder, world)
    }

    @Test func givesUpWhenABodyStops() async throws {
        let world = try await UpstreamWorld.make { _, _ in
            [.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")]
        }
        let recorder = try await world.send(timeouts: timeouts)
        try await recorder.bodyReceived()
        try await world.tick(milliseconds: 250)
        try await world.tick(milliseconds: 3_000)
        let outcome = try await recorder.finished()
        #expect(outcome.error?.code == .timeoutIdle)
        #expect(outcome.error?.receivedBytes == true)
        try await expectQuiet(recorder, world)
    }

    @Test func givesUpWhenNoConnectionIsFree() async throws {
        let world = try await UpstreamWorld.make(limits: UpstreamPoolLimits(connectionsPerOrigin: 1)) { _, _ in [] }
        let first = try await world.send(timeouts: UpstreamTimeouts(firstByte: 60_000))
        try await world.requestsReceived(1)
        let second = try await world.send(timeouts: timeouts)
        try await world.tick(milliseconds: 250)
        try await world.tick(milliseconds: 1_000)
        #expect(try await second.finished().error?.code == .timeoutConnect)
        #expect(try await world.statistics().active == 1)
        try await world.onLoop { _ in
            first.exchange?.cancel(); first.stopWaiting()
        }
        try await expectQuiet(second, world)
    }

    @Test func closesTheConnectionOfACancelledResponse() async throws {
        let world = try await UpstreamWorld.make { _, _ in
            [.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")]
        }
        let recorder = try await world.send()
        try await recorder.bodyReceived()
        try await world.onLoop { _ in
            recorder.exchange?.cancel()
            recorder.stopWaiting()
        }
        try await world.connectionClosed(0)
        #expect(try await world.statistics().idle == 0)
        try await expectQuiet(recorder, world)
    }

    @Test func canBeCancelledFromACallback() async throws {
        let world = try await UpstreamWorld.make { _, _ in
            [.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhelloworld")]
        }
        let recorder = try await world.send { recorder in
            recorder.onDelivery = { recorder, _ in
                recorder.exchange?.cancel()
                recorder.stopWaiting()
            }
        }
        let outcome = try await recorder.finished()
        #expect(outcome.status == 200)
        #expect(outcome.body == "")
        try await world.connectionClosed(0)
        try await expectQuiet(recorder, world)
    }

    @Test func cancellingACompleteResponseKeepsTheConnection() async throws {
        let world = try await UpstreamWorld.make { _, _ in [.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")] }
        let recorder = try await world.send()
        _ = try await recorder.finished()
        try await world.onLoop { _ in recorder.exchange?.cancel() }
        #expect(try await world.statistics().idle == 1)
        try await expectQuiet(recorder, world)
    }

    @Test func aPausedExchangeStopsTheUpstream() async throws {
        // Far more than the sockets of both sides hold.
        let size = 32 << 20
        let body = String(repeating: "x", count: size)
        let world = try await UpstreamWorld.make { _, _ in
            [.send("HTTP/1.1 200 OK\r\nContent-Length: \(size)\r\n\r\n" + body)]
        }
        let recorder = try await world.send(timeouts: timeouts) { recorder in
            recorder.onDelivery = { recorder, count in
                if count > 0 { recorder.exchange?.pauseReading() }
            }
        }
        try await recorder.bodyReceived()
        // The loop turns many times without reading any further; no timeout runs meanwhile.
        for _ in 0..<50 { try await world.tick(milliseconds: 1_000) }
        let paused = try await world.onLoop { _ in recorder.bytes }
        #expect(paused < 1 << 20)
        for _ in 0..<50 { try await world.tick(milliseconds: 1_000) }
        #expect(try await world.onLoop { _ in recorder.bytes } == paused)
        try await world.onLoop { _ in
            recorder.onDelivery = nil
            recorder.exchange?.resumeReading()
        }
        #expect(try await recorder.finished().body.utf8.count == size)
        #expect(try await world.onLoop { _ in recorder.flushes } > 1)
        try await expectQuiet(recorder, world)
    }

    @Test func reportsARefusedConnection() async throws {
        let world = try await UpstreamWorld.make { _, _ in [] }
        let free = try await ServerBootstrap(group: world.loop).bind(host: "127.0.0.1", port: 0).get()
        let port = free.localAddress?.port
        try await free.close().get()
        let recorder = try await world.send(port: port)
        let outcome = try await recorder.finished()
        #expect(outcome.error?.code == .connect)
        #expect(outcome.error?.sentence.contains("Connection refused") == true)
        try await expectQuiet(recorder, world)
    }

    @Test(arguments: [
        "127.0.0.1", "localhost", "0x7f000001", "2130706433", "0177.0.0.1", "127.1", "::1", "::ffff:127.0.0.1",
    ])
    func refusesAddressesThatTheEgressPolicyForbids(host: String) async throws {
        let world = try await UpstreamWorld.make(allow: []) { _, _ in [] }
        let recorder = try await world.send(host: host)
        let outcome = try await recorder.finished()
        #expect(outcome.error?.code == .denied)
        #expect(outcome.error?.sentence.contains(host) == true)
        #expect(outcome.error?.sentence.contains("loopback") == true || host.contains("ffff"))
        #expect(try await world.onLoop { $0.server.connections.count } == 0)
        try await expectQuiet(recorder, world)
    }

    @Test func resolvesNamesAndTriesEveryAddress() async throws {
        // `localhost` may be ::1 first, where nobody listens or which the policy refuses.
        let world = try await UpstreamWorld.make { _, _ in [.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")] }
        let recorder = try await world.send(host: "localhost")
        #expect(try await recorder.finished().body == "ok")
        try await expectQuiet(recorder, world)
    }

    @Test func reportsANameWithoutAddress() async throws {
        let world = try await UpstreamWorld.make { _, _ in [] }
        let recorder = try await world.send(host: "does-not-exist.invalid")
        let outcome = try await recorder.finished()
        #expect(outcome.error?.code == .resolve)
        #expect(outcome.error?.sentence.contains("does-not-exist.invalid") == true)
        try await expectQuiet(recorder, world)
    }
}
