import NIOCore
import PatchbayUpstream
import Testing

@Suite(.timeLimit(.minutes(5)))
struct UpstreamBoundsTests {
    private static let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

    @Test func givesUpWhenTheRequestIsNotTaken() async throws {
        // The server of the world reads; a socket that nobody accepts from does not.
        let world = try await UpstreamWorld.make { _, _ in [] }
        let deaf = try await DeafListener.make(on: world.loop)
        let timeouts = UpstreamTimeouts(connect: 60_000, write: 1_000, firstByte: 60_000)
        let recorder = try await world.send(
            String(repeating: "a", count: 40_000_000), port: deaf.port, timeouts: timeouts)
        while try await world.statistics().opened == 0 { await Task.yield() }
        // Progress of the kernel's buffers moves the deadline; after it nothing does.
        var outcome: Recorder.Outcome?
        for _ in 0..<20 where outcome == nil {
            try await world.tick(milliseconds: 600)
            if try await world.statistics().active == 0 { outcome = try await recorder.finished() }
        }
        #expect(outcome?.error?.code == .timeoutWrite)
        #expect(outcome?.error?.sentence.contains("took nothing of the request for 1000 ms") == true)
        try await deaf.close()
        try await expectQuiet(recorder, world)
    }

    @Test func anOldConnectionTakesNoFurtherRequest() async throws {
        let world = try await UpstreamWorld.make(limits: UpstreamPoolLimits(connectionAgeMilliseconds: 1_000)) { _, _ in
            [.send(Self.answer)]
        }
        try await world.tick(milliseconds: 250)
        _ = try await world.send().finished()
        try await world.tick(milliseconds: 500)
        _ = try await world.send().finished()
        #expect(try await world.statistics().opened == 1)
        try await world.tick(milliseconds: 600)
        _ = try await world.send().finished()
        #expect(try await world.statistics().opened == 2)
        try await world.close()
    }

    @Test func originsMayHaveBoundsOfTheirOwn() async throws {
        let world = try await UpstreamWorld.make { _, _ in [.send(Self.answer)] }
        _ = try await world.send().finished()
        #expect(try await world.statistics().idle == 1)
        try await world.onLoop { world in
            let origin = UpstreamOrigin(scheme: .http, host: "127.0.0.1", port: world.port)
            world.pool.setLimits(UpstreamPoolLimits(), origins: [origin: UpstreamPoolLimits(idlePerOrigin: 0)])
        }
        _ = try await world.send().finished()
        #expect(try await world.statistics().idle == 0)
        try await world.close()
    }

    @Test func nothingIsSentToAnAddressOfOurOwn() async throws {
        let world = try await UpstreamWorld.make { _, _ in [.send(Self.answer)] }
        try await world.onLoop { world in
            world.pool.resolver.ownListeners = OwnListeners([try SocketAddress(ipAddress: "0.0.0.0", port: world.port)])
        }
        for host in ["127.0.0.1", "localhost"] {
            let outcome = try await world.send(host: host).finished()
            #expect(outcome.error?.code == .loop, "\(host)")
        }
        try await world.onLoop { $0.pool.resolver.ownListeners = OwnListeners() }
        #expect(try await world.send().finished().status == 200)
        try await world.close()
    }

    @Test(arguments: [
        ("127.0.0.1", "127.0.0.1", true), ("127.0.0.1", "127.0.0.2", false), ("127.0.0.1", "0.0.0.0", true),
        ("127.0.0.1", "::ffff:127.0.0.1", true), ("127.0.0.1", "10.1.2.3", false), ("0.0.0.0", "127.9.9.9", true),
        ("0.0.0.0", "::1", true), ("::", "::1", true), ("::", "127.0.0.1", true), ("::1", "::", true),
        ("0.0.0.0", "192.0.2.1", false), ("10.0.0.5", "10.0.0.5", true), ("::1", "::2", false),
    ])
    func ownAddresses(listener: String, target: String, isOwn: Bool) throws {
        let listeners = OwnListeners([try SocketAddress(ipAddress: listener, port: 4000)])
        #expect(listeners.contains(try SocketAddress(ipAddress: target, port: 4000)) == isOwn)
        #expect(!listeners.contains(try SocketAddress(ipAddress: target, port: 4001)))
    }

    @Test func clientsAreAddressesOrNetworks() throws {
        func client(_ text: String) throws -> NetworkAddress? {
            NetworkAddress(try SocketAddress(ipAddress: text, port: 1))?.client
        }
        #expect(try client("10.0.0.1") == client("::ffff:10.0.0.1"))
        #expect(try client("10.0.0.1") != client("10.0.0.2"))
        #expect(try client("2001:db8:1:2::1") == client("2001:db8:1:2:ffff::9"))
        #expect(try client("2001:db8:1:2::1") != client("2001:db8:1:3::1"))
    }
}
