import PatchbayPlugin

extension PlatformNewAPI {
    /// The relay speaks all its formats itself, each at its own path, with the account's API key.
    static var preparesForAnySize: Bool { true }

    func prepare(_ attempt: Attempt, into request: inout RequestBuilder) throws {
        guard attempt.operation != "count_tokens", attempt.operation != "compact" else {
            throw PluginError(.unsupported, "New API does not offer the operation \(attempt.operation.string).")
        }
        guard attempt.credentialKind == "api_key" else {
            throw PluginError(
                .unsupported,
                "The credential kind \(attempt.credentialKind.string) cannot send requests; add a token to the account."
            )
        }
        let base = Self.siteBase(attempt.baseURL)
        switch attempt.format {
        case "openai.chat":
            request.setURL(base, path: "/v1/chat/completions", query: attempt.query)
        case "openai.responses":
            request.setURL(base, path: "/v1/responses", query: attempt.query)
        case "anthropic.messages":
            request.setURL(base, path: "/v1/messages", query: attempt.query)
            request.setHeader("x-api-key", "${secret:api_key}")
            if attempt.header("anthropic-version").isEmpty { request.setHeader("anthropic-version", "2023-06-01") }
        default:
            guard let path = Self.taskPath(attempt.format) else {
                throw PluginError(.unsupported, "New API is not asked in the format \(attempt.format.string).")
            }
            request.setURL(base, path: path)
        }
        request.setHeader("authorization", "Bearer ${secret:api_key}")
    }

    /// What the relay offers beside conversations. It has no variations of images.
    private static func taskPath(_ format: ByteView) -> String? {
        switch format {
        case "openai.completions": "/v1/completions"
        case "openai.embeddings": "/v1/embeddings"
        case "openai.moderations": "/v1/moderations"
        case "openai.images.generations": "/v1/images/generations"
        case "openai.images.edits": "/v1/images/edits"
        case "openai.audio.speech": "/v1/audio/speech"
        case "openai.audio.transcriptions": "/v1/audio/transcriptions"
        case "openai.audio.translations": "/v1/audio/translations"
        case "cohere.rerank": "/v1/rerank"
        default: nil
        }
    }

    /// People copy the base URL with the `/v1` that other clients want.
    private static func siteBase(_ base: ByteView) -> ByteView {
        base.hasSuffix("/v1") ? base[0..<base.count - 3] : base
    }

    /// What only this platform says is judged here; the rest by the table of the kit.
    func classify(_ outcome: Outcome) -> Verdict? {
        guard outcome.transport == .none, outcome.status > 0 else { return Verdict.standard(for: outcome) }
        let own = RelayOutcome(status: outcome.status, body: outcome.body, retryAfter: outcome.retryAfter())
        guard var verdict = own.verdict else { return Verdict.standard(for: outcome) }
        if outcome.bytesToClient > 0 { verdict.retry = .none }
        return verdict
    }
}
