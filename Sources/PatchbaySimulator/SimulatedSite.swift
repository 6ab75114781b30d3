import PatchbayCore

/// A New API site that exists only inside this process: a dashboard with accounts, tokens, prices and balances, and a
/// relay that answers chat requests with made-up text and charges for it.
///
/// It follows the wire facts of the three generations of QuantumNous/new-api. Configure a value, then call
/// ``start(host:port:logger:)``.
package struct SimulatedSite: Sendable {
    /// The generation of the dashboard's wire protocol.
    package enum Era: String, Sendable, CaseIterable {
        /// Until June 2025: cookie session, lists as plain arrays counted from page 0, keys in full.
        case a
        /// Until July 2026: cookie session, page objects counted from 1, masked keys.
        case b
        /// Since July 2026: short-lived access token and a rotating refresh cookie, no user-id header.
        case c
    }

    /// The language of the site's messages where the platform translates them.
    package enum Language: String, Sendable {
        case chinese
        case english
    }

    /// How the token list is paged.
    package enum Paging: Sendable {
        /// A plain array; the first page is 0.
        case arrayFromZero
        /// An object with `items`; the first page is 1.
        case objectFromOne
    }

    package var era: Era
    package var language = Language.english
    package var systemName = "New API"
    package var notice = ""
    /// Quota units of one US dollar.
    package var quotaPerUnit: Int64 = 500_000
    package var models: [SimulatedModel] = []
    package var groups = [SimulatedGroup(name: "default", ratio: 1, description: "Default group")]
    package var users: [SimulatedUser] = []
    package var checkin = SimulatedCheckin.disabled
    package var turnstile = false
    package var paging: Paging
    package var masksKeys: Bool
    /// Offers `POST /api/token/batch/keys`, which exists since April 2026.
    package var revealsInBatch: Bool
    /// Quota that a redemption code is worth.
    package var redemptionCodes: [String: Int64] = [:]
    package var pace = SimulatedPace.immediate
    /// What stands before the site, by path prefix.
    package var obstacles: [String: SimulatedObstacle] = [:]
    /// Makes keys, ids and answers reproducible.
    package var seed: UInt64 = 1
    /// Seconds since 1970. Decides what day it is for check-ins and when sessions end.
    package var clock: @Sendable () -> Int64

    /// A site of this era with its usual paging and masking, without models or users.
    package init(era: Era, clock: @escaping @Sendable () -> Int64 = { SystemTime.unixMilliseconds() / 1000 }) {
        self.era = era
        self.paging = era == .a ? .arrayFromZero : .objectFromOne
        self.masksKeys = era != .a
        self.revealsInBatch = era == .c
        self.clock = clock
    }
}

/// What a request meets before it reaches the site.
package enum SimulatedObstacle: Sendable {
    /// 429 without a body; `retryAfter` in seconds, as newer builds say it.
    case rateLimited(retryAfter: Int?)
    /// 200 with the pages of the dashboard, as a wrong base URL gets them.
    case page
    /// 200 with the script of a web application firewall that wants the cookie `acw_sc__v2`.
    case challenge
    /// 502 with an HTML page of a reverse proxy.
    case badGateway
}

/// How long the relay takes. Milliseconds.
package struct SimulatedPace: Sendable, Hashable {
    package var firstToken: Int
    package var perToken: Int

    package init(firstToken: Int, perToken: Int) {
        self.firstToken = firstToken
        self.perToken = perToken
    }

    package static let immediate = SimulatedPace(firstToken: 0, perToken: 0)
    /// About as fast as people know it from hosted models.
    package static let human = SimulatedPace(firstToken: 350, perToken: 25)
}

/// A billing group.
package struct SimulatedGroup: Sendable, Hashable {
    package var name: String
    package var ratio: Double
    package var description: String

    package init(name: String, ratio: Double, description: String) {
        self.name = name
        self.ratio = ratio
        self.description = description
    }
}

/// The daily check-in. Quota units.
package enum SimulatedCheckin: Sendable, Hashable {
    /// The endpoint does not exist, as before January 2026.
    case absent
    /// The endpoint answers that the feature is off.
    case disabled
    case enabled(minimum: Int64, maximum: Int64)
}
