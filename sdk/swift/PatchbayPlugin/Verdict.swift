/// What `classify` decides: whose fault it is and what may be tried next.
public struct Verdict: Sendable, Hashable {
    /// Whose fault a failure is. Only that party is penalised.
    public enum Fault: UInt32, Sendable, Hashable, CaseIterable {
        /// The answer is good.
        case none = 0
        /// The request itself is wrong; no other channel would take it.
        case client = 1
        /// The model is unknown or not served here; other models of the site are fine.
        case model = 2
        /// The credential is invalid, expired or forbidden.
        case credential = 3
        /// The account has run out of balance or quota.
        case quota = 4
        /// Too many requests or tokens in a window.
        case rate = 5
        /// The upstream is overloaded.
        case overload = 6
        /// The site is broken.
        case site = 7
        /// Connection refused, reset, time-out.
        case network = 8
        /// A page that wants a browser or a person.
        case challenge = 9
        /// The endpoint or wire format is not supported here.
        case endpoint = 10
    }

    /// What may be tried next.
    public enum Retry: UInt32, Sendable, Hashable, CaseIterable {
        case none = 0
        case sameChannel = 1
        case otherAccount = 2
        case otherChannel = 3
    }

    public var fault: Fault
    public var retry: Retry
    /// How long the party at fault should rest; nil = the host decides.
    public var cooldown: Duration?
    /// What the upstream asked for.
    public var retryAfter: Duration?
    /// The credential should not be used again until a person or a login has renewed it.
    public var disableCredential = false
    /// A new login may help.
    public var loginAgain = false
    /// One sentence for the log; no secrets.
    public var reason: String

    public init(
        _ fault: Fault, retry: Retry, cooldown: Duration? = nil, retryAfter: Duration? = nil, reason: String = ""
    ) {
        self.fault = fault
        self.retry = retry
        self.cooldown = cooldown
        self.retryAfter = retryAfter
        self.reason = reason
    }
}
