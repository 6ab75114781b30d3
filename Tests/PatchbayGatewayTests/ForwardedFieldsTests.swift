import PatchbayWire
import Testing

@testable import PatchbayGateway

@Suite struct ForwardedFieldsTests {
    private func field(_ name: String) -> HTTPField {
        HTTPField(
            name: .empty, value: .empty, known: Array(name.utf8).withUnsafeBytes { HTTPKnownName(name: $0) })
    }

    private func goesToUpstream(_ name: String, sameFormat: Bool) -> Bool {
        Array(name.utf8).withUnsafeBytes { ForwardedFields.toUpstream(field(name), name: $0, sameFormat: sameFormat) }
    }

    private func goesToClient(_ name: String) -> Bool {
        Array(name.utf8).withUnsafeBytes { ForwardedFields.toClient(field(name), name: $0) }
    }

    @Test(
        "credentials and hop-by-hop fields stay, whatever the format",
        arguments: [
            "authorization", "Authorization", "x-api-key", "X-Api-Key", "api-key", "x-goog-api-key",
            "proxy-authorization",
            "cookie", "Cookie", "connection", "keep-alive", "transfer-encoding", "content-length", "te", "trailer",
            "upgrade",
            "host", "expect", "accept-encoding", "content-encoding", "x-forwarded-for", "X-Forwarded-Proto",
            "forwarded", "via",
            "x-real-ip", "openai-organization", "OpenAI-Project", "x-stainless-lang", "x-patchbay-anything", "cf-ray",
            "x-amz-security-token", "origin", "Referer", "X-HTTP-Method-Override", "X-OpenWebUI-User-Email",
        ])
    func secretsStay(name: String) {
        #expect(!goesToUpstream(name, sameFormat: true))
        #expect(!goesToUpstream(name, sameFormat: false))
    }

    @Test(arguments: ["content-type", "accept", "User-Agent"])
    func whatEveryFormatUnderstandsGoes(name: String) {
        #expect(goesToUpstream(name, sameFormat: true))
        #expect(goesToUpstream(name, sameFormat: false))
    }

    /// E-66
    @Test(arguments: ["anthropic-version", "Anthropic-Beta", "x-title", "openai-beta", "idempotency-key"])
    func whatOneFormatUnderstandsGoesToItAlone(name: String) {
        #expect(goesToUpstream(name, sameFormat: true))
        #expect(!goesToUpstream(name, sameFormat: false))
    }

    @Test(arguments: [
        "Content-Type", "retry-after", "openai-processing-ms", "X-RateLimit-Remaining-Requests",
        "anthropic-ratelimit-tokens-reset",
    ])
    func limitsReachTheClient(name: String) {
        #expect(goesToClient(name))
    }

    @Test(arguments: [
        "set-cookie", "Set-Cookie", "server", "date", "x-request-id", "request-id", "content-length",
        "transfer-encoding",
        "connection", "strict-transport-security", "access-control-allow-origin", "alt-svc", "x-powered-by", "cf-ray",
        "location", "x-patchbay-warnings",
    ])
    func theUpstreamsOwnAffairsDoNot(name: String) {
        #expect(!goesToClient(name))
    }

    @Test func namesAreComparedWithoutCaseButWhole() {
        let name = Array("X-Ab@".utf8)
        name.withUnsafeBytes {
            #expect($0.equalsIgnoringCase("x-ab@"))
            #expect(!$0.equalsIgnoringCase("x-ab"))
            #expect(!$0.equalsIgnoringCase("x-ab@c"))
            #expect($0.hasPrefixIgnoringCase("x-"))
            #expect(!$0.hasPrefixIgnoringCase("x-ab@c"))
            // The letter bit alone does not make characters equal: @ and ` differ by it.
            #expect(!$0.equalsIgnoringCase("x-ab`"))
        }
    }

    @Test(
        "a header that Connection names belongs to that connection",
        arguments: [
            ("x-trace", "close, X-Trace", true), ("x-trace", "x-trace", true), ("x-trace", " keep-alive ,\tx-trace ", true),
            ("x-trace", "x-tracer", false), ("x-trace", "", false), ("x-trace", ",,", false),
        ])
    func namedByConnection(name: String, connection: String, isListed: Bool) {
        let found = Array(name.utf8).withUnsafeBytes { name in
            Array(connection.utf8).withUnsafeBytes { ForwardedFields.isListed(name, in: $0) }
        }
        #expect(found == isListed)
    }
}
