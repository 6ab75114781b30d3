import PatchbayCore
import Testing

@testable import PatchbayHost

/// Headers from a dictionary, at addresses that stay.
private final class FixedHeaders: HeaderSource {
    private let values: [String: StableBytes]

    init(_ values: [String: String]) {
        self.values = values.mapValues(StableBytes.init)
    }

    func headerValue(named name: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        values[String(decoding: name, as: UTF8.self)]?.view ?? UnsafeRawBufferPointer(start: nil, count: 0)
    }
}

struct UpstreamTests {
    private let registry: PluginRegistry
    private let workshop: Workshop
    private let instance: PluginInstance

    init() throws {
        workshop = try Workshop()
        try workshop.build(manifest: Workshop.manifest(#","permissions":["net:https://elsewhere.example"]"#))
        registry = try workshop.registry()
        registry.scan()
        instance = try registry.instance(pluginID: "exerciser")
    }

    private func prepare(
        model: String = "m", baseURL: String = "http://site.example:8080", stream: Bool = true, into draft: RequestDraft
    ) throws(PluginError) {
        let texts = ["openai.chat", "generate", baseURL, "public", model, "api_key"].map(StableBytes.init)
        var input = AttemptInput(
            format: texts[0].view, operation: texts[1].view, baseURL: texts[2].view, requestedModel: texts[3].view,
            upstreamModel: texts[4].view, credentialKind: texts[5].view)
        input.isStream = stream
        input.headers = FixedHeaders(["x-beta": "first"])
        try instance.prepare(input, into: draft)
        withExtendedLifetime(texts) {}
    }

    @Test func collectsWhatThePluginDecides() throws {
        let draft = RequestDraft()
        for _ in 0..<2 {
            try prepare(into: draft)
            #expect(draft.text(draft.url) == "http://site.example:8080/v1/chat/completions")
            #expect(draft.method.isEmpty)
            let headers = draft.headers.map {
                "\(draft.text($0.name)): \($0.value.map(draft.text) ?? "-") \($0.hasSecret)"
            }
            #expect(
                headers == ["Authorization: Bearer ${secret:api_key} true", "x-beta: second false", "Cookie: - false"])
            let patches = draft.patches.map { "\(draft.text($0.pointer)) \($0.value.map(draft.text) ?? "-")" }
            #expect(patches == ["/stream_options/include_usage true", "/user -"])
        }
    }

    @Test(
        "a plugin promises not to look at sizes in a field that older ones do not have",
        arguments: [
            ([], false), (["UPSTREAM_FLAGS=PB_UPSTREAM_IGNORES_SIZE"], true), (["UPSTREAM_FLAGS=2"], false),
            (["UPSTREAM_FLAGS=1", "UPSTREAM_SIZE=24"], false),
        ] as [([String], Bool)])
    func anySize(defines: [String], expected: Bool) throws {
        let workshop = try Workshop()
        try workshop.build(defines: defines)
        let registry = try workshop.registry()
        registry.scan()
        let instance = try registry.instance(pluginID: "exerciser")
        #expect(instance.preparesForAnySize == expected)
        #expect(instance.supportsUpstream)
    }

    @Test func passesOnTheSentenceOfThePlugin() {
        #expect(throws: PluginError(.unsupported, "The model none is not served.")) {
            try prepare(model: "none", into: RequestDraft())
        }
        #expect(throws: PluginError(.internalDefect, "The plugin exerciser prepared a request without a URL.")) {
            try prepare(model: "nowhere", into: RequestDraft())
        }
    }

    @Test func refusesAnOriginThatIsNeitherTheSitesNorDeclared() throws {
        #expect(
            throws: PluginError(
                .denied,
                "The plugin exerciser wants to send to http://elsewhere.example:80, which is neither the site's origin nor "
                    + "declared in its manifest.")
        ) { try prepare(model: "abroad", into: RequestDraft()) }
        try prepare(model: "abroad", baseURL: "http://ELSEWHERE.example:80", into: RequestDraft())
    }

    @Test(
        "an origin is scheme, host and port",
        arguments: [
            ("http://a.b/c", "http", "a.b", 80), ("HTTPS://A.b:8443", "https", "a.b", 8443),
            ("http://[::1]:81/x?y", "http", "[::1]", 81), ("https://[::1]", "https", "[::1]", 443),
        ])
    func origins(text: String, scheme: String, host: String, port: Int) throws {
        let origin = try #require(URLOrigin(text))
        #expect((origin.scheme, origin.host, origin.port) == (scheme, host, port))
    }

    @Test(
        "what is no origin",
        arguments: ["", "a.b", "ftp://a", "http://", "http://u@a", "http://a:0", "http://a:x", "http:a"])
    func noOrigins(text: String) {
        #expect(URLOrigin(text) == nil)
    }

    @Test func mapsAVerdict() throws {
        let texts = ["openai.chat", "generate", "body"].map(StableBytes.init)
        var input = OutcomeInput(httpStatus: 429, format: texts[0].view, operation: texts[1].view)
        input.body = texts[2].view
        input.headers = FixedHeaders(["retry-after": "3"])
        #expect(
            instance.classify(input)
                == Verdict(
                    fault: .rate, retry: .otherAccount, cooldownMilliseconds: 4, retryAfterMilliseconds: 3000,
                    wantsLogin: true, reason: "Too many requests."))
        input.headers = nil
        input.transport = .reset
        #expect(instance.classify(input)?.fault == .network)
        #expect(instance.classify(input)?.retryAfterMilliseconds == 0)
    }

    @Test func leavesTheJudgementToTheHost() {
        let text = StableBytes("x")
        #expect(instance.classify(OutcomeInput(httpStatus: 418, format: text.view, operation: text.view)) == nil)
    }

    @Test func aDraftIsBounded() {
        let draft = RequestDraft()
        let long = Array(String(repeating: "a", count: 20_000).utf8)
        func with(_ text: String, _ body: (UnsafeRawBufferPointer) -> Int32) -> Int32 {
            Array(text.utf8).withUnsafeBytes(body)
        }
        func setHeader(_ name: String) -> Int32 {
            with(name) { name in long.withUnsafeBytes { draft.setHeader(name, $0) } }
        }
        #expect(long.withUnsafeBytes { draft.setURL($0) } == Status.tooLarge)
        for index in 0..<RequestDraft.headerLimit { #expect(setHeader("h\(index)") == Status.ok) }
        #expect(setHeader("one-more") == Status.tooLarge)
        #expect(setHeader("H0") == Status.ok)
        #expect(draft.headers.count == RequestDraft.headerLimit)
        #expect(with("model") { draft.addPatch($0, $0) } == Status.invalid)
        #expect(with("/a/b/c") { draft.addPatch($0, $0) } == Status.invalid)
        #expect(with("get") { draft.setMethod($0) } == Status.invalid)
    }
}
