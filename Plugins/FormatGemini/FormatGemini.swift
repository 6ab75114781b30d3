import CanonicalChat
import PatchbayPlugin

/// The plugin `format-gemini`: generateContent and streamGenerateContent of the Gemini API.
struct FormatGemini: ConversationPlugin {
    typealias Format = GeminiFormat

    init(configuration: PluginConfiguration, host: Host) {}
}
