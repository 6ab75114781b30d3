import CanonicalTask
import PatchbayPlugin
import PatchbayWire

/// The plugin `format-rerank`: one body that Cohere, Jina, SiliconFlow, Voyage and their relays take alike.
struct FormatRerank: TaskCodec {
    enum Format: TaskFormat {
        static let id: StaticString = "cohere.rerank"
        /// Voyage calls its results `data`.
        static let answerMembers: [StaticString] = ["results", "data"]

        /// Cohere bills searches, the others tokens.
        static func units(_ answer: borrowing JSONTape, _ root: JSONIndex) -> BilledUnits {
            let searches = answer.member(root, path: "meta", "billed_units", "search_units")
            return BilledUnits(searches: searches.flatMap { answer.int($0) })
        }
    }

    init(configuration: PluginConfiguration, host: Host) {}
}
