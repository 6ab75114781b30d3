/// Arguments of `notify.send`.
public struct Notification: Codable, Sendable, Hashable {
    public enum Level: String, Codable, Sendable, Hashable { case info, warning, error }

    public var title: String
    public var bodyMarkdown: String
    public var level: Level
    /// What happened, a short stable word such as `balance.low`.
    public var event: String
    /// Messages with the same key say the same thing.
    public var dedupeKey: String?
    public var locale: String?

    public init(
        title: String, bodyMarkdown: String, level: Level, event: String, dedupeKey: String? = nil,
        locale: String? = nil
    ) {
        self.title = title
        self.bodyMarkdown = bodyMarkdown
        self.level = level
        self.event = event
        self.dedupeKey = dedupeKey
        self.locale = locale
    }

    private enum CodingKeys: String, CodingKey {
        case title, level, event, locale
        case bodyMarkdown = "body_markdown"
        case dedupeKey = "dedupe_key"
    }
}

/// Result of `notify.send`.
public struct NotificationReceipt: Codable, Sendable, Hashable {
    public var delivered: Bool
    /// How often it was sent, at least 1.
    public var attempts: Int
    public var httpStatus: Int?
    /// What the receiver calls the message.
    public var id: String?

    public init(delivered: Bool, attempts: Int = 1, httpStatus: Int? = nil, id: String? = nil) {
        self.delivered = delivered
        self.attempts = attempts
        self.httpStatus = httpStatus
        self.id = id
    }

    private enum CodingKeys: String, CodingKey {
        case delivered, attempts, id
        case httpStatus = "http_status"
    }
}
