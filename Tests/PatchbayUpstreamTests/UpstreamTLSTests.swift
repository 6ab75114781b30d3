import NIOCore
import PatchbayUpstream
import Testing

private let hello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

@Suite(.timeLimit(.minutes(5)), .enabled(if: TestCertificate.localhost != nil, "needs the openssl command"))
struct UpstreamTLSTests {
    private func world(
        _ certificate: TestCertificate?, trust: TestCertificate?, script: @escaping ScriptedUpstream.Script
    ) async throws -> UpstreamWorld {
        let certificate = try #require(certificate)
        let tls = try UpstreamTLS(trustRoots: trust.map { .pem($0.certificate) } ?? .system)
        return try await UpstreamWorld.make(trust: tls, serverTLS: certificate.serverContext(), script: script)
    }

    @Test func speaksToAVerifiedHostAndReusesTheConnection() async throws {
        let world = try await world(.localhost, trust: .localhost) { _, _ in [.send(hello)] }
        for _ in 0..<2 {
            let recorder = try await world.send(host: "localhost", scheme: .https)
            #expect(try await recorder.finished().body == "hello")
        }
        #expect(try await world.statistics().opened == 1)
        try await world.close()
    }

    @Test func verifiesAnAddressWithoutServerName() async throws {
        let world = try await world(.address, trust: .address) { _, _ in [.send(hello)] }
        let recorder = try await world.send(scheme: .https)
        #expect(try await recorder.finished().body == "hello")
        try await expectQuiet(recorder, world)
    }

    @Test func refusesAnUnknownAuthority() async throws {
        let world = try await world(.localhost, trust: .elsewhere) { _, _ in [.send(hello)] }
        let recorder = try await world.send(host: "localhost", scheme: .https)
        let outcome = try await recorder.finished()
        #expect(outcome.error?.code == .tls)
        #expect(outcome.error?.sentence.contains("certificate could not be verified") == true)
        #expect(try await world.onLoop { $0.server.requests.count } == 0)
        try await expectQuiet(recorder, world)
    }

    @Test func refusesACertificateForAnotherName() async throws {
        let world = try await world(.elsewhere, trust: .elsewhere) { _, _ in [.send(hello)] }
        let recorder = try await world.send(host: "localhost", scheme: .https)
        let outcome = try await recorder.finished()
        #expect(outcome.error?.code == .tls)
        #expect(outcome.error?.sentence.contains("another name") == true)
        #expect(try await world.onLoop { $0.server.requests.count } == 0)
        try await expectQuiet(recorder, world)
    }

    @Test func aPlainServerIsNoTLSServer() async throws {
        let tls = try UpstreamTLS(trustRoots: .pem(#require(TestCertificate.localhost).certificate))
        let world = try await UpstreamWorld.make(trust: tls) { _, _ in [.send(hello)] }
        let recorder = try await world.send(host: "localhost", scheme: .https)
        try await world.tick(milliseconds: 250)
        try await world.tick(milliseconds: 10_000)
        #expect(try await recorder.finished().error?.code == .timeoutConnect)
        // The handshake that leads nowhere is given up as well.
        while try await world.statistics().dialing > 0 { try await world.tick(milliseconds: 10_000) }
        try await expectQuiet(recorder, world)
    }

    @Test func withoutTLSSetUpSaysSo() async throws {
        let world = try await UpstreamWorld.make { _, _ in [.send(hello)] }
        let recorder = try await world.send(scheme: .https)
        let outcome = try await recorder.finished()
        #expect(outcome.error?.code == .tls)
        #expect(outcome.error?.sentence.contains("No TLS is set up") == true)
        try await expectQuiet(recorder, world)
    }

    @Test func aBodyUntilCloseEndsWithACloseNotification() async throws {
        let world = try await world(.localhost, trust: .localhost) { _, _ in
            [.send("HTTP/1.0 200 OK\r\n\r\nall of it"), .close]
        }
        let recorder = try await world.send(host: "localhost", scheme: .https)
        let outcome = try await recorder.finished()
        #expect(outcome.body == "all of it")
        #expect(outcome.error == nil)
        try await expectQuiet(recorder, world)
    }

    @Test func aBodyUntilCloseMustEndWithACloseNotification() async throws {
        let world = try await world(.localhost, trust: .localhost) { _, _ in
            [.send("HTTP/1.0 200 OK\r\n\r\nall of"), .cut]
        }
        let recorder = try await world.send(host: "localhost", scheme: .https)
        let outcome = try await recorder.finished()
        #expect(outcome.body == "all of")
        #expect(outcome.error?.code == .reset)
        try await expectQuiet(recorder, world)
    }
}
