import PatchbayPlugin

/// A platform adapter that does what its tests ask for.
struct ProbePlatform: PlatformAdapter {
    struct Settings: Decodable {
        var greeting: String
        var limit: Int?
    }

    struct Unforeseen: Error {}

    let settings: Settings
    let host: Host

    init(configuration: PluginConfiguration, host: Host) throws {
        settings = try configuration.decode(Settings.self)
        self.host = host
        host.log.info("created", [("greeting", settings.greeting)])
        host.log.debug("not wanted")
    }

    func prepare(_ attempt: Attempt, into request: inout RequestBuilder) throws {
        if attempt.operation == "refuse" { throw PluginError(.unsupported, "It is refused.") }
        if attempt.operation == "break" { throw Unforeseen() }
        if attempt.operation == "space" { request.setURL("http://a b") }
        request.setHeader("x-format", attempt.format)
        if attempt.operation != "space" { request.setURL(attempt.baseURL, path: "/p", query: attempt.query) }
        request.removeHeader("cookie")
        request.patch("/a/b", json: "1")
        request.removeMember("/c")
        request.setHeader("x-echo", attempt.header("x-given"))
    }

    func classify(_ outcome: Outcome) -> Verdict? {
        guard outcome.status == 418 else { return nil }
        var verdict = Verdict(.quota, retry: .otherAccount, cooldown: .seconds(2), retryAfter: .milliseconds(1500))
        verdict.disableCredential = true
        verdict.loginAgain = true
        verdict.reason = "short and stout"
        return verdict
    }

    static var operations: [Operation<Self>] {
        [
            Operation("echo", echo), Operation("wait", wait), Operation("fetch", fetch), Operation("throw", fail),
            Operation("store", store), Operation("secret", secret), Operation("nap", nap),
            Operation("context", context),
            Operation(rawJSON: "raw", raw), Operation("leave", leave), Operation("break", breakDown),
        ]
    }

    struct Echo: Codable, Sendable { var text: String }

    func echo(_ arguments: Echo, _ call: Call) async throws -> Echo { Echo(text: settings.greeting + arguments.text) }
    func raw(_ arguments: [UInt8], _ call: Call) async throws -> [UInt8] { arguments }

    func wait(_ call: Call) async throws -> Nothing {
        try await Task.sleep(for: .seconds(3600))
        return Nothing()
    }

    func fetch(_ call: Call) async throws -> Echo {
        Echo(text: try await call.http(.get(call.baseURL + "/x", headers: [("a", "b")])).checked(as: "the text").text)
    }

    func fail(_ call: Call) async throws -> Nothing {
        throw PluginError(.rateLimited, "Slow down.", httpStatus: 429, retryAfter: .seconds(3), detailsJSON: "{}")
    }

    func breakDown(_ call: Call) async throws -> Nothing { throw Unforeseen() }

    func store(_ call: Call) async throws -> Echo {
        let store = call.store(.account)
        try await store.put("k", Array("one".utf8), when: .ifAbsent)
        let entry = try await store.get("k")
        do throws(PluginError) {
            try await store.put("k", [], when: .ifAbsent)
        } catch {
            guard error.code == .conflict else { throw error }
            try await store.put("k", Array("two".utf8), when: .ifRevision(entry?.revision ?? 0))
        }
        let second = try await store.get("k")
        try await store.remove("k")
        let gone = try await store.get("k") == nil
        return Echo(text: String(decoding: (entry?.value ?? []) + (second?.value ?? []), as: UTF8.self) + " \(gone)")
    }

    func secret(_ call: Call) async throws -> Echo {
        Echo(text: "\(call.hasSecret("s")) \(call.hasSecret("t")) \(try await call.revealSecret("s"))")
    }

    func nap(_ call: Call) async throws -> Nothing {
        try await call.sleep(for: .milliseconds(2500))
        return Nothing()
    }

    func context(_ call: Call) async throws -> Echo {
        Echo(text: "\(call.baseURL) \(call.account?.id ?? "-") \(call.account?.fields["user_id"] ?? "-")")
    }

    /// Uses the call from a task that outlives the operation.
    func leave(_ call: Call) async throws -> Nothing {
        let reporter = LeftTask.shared
        Task {
            await reporter.released()
            do throws(PluginError) {
                _ = try await call.http(.get("https://late.test"))
                await reporter.finish("answered")
            } catch {
                await reporter.finish(error.message)
            }
        }
        return Nothing()
    }
}

/// Lets a test hold a task back until the operation is over, and learn how the task ended.
actor LeftTask {
    static let shared = LeftTask()

    private var isReleased = false
    private var gate: CheckedContinuation<Void, Never>?
    private var outcome: String?
    private var waiter: CheckedContinuation<String, Never>?

    func released() async {
        if isReleased { return }
        await withCheckedContinuation { gate = $0 }
    }

    func release() {
        isReleased = true
        gate?.resume()
        gate = nil
    }

    func finish(_ text: String) {
        outcome = text
        waiter?.resume(returning: text)
        waiter = nil
    }

    func result() async -> String {
        if let outcome { return outcome }
        return await withCheckedContinuation { waiter = $0 }
    }
}

enum Probes {
    static let platform = PluginModule(ProbePlatform.self, id: "probe-platform", manifest: #"{"id":"probe-platform"}"#)
    static let codec = PluginModule(ProbeCodec.self, id: "probe-codec", manifest: #"{"id":"probe-codec"}"#)
}
