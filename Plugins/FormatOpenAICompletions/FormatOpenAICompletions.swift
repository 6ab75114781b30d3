import CanonicalChat
import PatchbayPlugin

/// The plugin `format-openai-completions`: legacy text completions.
struct FormatOpenAICompletions: ConversationPlugin {
    typealias Format = CompletionsFormat

    init(configuration: PluginConfiguration, host: Host) {}
}
