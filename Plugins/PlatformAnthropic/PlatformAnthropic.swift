import PatchbayPlugin

/// The adapter for api.anthropic.com and proxies that answer like it.
struct PlatformAnthropic: PlatformAdapter {
    private struct Settings: Decodable {
        var anthropic_version: String?
        var authorization: String?
    }

    /// Sent when the client names no version.
    let version: String
    private let usesBearer: Bool

    init(configuration: PluginConfiguration, host: Host) throws {
        let settings = try configuration.decode(Settings.self)
        version = settings.anthropic_version ?? "2023-06-01"
        switch settings.authorization ?? "x-api-key" {
        case "x-api-key": usesBearer = false
        case "bearer": usesBearer = true
        default: throw PluginError(.invalid, "authorization must be x-api-key or bearer.")
        }
    }

    // MARK: Data plane

    static var preparesForAnySize: Bool { true }

    func prepare(_ attempt: Attempt, into request: inout RequestBuilder) throws {
        guard attempt.format == "anthropic.messages" || attempt.operation == "models" else {
            throw PluginError(.unsupported, "Anthropic does not speak \(attempt.format.string).")
        }
        let isVersioned = attempt.baseURL.hasSuffix("/v1")
        // Older client libraries add the query when they use betas; nothing else of a query belongs to the upstream.
        let query: ByteView = attempt.query == "beta=true" ? attempt.query : .absent
        switch attempt.operation {
        case "models":
            request.setMethod("GET")
            request.setURL(attempt.baseURL, path: isVersioned ? "/models" : "/v1/models")
        case "count_tokens":
            let path = isVersioned ? "/messages/count_tokens" : "/v1/messages/count_tokens"
            request.setURL(attempt.baseURL, path: path, query: query)
        case "generate":
            request.setURL(attempt.baseURL, path: isVersioned ? "/messages" : "/v1/messages", query: query)
        default:
            throw PluginError(.unsupported, "Anthropic has no operation \(attempt.operation.string).")
        }
        setHeaders(attempt, &request)
    }

    private func setHeaders(_ attempt: Attempt, _ request: inout RequestBuilder) {
        let beta = attempt.header("anthropic-beta")
        if attempt.credentialKind == "access_token" {
            request.removeHeader("x-api-key")
            request.setHeader("authorization", "Bearer ${secret:access_token}")
            request.setHeader("anthropic-beta", OAuthBeta.joined(to: beta))
        } else {
            request.removeHeader(usesBearer ? "x-api-key" : "authorization")
            request.setHeader(
                usesBearer ? "authorization" : "x-api-key",
                usesBearer ? "Bearer ${secret:api_key}" : "${secret:api_key}")
            if !beta.isAbsent { request.setHeader("anthropic-beta", beta) }
        }
        let version = attempt.header("anthropic-version")
        if version.isEmpty {
            request.setHeader("anthropic-version", self.version)
        } else {
            request.setHeader("anthropic-version", version)
        }
    }

    func classify(_ outcome: Outcome) -> Verdict? {
        let report = ErrorReport(outcome.body)
        guard var verdict = Verdict.standard(for: outcome, report: report) else { return nil }
        if let report { refine(&verdict, outcome, report) }
        if verdict.fault == .rate, verdict.retryAfter == nil { verdict.retryAfter = RateLimitHeaders.wait(outcome) }
        if outcome.bytesToClient > 0 { verdict.retry = .none }
        return verdict
    }

    /// What only Anthropic says.
    private func refine(_ verdict: inout Verdict, _ outcome: Outcome, _ report: ErrorReport) {
        switch report.type {
        case "not_found_error" where report.message.hasPrefix("model:"):
            verdict.fault = .model
            verdict.retry = .otherChannel
        case "authentication_error" where report.message.contains("OAuth token has expired"):
            verdict.loginAgain = true
            verdict.disableCredential = false
        case "permission_error":
            // The key is good but may not do this; what it may do elsewhere is not known.
            verdict.fault = .credential
            verdict.retry = .otherAccount
            verdict.disableCredential = false
        default: break
        }
    }

    // MARK: Control plane

    static var operations: [Operation<Self>] { [Operation("models", models), Operation("test", test)] }

    func models(_ call: Call) async throws -> ModelList {
        let list = try await ModelPages(call: call, headers: controlHeaders(call)).read()
        guard list.models.isEmpty, call.baseURL.hasSuffix("/anthropic") else { return list }
        return try await parentModels(call)
    }

    /// Proxies under `…/anthropic` often list their models only in the OpenAI form beside it.
    private func parentModels(_ call: Call) async throws -> ModelList {
        struct List: Decodable {
            struct Item: Decodable { var id: String }
            var data: [Item]
        }
        let url = call.baseURL.dropLast("/anthropic".count) + "/v1/models"
        let request = HTTPRequest.get(String(url), headers: [("authorization", "Bearer ${secret:\(secretName(call))}")])
        let response = try await call.http(request).checked(as: "the model list")
        return ModelList(
            models: try response.decode(List.self, as: "the model list").data.map { ModelEntry(id: $0.id) })
    }

    private func secretName(_ call: Call) -> String {
        call.account?.kind == "access_token" ? "access_token" : "api_key"
    }

    private func controlHeaders(_ call: Call) -> [(String, String)] {
        if call.account?.kind == "access_token" {
            return [
                ("authorization", "Bearer ${secret:access_token}"), ("anthropic-version", version),
                ("anthropic-beta", OAuthBeta.name),
            ]
        }
        return [
            usesBearer ? ("authorization", "Bearer ${secret:api_key}") : ("x-api-key", "${secret:api_key}"),
            ("anthropic-version", version),
        ]
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
