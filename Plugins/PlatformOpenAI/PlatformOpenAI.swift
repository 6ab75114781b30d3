import PatchbayPlugin

/// The adapter for api.openai.com and every site that answers like it.
struct PlatformOpenAI: PlatformAdapter {
    private struct Settings: Decodable {
        var api_path: String?
        var organization: String?
        var project: String?
    }

    /// Joins a base URL without a version and an endpoint.
    private let apiPath: String
    private let organization: String?
    private let project: String?

    init(configuration: PluginConfiguration, host: Host) throws {
        let settings = try configuration.decode(Settings.self)
        apiPath = settings.api_path ?? "/v1"
        guard apiPath.isEmpty || (apiPath.hasPrefix("/") && !apiPath.hasSuffix("/")) else {
            throw PluginError(.invalid, "api_path must be empty or begin with a slash and not end with one.")
        }
        organization = settings.organization
        project = settings.project
    }

    // MARK: Data plane

    static var preparesForAnySize: Bool { true }

    func prepare(_ attempt: Attempt, into request: inout RequestBuilder) throws {
        let isVersioned = BaseURL.endsInVersion(attempt.baseURL)
        if attempt.operation == "models" {
            request.setMethod("GET")
            request.setURL(attempt.baseURL, path: isVersioned ? "/models" : Self.path("/models", apiPath))
        } else {
            guard let endpoint = Self.endpoint(of: attempt.format, attempt.operation) else {
                throw PluginError(
                    .unsupported,
                    "An OpenAI-compatible site does not speak \(attempt.format.string) (\(attempt.operation.string)).")
            }
            request.setURL(attempt.baseURL, path: isVersioned ? endpoint : Self.path(endpoint, apiPath))
            // Servers that also speak Messages want a version, which a client of another format did not send.
            if endpoint.hasPrefix("/messages"), attempt.header("anthropic-version").isEmpty {
                request.setHeader("anthropic-version", "2023-06-01")
            }
        }
        authorize(attempt.credentialKind, &request)
    }

    private func authorize(_ kind: ByteView, _ request: inout RequestBuilder) {
        switch kind {
        case "none": request.removeHeader("authorization")
        case "access_token": request.setHeader("authorization", "Bearer ${secret:access_token}")
        default: request.setHeader("authorization", "Bearer ${secret:api_key}")
        }
        if let organization { request.setHeader("openai-organization", organization) }
        if let project { request.setHeader("openai-project", project) }
    }

    /// The endpoint of a wire format; literals, so that nothing is allocated.
    private static func endpoint(of format: ByteView, _ operation: ByteView) -> String? {
        if operation == "compact" { return format == "openai.responses" ? "/responses/compact" : nil }
        if operation == "count_tokens" { return format == "anthropic.messages" ? "/messages/count_tokens" : nil }
        return switch format {
        case "openai.chat": "/chat/completions"
        case "openai.completions": "/completions"
        case "openai.embeddings": "/embeddings"
        case "openai.responses": "/responses"
        case "anthropic.messages": "/messages"
        case "openai.moderations": "/moderations"
        case "openai.images.generations": "/images/generations"
        case "openai.images.edits": "/images/edits"
        case "openai.images.variations": "/images/variations"
        case "openai.audio.speech": "/audio/speech"
        case "openai.audio.transcriptions": "/audio/transcriptions"
        case "openai.audio.translations": "/audio/translations"
        case "cohere.rerank": "/rerank"
        default: nil
        }
    }

    /// The usual case is a literal; another path is joined.
    private static func path(_ endpoint: String, _ apiPath: String) -> String {
        guard apiPath == "/v1" else { return apiPath + endpoint }
        return switch endpoint {
        case "/chat/completions": "/v1/chat/completions"
        case "/models": "/v1/models"
        default: "/v1" + endpoint
        }
    }

    func classify(_ outcome: Outcome) -> Verdict? {
        let report = ErrorReport(outcome.body)
        guard var verdict = Verdict.standard(for: outcome, report: report) else { return nil }
        if verdict.fault == .rate, verdict.retryAfter == nil { verdict.retryAfter = RateLimitHeaders.wait(outcome) }
        if outcome.status == 403, report?.code == "unsupported_country_region_territory" {
            // The address of this gateway is refused, so another account of the site fares no better.
            verdict.fault = .site
            verdict.retry = verdict.retry == .none ? .none : .otherChannel
            verdict.disableCredential = false
        }
        return verdict
    }

    // MARK: Control plane

    static var operations: [Operation<Self>] { [Operation("models", models), Operation("test", test)] }

    func models(_ call: Call) async throws -> ModelList {
        let isVersioned = BaseURL.endsInVersion(call.baseURL)
        var headers: [(String, String)] = []
        if call.account?.kind != "none" {
            let secret = call.account?.kind == "access_token" ? "access_token" : "api_key"
            headers.append(("authorization", "Bearer ${secret:\(secret)}"))
        }
        if let organization { headers.append(("openai-organization", organization)) }
        if let project { headers.append(("openai-project", project)) }
        let url = call.baseURL + (isVersioned ? "/models" : Self.path("/models", apiPath))
        let response = try await call.http(.get(url, headers: headers)).checked(as: "the model list")
        return ModelList(models: try response.decode(UpstreamModels.self, as: "the model list").entries)
    }

    func test(_ arguments: TestArguments, _ call: Call) async throws -> TestResult {
        let list: ModelList
        do {
            list = try await models(call)
        } catch let error as PluginError where error.code == .auth {
            return TestResult(ok: false, message: error.message)
        }
        if let model = arguments.model, !list.models.contains(where: { $0.id == model }) {
            return TestResult(
                ok: false, message: "The site does not list the model \(model).", models: list.models.count)
        }
        return TestResult(ok: true, message: "The credential works.", models: list.models.count)
    }
}
