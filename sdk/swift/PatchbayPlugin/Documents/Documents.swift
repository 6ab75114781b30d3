/// The result of an operation that has nothing to say: `{}`.
public struct Nothing: Codable, Sendable, Hashable {
    public init() {}
}

/// Result of `detect`: does the plugin recognise the site?
public struct Detection: Codable, Sendable, Hashable {
    public var matches: Bool
    /// From 0 to 1.
    public var confidence: Double
    public var platform: String?
    public var version: String?
    /// What the site calls itself.
    public var title: String?
    /// Generation of the platform's protocol, where it has several.
    public var era: String?
    public var features: [String]
    /// Facts worth keeping in the site's settings.
    public var settings: [String: String]

    public init(
        matches: Bool, confidence: Double = 0, platform: String? = nil, version: String? = nil, title: String? = nil,
        era: String? = nil, features: [String] = [], settings: [String: String] = [:]
    ) {
        self.matches = matches
        self.confidence = confidence
        self.platform = platform
        self.version = version
        self.title = title
        self.era = era
        self.features = features
        self.settings = settings
    }
}

/// Arguments of `test`.
public struct TestArguments: Codable, Sendable, Hashable {
    public var model: String?

    public init(model: String? = nil) { self.model = model }
}

/// Result of `test`: does the credential work?
public struct TestResult: Codable, Sendable, Hashable {
    public var ok: Bool
    public var message: String
    /// Number of models that the credential can see.
    public var models: Int?

    public init(ok: Bool, message: String, models: Int? = nil) {
        self.ok = ok
        self.message = message
        self.models = models
    }
}

/// Result of `models`.
public struct ModelList: Codable, Sendable, Hashable {
    public var models: [ModelEntry]
    /// False if the site has more than could be read.
    public var complete: Bool

    public init(models: [ModelEntry], complete: Bool = true) {
        self.models = models
        self.complete = complete
    }
}

public struct ModelEntry: Codable, Sendable, Hashable {
    public var id: String
    public var name: String?
    public var ownedBy: String?
    /// Unix seconds.
    public var createdAt: Int?
    /// Wire formats it can be asked in.
    public var formats: [String]?
    public var contextWindow: Int?
    public var maxOutputTokens: Int?
    /// Whether it calls tools; nil = not known.
    public var tools: Bool?
    /// Whether it can think before it answers; nil = not known.
    public var thinking: Bool?
    /// What it reads beside text: `image`, `audio`, `video`, `pdf`. Nil = not known; what a list leaves out it does not
    /// read.
    public var input: [String]?

    public init(
        id: String, name: String? = nil, ownedBy: String? = nil, createdAt: Int? = nil, formats: [String]? = nil,
        contextWindow: Int? = nil, maxOutputTokens: Int? = nil, tools: Bool? = nil, thinking: Bool? = nil,
        input: [String]? = nil
    ) {
        self.id = id
        self.name = name
        self.ownedBy = ownedBy
        self.createdAt = createdAt
        self.formats = formats
        self.contextWindow = contextWindow
        self.maxOutputTokens = maxOutputTokens
        self.tools = tools
        self.thinking = thinking
        self.input = input
    }

    private enum CodingKeys: String, CodingKey {
        case id, name, formats, tools, thinking, input
        case ownedBy = "owned_by"
        case createdAt = "created_at"
        case contextWindow = "context_window"
        case maxOutputTokens = "max_output_tokens"
    }
}
