import CanonicalChat
import PatchbayPlugin

/// The plugin `format-openai-chat`: Chat Completions.
struct FormatOpenAIChat: ConversationPlugin {
    typealias Format = ChatFormat

    init(configuration: PluginConfiguration, host: Host) {}
}
