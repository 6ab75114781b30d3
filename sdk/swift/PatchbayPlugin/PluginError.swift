/// A failure that a plugin reports to the host.
public struct PluginError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What kind of failure it is; decides what the host does next.
    public enum Code: Int32, Sendable, Hashable, CaseIterable {
        /// An argument, a configuration value or a document is wrong.
        case invalid = -1
        /// The operation or feature does not exist here.
        case unsupported = -2
        /// Refused by policy.
        case denied = -3
        /// The named thing does not exist.
        case notFound = -4
        /// The state changed since it was read, or the thing exists already.
        case conflict = -5
        /// A bound on size, depth or count was reached.
        case tooLarge = -6
        /// The deadline passed.
        case timeout = -7
        /// The caller withdrew the call.
        case cancelled = -8
        /// The peer cannot serve at the moment.
        case unavailable = -9
        /// The peer rejected the credential.
        case auth = -10
        /// The peer asks to slow down.
        case rateLimited = -11
        /// The peer answered something that the protocol does not allow.
        case protocolViolation = -12
        /// No connection, or it broke.
        case network = -13
        /// A person has to act: captcha, second factor, browser challenge.
        case challenge = -14
        /// The receiver of output does not want more.
        case stopped = -15
        /// A defect in the plugin.
        case `internal` = -16
    }

    public var code: Code
    /// One sentence for people that names the field and the rule. No secrets.
    public var message: String
    /// Status of the peer's answer, if there was one.
    public var httpStatus: Int?
    /// How long the peer asked to wait.
    public var retryAfter: Duration?
    /// A JSON object with more, for machines.
    public var detailsJSON: String?

    public init(
        _ code: Code, _ message: String, httpStatus: Int? = nil, retryAfter: Duration? = nil, detailsJSON: String? = nil
    ) {
        self.code = code
        self.message = message
        self.httpStatus = httpStatus
        self.retryAfter = retryAfter
        self.detailsJSON = detailsJSON
    }

    public var description: String { "\(code): \(message)" }
}
