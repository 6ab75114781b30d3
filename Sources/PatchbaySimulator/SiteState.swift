import PatchbayCore

/// Everything the simulated site remembers. A value: one request in, one answer out, no I/O.
struct SiteState: Sendable {
    /// A dashboard session: a cookie in the older eras, the chain of refresh cookies in the newest.
    struct Session: Sendable {
        var userID: Int64
        var sid: String
        var createdTime: Int64
        /// The last half of the refresh cookie that is good now.
        var secret: String
        /// The one before it, good for a replay until `replayEnd`.
        var previousSecret: String?
        var replayEnd: Int64 = 0
        var accessTokens: [String: Int64] = [:]
    }

    /// A row of the usage log.
    struct LogRow: Sendable {
        var userID: Int64
        var time: Int64
        var type: Int64
        var content: String
        var tokenID: Int64 = 0
        var tokenName = ""
        var model = ""
        var group = ""
        var quota: Int64 = 0
        var promptTokens = 0
        var completionTokens = 0
        var stream = false
        var requestID = ""
    }

    struct CheckinRecord: Sendable {
        var userID: Int64
        var date: String
        var quota: Int64
    }

    let site: SimulatedSite
    var users: [SimulatedUser]
    /// By cookie in the eras A and B, by session id in era C.
    var sessions: [String: Session] = [:]
    /// Logins that wait for the second factor: the user, by cookie or flow token.
    var pendingLogins: [String: Int64] = [:]
    var logs: [LogRow] = []
    var checkins: [CheckinRecord] = []
    var usedCodes: Set<String> = []
    var nextTokenID: Int64
    var random: SeededGenerator
    let startTime: Int64

    init(site: SimulatedSite) {
        self.site = site
        users = site.users
        nextTokenID = (site.users.flatMap(\.tokens).map(\.id).max() ?? 0) + 1
        random = SeededGenerator(seed: site.seed)
        startTime = site.clock()
    }

    var now: Int64 { site.clock() }
    var words: SiteWords { SiteWords(language: site.language) }

    func userIndex(_ id: Int64) -> Int? {
        users.firstIndex { $0.id == id }
    }

    /// Where the token with this key is; the key without `sk-`.
    func tokenPlace(key: String) -> (user: Int, token: Int)? {
        for (user, candidate) in users.enumerated() {
            if let token = candidate.tokens.firstIndex(where: { $0.key == key }) { return (user, token) }
        }
        return nil
    }

    func groupRatio(_ name: String) -> Double {
        site.groups.first { $0.name == name }?.ratio ?? 1
    }

    /// An amount of quota as the site writes it in messages.
    func dollars(_ quota: Int64) -> String {
        let millionths = Int64((Double(quota) / Double(site.quotaPerUnit) * 1e6).rounded())
        let fraction = String(abs(millionths) % 1_000_000)
        let sign = millionths < 0 ? "-" : ""
        return "＄\(sign)\(abs(millionths) / 1_000_000).\(String(repeating: "0", count: 6 - fraction.count))\(fraction)"
    }

    /// The id of a request: the time in digits, then random ones.
    mutating func makeRequestID() -> String {
        CivilTime(seconds: now).digits + random.alphanumeric(16)
    }
}
