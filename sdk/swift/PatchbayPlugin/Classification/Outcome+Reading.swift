extension Outcome {
    /// What the answer asks for: `retry-after-ms`, `retry-after`, or a phrase of the error message.
    public func retryAfter(_ report: ErrorReport? = nil) -> Duration? {
        let fromHeaders = RetryAfter.read(
            milliseconds: header("retry-after-ms").optionalString, seconds: header("retry-after").optionalString,
            date: header("date").optionalString)
        return fromHeaders ?? report.flatMap { RetryAfter.read(sentence: $0.message) }
    }

    /// The body is a page for browsers.
    public var isHTML: Bool {
        if header("content-type").offset(of: "text/html", ignoringCase: true) == 0 { return true }
        let start = body.trimmed
        return start.count > 0 && start[0] == UInt8(ascii: "<")
    }

    /// The page wants a browser or a person to prove something.
    public var isChallengePage: Bool {
        guard isHTML else { return false }
        return !header("cf-mitigated").isEmpty
            || Self.challengeMarks.contains { body.contains($0, ignoringCase: true) }
    }

    private static let challengeMarks: [StaticString] = [
        "just a moment", "challenge-platform", "cf-chl", "cf_chl", "captcha", "turnstile", "acw_sc__v2", "aliyun_waf",
        "enable javascript and cookies", "attention required! | cloudflare", "checking your browser",
    ]
}
