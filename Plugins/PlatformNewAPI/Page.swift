import PatchbayPlugin

/// A page for browsers that came where JSON was expected.
enum Page: Sendable {
    /// A firewall wants a browser to run its script, or a person to solve something.
    case challenge
    /// A firewall refuses for a while because of too many requests.
    case throttled
    /// The pages of a dashboard or of a proxy: a wrong base URL, or the site is down.
    case other

    /// nil if `body` is neither HTML nor a firewall's refusal.
    ///
    /// Sources: the acw_sc__v2 script of Alibaba's edge, Cloudflare's challenge pages.
    init?(_ body: ByteView) {
        if body.contains("denied by http_ratelimit", ignoringCase: true) {
            self = .throttled
            return
        }
        let start = body.trimmed
        guard !start.isEmpty, start[0] == UInt8(ascii: "<") else { return nil }
        let isChallenge = Self.marks.contains { body.contains($0, ignoringCase: true) }
        self = isChallenge ? .challenge : .other
    }

    private static let marks: [StaticString] = [
        "acw_sc__v2", "aliyun_waf", "cf-chl", "cdn-cgi/challenge-platform", "just a moment...", "captcha",
        "var arg1=",
    ]
}
