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
    case countTokens
    case gemini(GeminiMethod)
    case responses
    /// `/responses/compact`: a conversation is made shorter by the upstream.
    case compaction
    /// `/responses/{id}`, a response that the gateway keeps.
    case storedResponse
    case responseInput
    case responseCancellation
    case inputTokens
    /// Legacy text completions.
    case completions
    case task(TaskEndpoint)
    /// A path that a format plugin asks for: a conversation in its format.
    case plugin(WireFormat)
    /// `/files…`, what clients have uploaded.
    case file(FileRequest)
    /// `/conversations…`, what clients keep beside their responses.
    case conversation(ConversationRequest)
    case models
    /// One model of the list.
    case model
    case health
    case readiness

    /// The wire format of the request body; nil for endpoints without one.
    var format: WireFormat? {
        switch self {
        case .chatCompletions: .openAIChat
        case .messages, .countTokens: .anthropicMessages
        case .responses, .compaction: .openAIResponses
        case .gemini(let method): method.format
        case .storedResponse, .responseInput, .responseCancellation, .inputTokens: nil
        case .completions: .openAICompletions
        case .task(let task): task.format
        case .plugin(let format): format
        case .file, .conversation, .models, .model, .health, .readiness: nil
        }
    }

    /// The formats of all endpoints.
    static let formats: [WireFormat] =
        [.openAIChat, .anthropicMessages, .openAIResponses, .openAICompletions] + GeminiMethod.allCases.map(\.format)
        + TaskEndpoint.allCases.map(\.format)

    /// What is asked of an upstream.
    var operation: RequestOperation {
        switch self {
        case .task(let task): task.operation
        case .gemini(let method): method.operation
        case .countTokens: .countTokens
        case .compaction: .compact
        default: .generate
        }
    }

    /// The endpoint beside the conversations; nil for all others.
    var task: TaskEndpoint? {
        if case .task(let task) = self { task } else { nil }
    }

    /// `POST` for endpoints with a body, else `GET`.
    var method: HTTPMethod {
        switch self {
        case .responseCancellation, .inputTokens: .post
        default: format == nil ? .get : .post
        }
    }

    /// Whether the path takes the method.
    func takes(_ method: HTTPMethod) -> Bool {
        if case .file(let request) = self { return request.takes(method) }
        if case .conversation(let request) = self { return request.takes(method) }
        return method == self.method || method == .head && self.method == .get
            || method == .delete && self == .storedResponse
    }

    /// The methods that the path takes, for people.
    var allowedMethods: String {
        switch self {
        case .storedResponse: "GET, HEAD, DELETE"
        case .file(let request): request.allowedMethods
        case .conversation(let request): request.allowedMethods
        default: method == .get ? "GET" : "POST"
        }
    }

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
        } else if bare.equals("/messages/count_tokens") {
            endpoint = .countTokens
        } else if bare.hasPrefix("/responses") {
            endpoint = EndpointMatch.response(UnsafeRawBufferPointer(rebasing: bare[10...]))
        } else if bare.equals("/models") {
            endpoint = .models
        } else if bare.equals("/completions") {
            endpoint = .completions
        } else if let task = TaskEndpoint(path: bare) {
            endpoint = .task(task)
        } else if let request = FileRequest(path: bare) {
            endpoint = .file(request)
        } else if let request = ConversationRequest(path: bare) {
            endpoint = .conversation(request)
        } else if path.equals("/v2/rerank") {
            // The newer API of Cohere; the body is one that the older one takes.
            endpoint = .task(.rerank)
        } else if let gemini = GeminiPath(path) {
            endpoint = gemini.endpoint
            if gemini.isGemini { dialect = .gemini }
        } else {
            endpoint = EndpointMatch.health(path)
            if path.hasPrefix("/v1beta/") { dialect = .gemini }
        }
    }

    /// What follows `/responses`.
    private static func response(_ rest: UnsafeRawBufferPointer) -> Endpoint? {
        guard let first = rest.first else { return .responses }
        guard first == UInt8(ascii: "/"), rest.count > 1 else { return nil }
        if rest.equals("/compact") { return .compaction }
        if rest.equals("/input_tokens") { return .inputTokens }
        guard let slash = rest.dropFirst().firstIndex(of: UInt8(ascii: "/")) else { return .storedResponse }
        guard slash > 1 else { return nil }
        let action = UnsafeRawBufferPointer(rebasing: rest[slash...])
        if action.equals("/input_items") { return .responseInput }
        return action.equals("/cancel") ? .responseCancellation : nil
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
