/// The id of a wire format, such as `openai.chat`.
package struct WireFormat: Sendable, Hashable, RawRepresentable, CustomStringConvertible {
    package var rawValue: String

    package init(rawValue: String) {
        self.rawValue = rawValue
    }

    package var description: String { rawValue }

    package static let openAIChat = WireFormat(rawValue: "openai.chat")
    package static let openAIResponses = WireFormat(rawValue: "openai.responses")
    package static let anthropicMessages = WireFormat(rawValue: "anthropic.messages")
    package static let geminiGenerate = WireFormat(rawValue: "gemini.generate")
    package static let geminiCountTokens = WireFormat(rawValue: "gemini.count_tokens")
    package static let geminiEmbed = WireFormat(rawValue: "gemini.embed")
    package static let geminiEmbedBatch = WireFormat(rawValue: "gemini.embed_batch")
    package static let openAICompletions = WireFormat(rawValue: "openai.completions")
    package static let openAIEmbeddings = WireFormat(rawValue: "openai.embeddings")
    package static let openAIModerations = WireFormat(rawValue: "openai.moderations")
    package static let openAIImageGenerations = WireFormat(rawValue: "openai.images.generations")
    package static let openAIImageEdits = WireFormat(rawValue: "openai.images.edits")
    package static let openAIImageVariations = WireFormat(rawValue: "openai.images.variations")
    package static let openAISpeech = WireFormat(rawValue: "openai.audio.speech")
    package static let openAITranscriptions = WireFormat(rawValue: "openai.audio.transcriptions")
    package static let openAITranslations = WireFormat(rawValue: "openai.audio.translations")
    /// The body that Cohere, Jina and many relays take alike, at `/v1/rerank` or `/v2/rerank`.
    package static let cohereRerank = WireFormat(rawValue: "cohere.rerank")
}
