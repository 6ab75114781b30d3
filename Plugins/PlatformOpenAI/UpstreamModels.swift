import PatchbayPlugin

/// A model list: `{"data":[…]}` as OpenAI has it, a bare array as some resellers have it, or `{"models":[…]}`.
struct UpstreamModels: Decodable {
    let entries: [ModelEntry]

    private enum Keys: String, CodingKey { case data, models }

    private struct Architecture: Decodable { var input_modalities: [String]? }
    private struct TopProvider: Decodable { var max_completion_tokens: Int? }

    private struct Capabilities: Decodable {
        var function_calling: Bool?
        var reasoning: Bool?
    }

    private struct Item: Decodable {
        var id: String?
        var name: String?
        var owned_by: String?
        var created: Double?
        var context_length: Int?
        var context_window: Int?
        var max_model_len: Int?
        var max_context_length: Int?
        var display_name: String?
        var architecture: Architecture?
        var top_provider: TopProvider?
        var supported_parameters: [String]?
        var capabilities: Capabilities?

        private enum CodingKeys: String, CodingKey {
            case id, name, owned_by, created, context_length, context_window, max_model_len, max_context_length
            case display_name, architecture, top_provider, supported_parameters, capabilities
        }

        /// Only the name has to be as it should be; what else does not fit is as if it were not there.
        init(from decoder: any Decoder) throws {
            let members = try decoder.container(keyedBy: CodingKeys.self)
            func read<Value: Decodable>(_ key: CodingKeys) -> Value? {
                (try? members.decodeIfPresent(Value.self, forKey: key)) ?? nil
            }
            id = try members.decodeIfPresent(String.self, forKey: .id)
            name = read(.name)
            owned_by = read(.owned_by)
            created = read(.created)
            context_length = read(.context_length)
            context_window = read(.context_window)
            max_model_len = read(.max_model_len)
            max_context_length = read(.max_context_length)
            display_name = read(.display_name)
            architecture = read(.architecture)
            top_provider = read(.top_provider)
            supported_parameters = read(.supported_parameters)
            capabilities = read(.capabilities)
        }

        var entry: ModelEntry? {
            guard let id = id ?? name, !id.isEmpty else { return nil }
            let window = context_length ?? context_window ?? max_model_len ?? max_context_length
            return ModelEntry(
                id: id, name: display_name ?? (name == id ? nil : name), ownedBy: owned_by,
                createdAt: created.flatMap { $0 > 0 ? Int(exactly: $0.rounded()) : nil },
                contextWindow: window, maxOutputTokens: top_provider?.max_completion_tokens,
                tools: supported_parameters?.contains("tools") ?? capabilities?.function_calling,
                thinking: supported_parameters?.contains("reasoning") ?? capabilities?.reasoning, input: input)
        }

        /// As OpenRouter lists what a model reads; it calls documents files.
        private var input: [String]? {
            architecture?.input_modalities?.compactMap { word in
                switch word {
                case "image", "audio", "video": word
                case "file": "pdf"
                default: nil
                }
            }
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
