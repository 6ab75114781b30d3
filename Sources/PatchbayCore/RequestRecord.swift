/// How a request ended.
package enum RequestOutcome: UInt8, Sendable, CaseIterable {
    /// The client got a complete answer from an upstream.
    case completed = 1
    /// The client got an error.
    case failed = 2
    /// The answer broke off after its first byte had been sent; the client was told so.
    case truncated = 3
    /// The client left.
    case cancelled = 4
    /// The gateway process ended while the request was in flight; found when its ledger was read.
    case interrupted = 5

    package var name: String {
        switch self {
        case .completed: "completed"
        case .failed: "failed"
        case .truncated: "truncated"
        case .cancelled: "cancelled"
        case .interrupted: "interrupted"
        }
    }
}

/// One try of one channel for one request.
package struct AttemptRecord: Sendable, Hashable {
    package var site: String
    package var account: String
    package var upstreamModel: String
    /// HTTP status of the upstream; 0 = none arrived.
    package var status: Int
    /// Bounded word: "ok" or a fault ("rate", "network", ...).
    package var fault: String
    /// One sentence; may be empty.
    package var reason: String
    package var milliseconds: Int

    package init(
        site: String, account: String, upstreamModel: String, status: Int, fault: String, reason: String,
        milliseconds: Int
    ) {
        self.site = site
        self.account = account
        self.upstreamModel = upstreamModel
        self.status = status
        self.fault = fault
        self.reason = reason
        self.milliseconds = milliseconds
    }
}

/// One line of the ledger: a finished request and its money.
package struct RequestRecord: Sendable, Hashable {
    /// Unique for ever; the idempotency key of the ledger.
    package var id: String
    /// Milliseconds since 1970, when the head had been read.
    package var time: Int64
    /// Name of the key.
    package var key: String
    /// Public model name as requested.
    package var model: String
    /// Of the attempt that answered, or of the last one; empty if there was none.
    package var site = ""
    package var account = ""
    package var upstreamModel = ""
    /// HTTP status that the client got.
    package var status = 0
    package var outcome: RequestOutcome = .completed
    package var attempts: [AttemptRecord] = []
    package var usage = TokenUsage()
    package var cost: Money = .zero
    package var latencyMilliseconds = 0
    /// From the head to the first byte of the answer's content; nil = none was sent.
    package var firstTokenMilliseconds: Int?
    package var stream = false
    package var clientFormat = ""
    package var upstreamFormat = ""
    /// Bounded word for what went wrong; empty if nothing did.
    package var errorCode = ""
    /// Codes of what a conversion could not carry.
    package var warnings: [String] = []

    package init(id: String, time: Int64, key: String, model: String) {
        self.id = id
        self.time = time
        self.key = key
        self.model = model
    }
}
