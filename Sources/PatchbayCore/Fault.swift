/// Whose fault a failed attempt is. Only that party is penalised.
///
/// The numbers are those of `PB_FAULT_` in `patchbay/upstream.h`.
package enum Fault: UInt8, Sendable, CaseIterable {
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
    case overload = 6
    /// The site is broken: 5xx, nonsense answers, wrong base URL.
    case site = 7
    /// Connection refused, reset, time-out.
    case network = 8
    /// A page that wants a browser or a person.
    case challenge = 9
    /// The endpoint or wire format is not supported here; another format of the site may be.
    case endpoint = 10

    /// Bounded word for metrics, the ledger and the API; `none` is "ok".
    package var name: String {
        switch self {
        case .none: "ok"
        case .client: "client"
        case .model: "model"
        case .credential: "credential"
        case .quota: "quota"
        case .rate: "rate"
        case .overload: "overload"
        case .site: "site"
        case .network: "network"
        case .challenge: "challenge"
        case .endpoint: "endpoint"
        }
    }
}

/// What may be tried after a failed attempt. The numbers are those of `PB_RETRY_` in `patchbay/upstream.h`.
package enum RetryScope: UInt8, Sendable, CaseIterable {
    case none = 0
    case sameChannel = 1
    case otherAccount = 2
    case otherChannel = 3

    package var name: String {
        switch self {
        case .none: "none"
        case .sameChannel: "same_channel"
        case .otherAccount: "other_account"
        case .otherChannel: "other_channel"
        }
    }
}
