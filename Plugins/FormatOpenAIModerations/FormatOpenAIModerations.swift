import CanonicalTask
import PatchbayPlugin

/// The plugin `format-openai-moderations`.
struct FormatOpenAIModerations: TaskCodec {
    enum Format: TaskFormat {
        static let id: StaticString = "openai.moderations"
        static let answerMembers: [StaticString] = ["results"]
    }

    init(configuration: PluginConfiguration, host: Host) {}
}
