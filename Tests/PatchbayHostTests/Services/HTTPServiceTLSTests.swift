import PatchbayCore
import PatchbayWire
import Testing

@testable import PatchbayHost

/// Control HTTP carries passwords and tokens of accounts: who answers has to prove who it is.
@Suite(.timeLimit(.minutes(5)), .enabled(if: SecureServer.isAvailable, "needs the openssl command"))
struct HTTPServiceTLSTests {
    private let workshop: Workshop

    init() throws {
        workshop = try Workshop()
        try workshop.build()
    }

    private enum Trust { case system, signer, stranger }

    /// What a plugin gets for `GET https://HOST/`.
    private func answer(trust: Trust, host: String) async throws -> JSONValue {
        let server = try SecureServer()
        defer { server.stop() }
        var settings = HTTPSettings()
        settings.authorities =
            switch trust {
            case .system: nil
            case .signer: server.authority
            case .stranger: server.stranger
            }
        let registry = try workshop.registry(allow: ["127.0.0.0/8", "::1/128"], http: settings)
        defer { registry.stop() }
        registry.scan()
        let arguments: JSONValue = [
            "url": .string("https://\(host):\(server.port)/"), "method": "GET", "flags": 0, "max": 0,
        ]
        let instance = try registry.instance(pluginID: "exerciser")
        return try JSONValue(parsing: try await instance.invoke("perform", arguments: arguments.serialised()))
    }

    @Test func theRightAuthorityIsAccepted() async throws {
        let answer = try await answer(trust: .signer, host: "localhost")
        #expect(answer["error"] == 0)
        #expect(answer["status"] == 200)
    }

    @Test func anAuthorityThatTheSystemDoesNotKnowIsRefused() async throws {
        try await expectRefusal(trust: .system, host: "localhost")
    }

    @Test func anotherAuthorityIsRefused() async throws {
        try await expectRefusal(trust: .stranger, host: "localhost")
    }

    @Test func aCertificateForAnotherNameIsRefused() async throws {
        try await expectRefusal(trust: .signer, host: "127.0.0.1")
    }

    private func expectRefusal(trust: Trust, host: String) async throws {
        let answer = try await answer(trust: trust, host: host)
        #expect(answer["error"] == -13)
        #expect(answer["status"] == 0)
        #expect(answer["body"] == "")
    }
}
