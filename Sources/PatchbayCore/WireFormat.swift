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
}
