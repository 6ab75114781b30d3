/// What a request asks of a model, whatever the wire format.
///
/// Two formats can be converted into each other if their plugins know the same operation. The names are those of
/// `pb_attempt.operation` and of the member `operation` of canonical documents.
package enum RequestOperation: UInt8, Sendable, Hashable, CaseIterable {
    /// The next turn of a conversation.
    case generate
    case countTokens
    case compact
    case embed
    case moderate
    case rerank
    case imageGenerate
    case imageEdit
    case imageVariation
    case speech
    case transcribe
    case translate

    package var name: StaticString {
        switch self {
        case .generate: "generate"
        case .countTokens: "count_tokens"
        case .compact: "compact"
        case .embed: "embed"
        case .moderate: "moderate"
        case .rerank: "rerank"
        case .imageGenerate: "image.generate"
        case .imageEdit: "image.edit"
        case .imageVariation: "image.variation"
        case .speech: "speech"
        case .transcribe: "transcribe"
        case .translate: "translate"
        }
    }

    /// nil for a name that this host does not know.
    package init?(name: String) {
        guard let known = Self.allCases.first(where: { $0.name.description == name }) else { return nil }
        self = known
    }
}
