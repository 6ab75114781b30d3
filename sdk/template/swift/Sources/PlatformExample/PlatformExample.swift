import PatchbayPlugin

struct PlatformExample: PlatformAdapter {
    init(configuration: PluginConfiguration, host: Host) throws {}

    func prepare(_ attempt: Attempt, into request: inout RequestBuilder) throws {
        request.setURL(attempt.baseURL, path: "/v1/chat/completions")
        request.setHeader("authorization", "Bearer ${secret:api_key}")
    }

    func classify(_ outcome: Outcome) -> Verdict? {
        Verdict.standard(for: outcome)
    }

    static var operations: [Operation<Self>] { [Operation("models", models)] }

    func models(_ call: Call) async throws -> ModelList {
        struct List: Decodable {
            struct Item: Decodable { var id: String }
            var data: [Item]
        }
        let request = HTTPRequest.get(
            call.baseURL + "/v1/models", headers: [("authorization", "Bearer ${secret:api_key}")])
        let list = try await call.http(request).checked(as: "the model list").decode(List.self)
        return ModelList(models: list.data.map { ModelEntry(id: $0.id) })
    }
}
