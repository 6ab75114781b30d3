import PatchbayPlugin

/// A model list: `{"data":[…]}` as OpenAI has it, a bare array as some resellers have it, or `{"models":[…]}`.
struct UpstreamModels: Decodable {
    let entries: [ModelEntry]

    private enum Keys: String, CodingKey { case data, models }

    private struct Item: Decodable {
        var id: String?
        var name: String?
        var owned_by: String?
        var created: Double?
        var context_length: Int?
        var context_window: Int?
        var max_model_len: Int?

        var entry: ModelEntry? {
            guard let id = id ?? name, !id.isEmpty else { return nil }
            return ModelEntry(
                id: id, name: name == id ? nil : name, ownedBy: owned_by,
                createdAt: created.flatMap { Int(exactly: $0.rounded()) },
                contextWindow: context_length ?? context_window ?? max_model_len)
        }
    }

    /// An item that does not fit is left out; the list is worth more than its oddities.
    private struct Lenient: Decodable {
        let entry: ModelEntry?

        init(from decoder: any Decoder) throws { entry = (try? Item(from: decoder))?.entry }
    }

    init(from decoder: any Decoder) throws {
        let items: [Lenient]
        if let object = try? decoder.container(keyedBy: Keys.self) {
            let key = object.contains(.data) || !object.contains(.models) ? Keys.data : .models
            // Null is what family sites answer for an empty list; a missing member is another document.
            let isNull = object.contains(key) && (try? object.decodeNil(forKey: key)) == true
            items = isNull ? [] : try object.decode([Lenient].self, forKey: key)
        } else {
            items = try [Lenient](from: decoder)
        }
        var seen: Set<String> = []
        entries = items.compactMap(\.entry).filter { seen.insert($0.id).inserted }
    }
}
