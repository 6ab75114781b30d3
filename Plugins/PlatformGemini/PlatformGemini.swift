import PatchbayPlugin

/// The adapter for generativelanguage.googleapis.com and sites that answer like it.
struct PlatformGemini: PlatformAdapter {
    private struct Settings: Decodable {
        var api_version: String?
        var authorization: String?
    }

    /// Put between a base URL without a version and the path.
    private let version: String
    private let usesBearer: Bool

    init(configuration: PluginConfiguration, host: Host) throws {
        let settings = try configuration.decode(Settings.self)
        version = settings.api_version ?? "v1beta"
        switch settings.authorization ?? "x-goog-api-key" {
        case "x-goog-api-key": usesBearer = false
        case "bearer": usesBearer = true
        default: throw PluginError(.invalid, "authorization must be x-goog-api-key or bearer.")
        }
    }

    // MARK: Data plane

    static var preparesForAnySize: Bool { true }

    func prepare(_ attempt: Attempt, into request: inout RequestBuilder) throws {
        let prefix = ModelPath.endsInVersion(attempt.baseURL) ? "" : "/" + version
        if attempt.operation == "models" {
            request.setMethod("GET")
            request.setURL(attempt.baseURL, path: prefix + "/models")
        } else {
            guard let method = Self.method(attempt) else {
                throw PluginError(.unsupported, "Gemini does not speak \(attempt.format.string).")
            }
            // The name of the model stands in the path; nothing of the client's query belongs to the upstream.
            let path = prefix + ModelPath.of(attempt.upstreamModel.string) + method
            request.setURL(attempt.baseURL, path: path)
        }
        setHeaders(attempt.credentialKind, &request)
    }

    /// The end of the path. Streams are asked for as events, whatever the client wants: an array has no frames that
    /// a proxy would pass on at once.
    private static func method(_ attempt: Attempt) -> String? {
        switch attempt.format {
        case "gemini.generate": attempt.isStream ? ":streamGenerateContent?alt=sse" : ":generateContent"
        case "gemini.count_tokens": ":countTokens"
        case "gemini.embed": ":embedContent"
        case "gemini.embed_batch": ":batchEmbedContents"
        default: nil
        }
    }

    private func setHeaders(_ kind: ByteView, _ request: inout RequestBuilder) {
        let isToken = kind == "access_token"
        let usesBearer = isToken || usesBearer
        request.removeHeader(usesBearer ? "x-goog-api-key" : "authorization")
        request.setHeader(
            usesBearer ? "authorization" : "x-goog-api-key", Self.credential(isToken: isToken, usesBearer: usesBearer))
    }

    private static func credential(isToken: Bool, usesBearer: Bool) -> String {
        if isToken { return "Bearer ${secret:access_token}" }
        return usesBearer ? "Bearer ${secret:api_key}" : "${secret:api_key}"
    }

    func classify(_ outcome: Outcome) -> Verdict? {
        let report = ErrorReport(outcome.body)
        guard var verdict = Verdict.standard(for: outcome, report: report) else { return nil }
        if let details = ErrorDetails(outcome.body) { refine(&verdict, outcome, details) }
        if outcome.bytesToClient > 0 { verdict.retry = .none }
        return verdict
    }

    /// What only Google says.
    private func refine(_ verdict: inout Verdict, _ outcome: Outcome, _ details: ErrorDetails) {
        if let delay = details.retryDelay { verdict.retryAfter = delay }
        switch details.status {
        case "RESOURCE_EXHAUSTED":
            // The sentence about the quota comes with every limit; only one that lasts a day is worth a long rest.
            verdict.fault = details.isDailyLimit ? .quota : .rate
            verdict.retry = .otherAccount
            verdict.disableCredential = false
        case _ where details.reason == "API_KEY_INVALID" || details.reason == "API_KEY_EXPIRED":
            // A bad key is answered with status 400.
            verdict.fault = .credential
            verdict.retry = .otherAccount
            verdict.disableCredential = true
        case "PERMISSION_DENIED":
            // The key is good but may not do this; what it may do elsewhere is not known.
            verdict.fault = .credential
            verdict.retry = .otherAccount
            verdict.disableCredential = false
        case "FAILED_PRECONDITION" where details.message.contains("location is not supported"):
            verdict.fault = .site
            verdict.retry = .otherChannel
        case "NOT_FOUND" where details.message.contains("models/"):
            verdict.fault = .model
            verdict.retry = .otherChannel
        case "UNAVAILABLE":
            verdict.fault = .overload
            verdict.retry = .otherChannel
        default: break
        }
    }

    // MARK: Control plane

    static var operations: [Operation<Self>] { [Operation("models", models), Operation("test", test)] }

    func models(_ call: Call) async throws -> ModelList {
        let prefix = ModelPath.endsInVersion(call.baseURL) ? "" : "/" + version
        return try await ModelPages(
            call: call, url: call.baseURL + prefix + "/models", headers: controlHeaders(call)
        ).read()
    }

    private func controlHeaders(_ call: Call) -> [(String, String)] {
        let isToken = call.account?.kind == "access_token"
        let usesBearer = isToken || usesBearer
        return [
            (usesBearer ? "authorization" : "x-goog-api-key", Self.credential(isToken: isToken, usesBearer: usesBearer))
        ]
    }

    func test(_ arguments: TestArguments, _ call: Call) async throws -> TestResult {
        let list: ModelList
        do {
            list = try await models(call)
        } catch let error as PluginError where error.code == .auth || error.code == .invalid {
            return TestResult(ok: false, message: error.message)
        }
        if let model = arguments.model, !list.models.contains(where: { $0.id == model }) {
            return TestResult(
                ok: false, message: "The site does not list the model \(model).", models: list.models.count)
        }
        return TestResult(ok: true, message: "The credential works.", models: list.models.count)
    }
}
