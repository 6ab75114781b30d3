import CanonicalChat
import PatchbayPlugin

/// The plugin `format-anthropic-messages`: Messages.
struct FormatAnthropicMessages: ConversationPlugin {
    typealias Format = MessagesFormat

    init(configuration: PluginConfiguration, host: Host) {}
}
