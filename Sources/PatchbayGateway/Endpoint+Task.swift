import PatchbayCore

/// An endpoint of the OpenAI API beside the conversations: it is forwarded in its own format.
enum TaskEndpoint: UInt8, Sendable, CaseIterable {
    case embeddings
    case moderations
    case rerank
    case imageGenerations
    case imageEdits
    case imageVariations
    case speech
    case transcriptions
    case translations

    var format: WireFormat {
        switch self {
        case .embeddings: .openAIEmbeddings
        case .moderations: .openAIModerations
        case .rerank: .cohereRerank
        case .imageGenerations: .openAIImageGenerations
        case .imageEdits: .openAIImageEdits
        case .imageVariations: .openAIImageVariations
        case .speech: .openAISpeech
        case .transcriptions: .openAITranscriptions
        case .translations: .openAITranslations
        }
    }

    var operation: RequestOperation {
        switch self {
        case .embeddings: .embed
        case .moderations: .moderate
        case .rerank: .rerank
        case .imageGenerations: .imageGenerate
        case .imageEdits: .imageEdit
        case .imageVariations: .imageVariation
        case .speech: .speech
        case .transcriptions: .transcribe
        case .translations: .translate
        }
    }

    /// The model of a request that names none, as the OpenAI API defines it; nil = a request has to name one.
    var defaultModel: String? {
        switch self {
        case .moderations: "omni-moderation-latest"
        case .imageGenerations, .imageEdits, .imageVariations: "dall-e-2"
        default: nil
        }
    }

    /// The answer may be something other than JSON: its content type is the upstream's.
    var answersAnyType: Bool {
        switch self {
        case .speech, .transcriptions, .translations: true
        default: false
        }
    }

    /// The endpoint of a path without `/v1`; nil if it is another.
    init?(path: UnsafeRawBufferPointer) {
        guard let found = TaskEndpoint.allCases.first(where: { path.equals($0.path) }) else { return nil }
        self = found
    }

    private var path: StaticString {
        switch self {
        case .embeddings: "/embeddings"
        case .moderations: "/moderations"
        case .rerank: "/rerank"
        case .imageGenerations: "/images/generations"
        case .imageEdits: "/images/edits"
        case .imageVariations: "/images/variations"
        case .speech: "/audio/speech"
        case .transcriptions: "/audio/transcriptions"
        case .translations: "/audio/translations"
        }
    }
}
