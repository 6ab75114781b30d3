import Foundation
import PatchbayCore
import PatchbayWire
import Testing

@testable import PatchbayHost

@Suite(.timeLimit(.minutes(5)))
struct HTTPServiceTests {
    private let workshop: Workshop

    init() throws {
        workshop = try Workshop()
        try workshop.build()
    }

    private let account = AccountContext(
        id: "alpha/main", credential: Credential(kind: "api_key", secrets: ["key": Secret("s3\"cr3t")]))

    private enum Flag {
        static let expandBody = 1
        static let follow = 2
        static let noCookies = 4
    }

    private func instance(allow: [String] = ["127.0.0.1/32"]) throws -> (PluginRegistry, PluginInstance) {
        let registry = try workshop.registry(allow: allow)
        registry.scan()
        return (registry, try registry.instance(pluginID: "exerciser"))
    }

    private func call(
        _ instance: PluginInstance, _ operation: String = "perform", url: String, method: String = "GET",
        header: String? = nil, body: String? = nil, flags: Int = 0, max: Int = 0, account: AccountContext? = nil,
        timeout: Int? = nil
    ) async throws -> JSONValue {
        var arguments: JSONValue = [
            "url": .string(url), "method": .string(method), "flags": .int(flags), "max": .int(max),
        ]
        if let header { arguments["header"] = .string(header) }
        if let body { arguments["body"] = .string(body) }
        return try JSONValue(
            parsing: try await instance.invoke(
                operation, arguments: arguments.serialised(), account: account, timeoutMilliseconds: timeout))
    }

    @Test("an answer arrives both ways", arguments: ["perform", "send"])
    func answers(operation: String) async throws {
        let server = LocalServer { _ in
            LocalServer.answer("hello", status: "201 Created", headers: ["X-One: 1", "Set-Cookie: a=b"])
        }
        defer { server.stop() }
        let (registry, instance) = try instance()
        defer { registry.stop() }
        let answer = try await call(
            instance, operation, url: "\(server.base)/p?q=1", method: "POST", header: "v", body: "{}")
        #expect(answer["error"] == 0)
        #expect(answer["status"] == 201)
        #expect(answer["body"] == "hello")
        #expect(answer["url"] == .string("\(server.base)/p?q=1"))
        #expect(answer["headers"]?["x-one"] == "1")
        #expect(answer["headers"]?["set-cookie"] == "a=b")
        let request = try #require(server.requests.first)
        #expect(request.hasPrefix("POST /p?q=1 HTTP/1.1\r\n"))
        #expect(request.contains("x-test: v\r\n"))
        #expect(request.contains("User-Agent: patchbay/test\r\n"))
        #expect(!request.contains("Content-Type"))
        #expect(request.hasSuffix("\r\n\r\n{}"))
    }

    @Test func everyMethodSendsWhatItShould() async throws {
        let server = LocalServer { request in LocalServer.answer(request.hasPrefix("HEAD") ? "" : "ok") }
        defer { server.stop() }
        let (registry, instance) = try instance()
        defer { registry.stop() }
        for (method, body) in [
            ("GET", nil), ("HEAD", nil), ("DELETE", nil), ("POST", ""), ("PUT", "x"), ("PATCH", "x"),
        ] {
            let answer = try await call(instance, url: server.base, method: method, body: body)
            #expect(answer["status"] == 200, "\(method)")
        }
        #expect(
            server.requests.map { String($0.prefix { $0 != " " }) } == [
                "GET", "HEAD", "DELETE", "POST", "PUT", "PATCH",
            ])
        #expect(server.requests[3].contains("Content-Length: 0\r\n"))
    }

    @Test func secretsAreFilledInByTheHost() async throws {
        let server = LocalServer { _ in LocalServer.answer("ok") }
        defer { server.stop() }
        let (registry, instance) = try instance()
        defer { registry.stop() }
        let answer = try await call(
            instance, url: "\(server.base)/?k=${secret:key}", method: "POST", header: "Bearer ${secret:key}",
            body: #"{"k":"${secret:key}"}"#, flags: Flag.expandBody, account: account)
        #expect(answer["url"] == .string("\(server.base)/?k=${secret:key}"))
        let request = try #require(server.requests.first)
        #expect(request.hasPrefix("POST /?k=s3%22cr3t HTTP/1.1\r\n"))
        #expect(request.contains("x-test: Bearer s3\"cr3t\r\n"))
        #expect(request.hasSuffix(#"{"k":"s3\"cr3t"}"#))
        let unknown = try await call(instance, url: server.base, header: "${secret:other}", account: account)
        #expect(unknown["error"] == -4)
        #expect(unknown["message"] == "The account has no secret named \"other\".")
        #expect(server.requests.count == 1)
    }

    @Test func theEgressGuardRefusesPrivateAddresses() async throws {
        let server = LocalServer { _ in LocalServer.answer("secret") }
        defer { server.stop() }
        let (registry, instance) = try instance(allow: [])
        defer { registry.stop() }
        for host in ["127.0.0.1", "localhost"] {
            let answer = try await call(instance, url: "http://\(host):\(server.port)/")
            #expect(answer["error"] == -3)
            let message = try #require(answer["message"]?.stringValue)
            #expect(message.hasPrefix("The address "))
            #expect(message.hasSuffix(" of \(host) is refused by the egress policy."))
        }
        #expect(server.requests.isEmpty)
        // The policy can be changed while the host runs.
        registry.setEgress(try EgressPolicy(allow: ["127.0.0.0/8"]))
        #expect(try await call(instance, url: server.base)["status"] == 200)
    }

    @Test func onlyHTTPIsSpoken() async throws {
        let (registry, instance) = try instance()
        defer { registry.stop() }
        for url in [
            "file:///etc/passwd", "gopher://127.0.0.1/", "http://user:pass@127.0.0.1/", "/relative", "http://a b/",
        ] {
            let answer = try await call(instance, url: url)
            #expect(answer["error"] == -1, "\(url)")
        }
    }

    @Test func redirectsAreFollowedOnlyWhenAsked() async throws {
        let server = LocalServer { request in
            request.hasPrefix("GET /end")
                ? LocalServer.answer("arrived")
                : LocalServer.answer("", status: "302 Found", headers: ["Location: /end"])
        }
        defer { server.stop() }
        let (registry, instance) = try instance()
        defer { registry.stop() }
        #expect(try await call(instance, url: "\(server.base)/a")["status"] == 302)
        let followed = try await call(
            instance, url: "\(server.base)/a", method: "POST", header: "${secret:key}", body: "x", flags: Flag.follow,
            account: account)
        #expect(followed["body"] == "arrived")
        #expect(followed["url"] == .string("\(server.base)/end"))
        #expect(try #require(server.requests.last).contains("x-test: s3\"cr3t\r\n"))
    }

    @Test func aRedirectToAnotherOriginLosesTheCredentials() async throws {
        let target = LocalServer { _ in LocalServer.answer("arrived") }
        defer { target.stop() }
        let server = LocalServer { [base = target.base] _ in
            LocalServer.answer("", status: "307 Temporary Redirect", headers: ["Location: \(base)/x"])
        }
        defer { server.stop() }
        let (registry, instance) = try instance()
        defer { registry.stop() }
        let followed = try await call(
            instance, url: server.base, header: "Bearer ${secret:key}", flags: Flag.follow, account: account)
        #expect(followed["body"] == "arrived")
        let request = try #require(target.requests.first)
        #expect(!request.contains("cr3t"))
        #expect(request.contains("x-plain: plain"))
        let withBody = try await call(
            instance, url: server.base, method: "POST", body: "${secret:key}", flags: Flag.follow | Flag.expandBody,
            account: account)
        #expect(withBody["error"] == -3)
        #expect(target.requests.count == 1)
    }

    @Test func aRedirectIntoAPrivateNetworkIsRefused() async throws {
        let server = LocalServer { _ in
            LocalServer.answer("", status: "302 Found", headers: ["Location: http://127.0.0.2:1/"])
        }
        defer { server.stop() }
        let (registry, instance) = try instance()
        defer { registry.stop() }
        let answer = try await call(instance, url: server.base, flags: Flag.follow)
        #expect(answer["error"] == -3)
        #expect(answer["message"] == "The address 127.0.0.2 of 127.0.0.2 is refused by the egress policy.")
    }

    @Test func redirectLoopsEnd() async throws {
        let server = LocalServer { _ in LocalServer.answer("", status: "302 Found", headers: ["Location: /"]) }
        defer { server.stop() }
        let (registry, instance) = try instance()
        defer { registry.stop() }
        let answer = try await call(instance, url: server.base, flags: Flag.follow)
        #expect(answer["message"] == "The site redirects more than 5 times.")
        #expect(server.requests.count == 6)
    }

    @Test func cookiesBelongToTheAccount() async throws {
        let server = LocalServer { _ in LocalServer.answer("ok", headers: ["Set-Cookie: session=abc; Path=/"]) }
        defer { server.stop() }
        let (registry, instance) = try instance()
        defer { registry.stop() }
        let other = AccountContext(id: "alpha/other", credential: .none)
        for (who, flags) in [(account, 0), (account, 0), (other, 0), (account, Flag.noCookies)] {
            _ = try await call(instance, url: server.base, flags: flags, account: who)
        }
        _ = try await call(instance, url: server.base)
        #expect(server.requests.map { $0.contains("Cookie: session=abc") } == [false, true, false, false, false])
    }

    @Test func aLongAnswerIsCutOffWithAnError() async throws {
        let server = LocalServer { _ in LocalServer.answer(String(repeating: "x", count: 5000)) }
        defer { server.stop() }
        let (registry, instance) = try instance()
        defer { registry.stop() }
        #expect(try await call(instance, url: server.base, max: 5000)["status"] == 200)
        let answer = try await call(instance, url: server.base, max: 4999)
        #expect(answer["error"] == -6)
        #expect(answer["message"] == "The answer of 127.0.0.1 has more than 4999 bytes.")
    }

    @Test func aConnectionThatIsRefusedIsANetworkError() async throws {
        let server = LocalServer { _ in nil }
        server.stop()
        let (registry, instance) = try instance()
        defer { registry.stop() }
        let answer = try await call(instance, url: server.base)
        #expect(answer["error"] == -13)
    }

    @Test("a call that is given up gives up its request", arguments: ["perform", "send"])
    func cancellation(operation: String) async throws {
        let server = LocalServer { _ in nil }
        defer { server.stop() }
        let (registry, instance) = try instance()
        defer { registry.stop() }
        let task = Task { try await call(instance, operation, url: server.base) }
        try await until { !server.requests.isEmpty }
        task.cancel()
        await #expect(throws: PluginError.self) { try await task.value }
        // The plugin ends the call when it has got its answer.
        try await until { registry.plugins.first?.counters.pendingCalls == 0 }
    }

    @Test func theDeadlineOfTheCallBoundsTheRequest() async throws {
        let server = LocalServer { _ in nil }
        defer { server.stop() }
        let (registry, instance) = try instance()
        defer { registry.stop() }
        // Either the host gives the call up, or the plugin has heard of the time-out a moment before.
        do {
            let answer = try await call(instance, "send", url: server.base, timeout: 50)
            #expect(answer["error"] == -7)
        } catch let error as PluginError {
            #expect(error == PluginError(.timeout, "The operation send was not finished within 50 ms."))
        }
        try await until { registry.plugins.first?.counters.pendingCalls == 0 }
    }

    @Test func stoppingTheHostAnswersWhatIsInFlight() async throws {
        let server = LocalServer { _ in nil }
        defer { server.stop() }
        let (registry, instance) = try instance()
        let task = Task { try await call(instance, "perform", url: server.base) }
        try await until { !server.requests.isEmpty }
        registry.stop()
        do {
            #expect(try await task.value["error"] == -8)
        } catch let error as PluginError {
            #expect(error == PluginError(.unavailable, "The host is stopping."))
        }
        // The blocked thread is free again.
        try await until { registry.plugins.first?.counters.pendingCalls == 0 }
    }
}
