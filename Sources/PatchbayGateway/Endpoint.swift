#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif
import PatchbayCore
import PatchbayWire

/// The shape in which a caller of a path expects errors.
enum Dialect: Sendable {
    case openAI
    case anthropic
    case gemini
}

/// What a path of the gateway asks for.
enum Endpoint: Sendable, Equatable {
    case chatCompletions
    case messages
    case gemini(GeminiMethod)
    case responses
    case models
    /// One model of the list.
    case model
    case health
    case readiness

    /// The wire format of the request body; nil for endpoints without one.
    var format: WireFormat? {
        switch self {
        case .chatCompletions: .openAIChat
        case .messages: .anthropicMessages
        case .responses: .openAIResponses
        case .gemini(let method): method.format
        case .models, .model, .health, .readiness: nil
        }
    }

    /// The formats of all endpoints.
    static let formats: [WireFormat] =
        [.openAIChat, .anthropicMessages, .openAIResponses] + GeminiMethod.allCases.map(\.format)

    /// `POST` for endpoints with a body, else `GET`.
    var method: HTTPMethod { format == nil ? .get : .post }

    var needsKey: Bool { self != .health && self != .readiness }
}

/// A path as the gateway understands it: its endpoint, if it has one, and the dialect of its errors.
struct EndpointMatch {
    var endpoint: Endpoint?
    var dialect: Dialect

    /// Matches the path alone, compared as bytes; a `/v1` in front is optional because many clients add or omit it.
    init(path: UnsafeRawBufferPointer) {
        let bare = path.hasPrefix("/v1/") ? UnsafeRawBufferPointer(rebasing: path[3...]) : path
        dialect = bare.hasPrefix("/messages") ? .anthropic : .openAI
        if bare.equals("/chat/completions") {
            endpoint = .chatCompletions
        } else if bare.equals("/messages") {
            endpoint = .messages
        } else if bare.equals("/responses") {
            endpoint = .responses
        } else if bare.equals("/models") {
            endpoint = .models
        } else if let gemini = GeminiPath(path) {
            endpoint = gemini.endpoint
            if gemini.isGemini { dialect = .gemini }
        } else {
            endpoint = EndpointMatch.health(path)
            if path.hasPrefix("/v1beta/") { dialect = .gemini }
        }
    }

    private static func health(_ path: UnsafeRawBufferPointer) -> Endpoint? {
        if path.equals("/healthz") || path.equals("/health/liveliness") || path.equals("/health/liveness") {
            return .health
        }
        return path.equals("/readyz") || path.equals("/health/readiness") ? .readiness : nil
    }
}

extension UnsafeRawBufferPointer {
    /// Whether the bytes are those of `text`.
    func equals(_ text: StaticString) -> Bool {
        count == text.utf8CodeUnitCount && hasPrefix(text)
    }

    /// Whether these are the bytes of `other`.
    @inline(__always)
    func equals(_ other: UnsafeRawBufferPointer) -> Bool { count == other.count && begins(with: other) }

    /// Whether the bytes begin with those of `other`.
    @inline(__always)
    func begins(with other: UnsafeRawBufferPointer) -> Bool {
        guard count >= other.count else { return false }
        guard let base = baseAddress, let otherBase = other.baseAddress else { return other.isEmpty }
        return memcmp(base, otherBase, other.count) == 0
    }

    /// Whether the bytes begin with those of `text`.
    func hasPrefix(_ text: StaticString) -> Bool {
        guard let base = baseAddress, count >= text.utf8CodeUnitCount else { return false }
        return memcmp(base, text.utf8Start, text.utf8CodeUnitCount) == 0
    }
}
