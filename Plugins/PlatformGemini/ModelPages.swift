import PatchbayPlugin

/// The model list, which Google hands out in pages.
struct ModelPages {
    private struct Page: Decodable {
        struct Item: Decodable {
            var name: String
            var displayName: String?
            var inputTokenLimit: Int?
            var outputTokenLimit: Int?
            var supportedGenerationMethods: [String]?
            var thinking: Bool?
        }

        var models: [Item]?
        var nextPageToken: String?
    }

    /// A bound, should a site answer the same page for ever.
    private static let maximumPages = 20

    let call: Call
    let url: String
    let headers: [(String, String)]

    func read() async throws -> ModelList {
        let first = url + "?pageSize=1000"
        var entries: [ModelEntry] = []
        var token: String?
        for _ in 0..<Self.maximumPages {
            let address = token.map { "\(first)&pageToken=\(ModelPath.escaped($0))" } ?? first
            let response = try await call.http(.get(address, headers: headers)).checked(as: "the model list")
            let page = try response.decode(Page.self, as: "the model list")
            entries += (page.models ?? []).map(Self.entry)
            guard let next = page.nextPageToken, !next.isEmpty, next != token else { return ModelList(models: entries) }
            token = next
        }
        return ModelList(models: entries, complete: false)
    }

    private static func entry(_ item: Page.Item) -> ModelEntry {
        // Relays leave out the name of the collection.
        let id = item.name.hasPrefix("models/") ? String(item.name.dropFirst("models/".count)) : item.name
        return ModelEntry(
            id: id, name: item.displayName, ownedBy: "google", formats: formats(item.supportedGenerationMethods),
            contextWindow: item.inputTokenLimit, maxOutputTokens: item.outputTokenLimit, thinking: item.thinking)
    }

    /// The formats behind the methods of a model; nil if it names none.
    private static func formats(_ methods: [String]?) -> [String]? {
        guard let methods else { return nil }
        var formats: [String] = []
        if methods.contains("generateContent") { formats.append("gemini.generate") }
        if methods.contains("countTokens") { formats.append("gemini.count_tokens") }
        if methods.contains("embedContent") { formats += ["gemini.embed", "gemini.embed_batch"] }
        return formats.isEmpty ? nil : formats
    }
}
