import PatchbayPlugin

/// Says where Cohere's API is and what its failures mean.
struct PlatformCohere: PlatformAdapter {
    init(configuration: PluginConfiguration, host: Host) throws {}

    func prepare(_ attempt: Attempt, into request: inout RequestBuilder) throws {
        switch attempt.format {
        case "cohere.chat": request.setURL(attempt.baseURL, path: "/v2/chat")
        case "cohere.rerank": request.setURL(attempt.baseURL, path: "/v2/rerank")
        default: throw PluginError(.unsupported, "Cohere is not asked in the format \(attempt.format.string).")
        }
        request.setHeader("authorization", "Bearer ${secret:api_key}")
    }

    func classify(_ outcome: Outcome) -> Verdict? {
        // 498: the safety mode refused the prompt; another account would as well.
        if outcome.status == 498 { return Verdict(.client, retry: .none, reason: "The content was refused.") }
        return Verdict.standard(for: outcome)
    }

    static var operations: [Operation<Self>] { [Operation("models", models)] }

    func models(_ call: Call) async throws -> ModelList {
        struct List: Decodable {
            struct Item: Decodable {
                var name: String
                var context_length: Double?
            }
            var models: [Item]
        }
        let request = HTTPRequest.get(
            call.baseURL + "/v1/models?endpoint=chat&page_size=1000",
            headers: [("authorization", "Bearer ${secret:api_key}")])
        let list = try await call.http(request).checked(as: "the model list").decode(List.self)
        return ModelList(
            models: list.models.map {
                ModelEntry(id: $0.name, contextWindow: $0.context_length.flatMap { Int(exactly: $0) })
            })
    }
}
