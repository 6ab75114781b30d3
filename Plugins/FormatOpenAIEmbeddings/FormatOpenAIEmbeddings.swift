import CanonicalTask
import PatchbayPlugin

/// The plugin `format-openai-embeddings`.
struct FormatOpenAIEmbeddings: TaskCodec {
    enum Format: TaskFormat {
        static let id: StaticString = "openai.embeddings"
        static let answerMembers: [StaticString] = ["data"]
    }

    init(configuration: PluginConfiguration, host: Host) {}
}
