import CanonicalChat
import PatchbayPlugin

/// The plugin `format-openai-responses`: Responses.
struct FormatOpenAIResponses: ConversationPlugin {
    typealias Format = ResponsesFormat

    init(configuration: PluginConfiguration, host: Host) {}
}
