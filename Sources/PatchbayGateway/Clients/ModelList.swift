import PatchbayCore
import PatchbayRouting
import PatchbayWire

/// Documents of `GET /v1/models`, one list in three dialects (formats.md section 2.9). What is not known of a model is
/// absent, except where a client cannot do without: a name is then the model's id, a time the first second of 1970.
enum ModelList {
    static func openAI(_ models: [RouteEntry]) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("object", literal: "list")
        writer.key("data")
        writer.beginArray()
        for model in models { writeOpenAI(model, into: &writer) }
        writer.endArray()
        writer.endObject()
        return writer.bytes
    }

    /// OpenAI's own members, then those by which relays tell more and which their clients read: `name`,
    /// `context_length`, `architecture` and `top_provider` as OpenRouter has them, `capabilities` as Mistral has them.
    static func writeOpenAI(_ model: RouteEntry, into writer: inout JSONWriter) {
        let card = model.card
        writer.beginObject()
        writer.member("id", model.model)
        writer.member("object", literal: "model")
        writer.member("created", card.createdAt ?? 0)
        writer.member("owned_by", literal: "patchbay")
        writer.member("name", ifPresent: card.displayName)
        writer.member("context_length", ifPresent: card.capabilities.contextWindow)
        if let modalities = card.capabilities.inputModalities {
            writer.member("architecture", ["input_modalities": .array(modalities.map { .string($0) })])
        }
        writeTopProvider(card.capabilities, into: &writer)
        writeAbilities(card.capabilities, into: &writer)
        writer.endObject()
    }

    private static func writeTopProvider(_ capabilities: ModelCapabilities, into writer: inout JSONWriter) {
        guard let longest = capabilities.maxOutputTokens else { return }
        writer.key("top_provider")
        writer.beginObject()
        writer.member("context_length", ifPresent: capabilities.contextWindow)
        writer.member("max_completion_tokens", longest)
        writer.endObject()
    }

    private static func writeAbilities(_ capabilities: ModelCapabilities, into writer: inout JSONWriter) {
        guard (capabilities.tools ?? capabilities.thinking ?? capabilities.imageInput) != nil else { return }
        writer.key("capabilities")
        writer.beginObject()
        if let tools = capabilities.tools { writer.member("function_calling", tools != 0) }
        if let thinking = capabilities.thinking { writer.member("reasoning", thinking != 0) }
        if let images = capabilities.imageInput { writer.member("vision", images != 0) }
        writer.endObject()
    }

    // MARK: - Anthropic

    static func anthropic(_ models: [RouteEntry]) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("data")
        writer.beginArray()
        for model in models { writeAnthropic(model, into: &writer) }
        writer.endArray()
        writer.member("has_more", false)
        writer.key("first_id")
        if let first = models.first { writer.string(first.model) } else { writer.null() }
        writer.key("last_id")
        if let last = models.last { writer.string(last.model) } else { writer.null() }
        writer.endObject()
        return writer.bytes
    }

    /// A model that is listed can be used, which is what the lifecycle `active` says; SDKs demand the member.
    static func writeAnthropic(_ model: RouteEntry, into writer: inout JSONWriter) {
        let card = model.card
        writer.beginObject()
        writer.member("type", literal: "model")
        writer.member("id", model.model)
        writer.member("display_name", card.displayName ?? model.model)
        writer.member("created_at", time(card.createdAt ?? 0))
        writer.member("lifecycle", literal: "active")
        writer.member("max_input_tokens", ifPresent: card.capabilities.contextWindow)
        writer.member("max_tokens", ifPresent: card.capabilities.maxOutputTokens)
        let known: [(name: String, value: Int?)] = [
            ("image_input", card.capabilities.imageInput), ("pdf_input", card.capabilities.pdfInput),
            ("thinking", card.capabilities.thinking),
        ]
        let supported = known.compactMap { item in
            item.value.map { JSONObject.Member(key: item.name, value: ["supported": .bool($0 != 0)]) }
        }
        if !supported.isEmpty { writer.member("capabilities", .object(JSONObject(supported))) }
        writer.endObject()
    }

    private static func time(_ seconds: Int) -> String {
        Timestamp.withText(seconds: Int64(seconds)) { String(decoding: $0, as: UTF8.self) }
    }

    // MARK: - Gemini

    static func gemini(_ models: [RouteEntry]) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("models")
        writer.beginArray()
        for model in models { writeGemini(model, into: &writer) }
        writer.endArray()
        writer.endObject()
        return writer.bytes
    }

    static func writeGemini(_ model: RouteEntry, into writer: inout JSONWriter) {
        let card = model.card
        writer.beginObject()
        writer.member("name", "models/" + model.model)
        writer.member("version", literal: "")
        writer.member("displayName", card.displayName ?? model.model)
        writer.member("inputTokenLimit", ifPresent: card.capabilities.contextWindow)
        writer.member("outputTokenLimit", ifPresent: card.capabilities.maxOutputTokens)
        writer.member("supportedGenerationMethods", ["generateContent", "streamGenerateContent", "countTokens"])
        if let thinking = card.capabilities.thinking { writer.member("thinking", thinking != 0) }
        writer.endObject()
    }
}

extension ModelCapabilities {
    /// What a prompt may hold beside text, as far as it is known; nil = nothing is.
    fileprivate var inputModalities: [String]? {
        let known = [("image", imageInput), ("audio", audioInput), ("video", videoInput), ("file", pdfInput)]
        guard known.contains(where: { $0.1 != nil }) else { return nil }
        return ["text"] + known.filter { $0.1 == 1 }.map(\.0)
    }
}
