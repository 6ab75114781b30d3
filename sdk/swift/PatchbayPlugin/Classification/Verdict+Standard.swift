extension Verdict {
    /// The table that holds for any HTTP API in front of a model. Adapters refine it: look for what only your platform
    /// says, and hand over the rest.
    ///
    /// nil if the answer is not recognised as a failure.
    ///
    /// - Parameter report: what the body says, if the caller has read it already.
    public static func standard(for outcome: Outcome, report: ErrorReport? = nil) -> Verdict? {
        let report = report ?? ErrorReport(outcome.body)
        guard var verdict = judge(outcome, report) else { return nil }
        verdict.retryAfter = verdict.retryAfter ?? outcome.retryAfter(report)
        if outcome.bytesToClient > 0 { verdict.retry = .none }
        if verdict.reason.isEmpty { verdict.reason = Self.sentence(outcome, report) }
        return verdict
    }

    private static func judge(_ outcome: Outcome, _ report: ErrorReport?) -> Verdict? {
        if outcome.transport != .none { return transport(outcome.transport) }
        if outcome.isHTML { return page(outcome) }
        switch outcome.status {
        case 200..<300: return disguised(outcome, report)
        case 300..<400:
            return Verdict(.site, retry: .otherChannel, reason: "The site redirects; its base URL is probably wrong.")
        default: break
        }
        guard let report, var known = FailureText.verdict(for: report), isPlausible(known, at: outcome.status) else {
            return status(outcome.status, report)
        }
        // Behind a breakdown may be a credential of the site's own; ours is not proved wrong.
        if outcome.status >= 500 { known.disableCredential = false }
        return known
    }

    private static func transport(_ transport: Outcome.Transport) -> Verdict {
        switch transport {
        case .denied:
            Verdict(.site, retry: .otherChannel, reason: "The address of the site is refused by the egress policy.")
        case .tls: Verdict(.site, retry: .otherChannel, reason: "The TLS handshake with the site failed.")
        case .timeout: Verdict(.network, retry: .otherChannel, reason: "The site did not answer in time.")
        case .protocolViolation: Verdict(.site, retry: .otherChannel, reason: "The site does not speak HTTP properly.")
        case .none, .connect, .reset:
            Verdict(.network, retry: .otherChannel, reason: "The connection to the site failed.")
        }
    }

    private static func page(_ outcome: Outcome) -> Verdict {
        if outcome.isChallengePage {
            return Verdict(.challenge, retry: .otherChannel, reason: "The site wants a browser to pass a challenge.")
        }
        if outcome.status >= 500 { return status(outcome.status, nil) }
        if outcome.status == 404 || outcome.status == 405 { return status(outcome.status, nil) }
        return Verdict(
            .site, retry: .otherChannel, reason: "The site answered with an HTML page; is its base URL right?")
    }

    /// Status 200 and yet an error.
    private static func disguised(_ outcome: Outcome, _ report: ErrorReport?) -> Verdict? {
        guard let report else {
            return outcome.body.trimmed.isEmpty
                ? Verdict(.site, retry: .otherChannel, reason: "The answer is empty.") : nil
        }
        if let known = FailureText.verdict(for: report) { return known }
        if let code = Int(report.code), (400..<600).contains(code) { return status(code, report) }
        return Verdict(.site, retry: .otherChannel)
    }

    /// A text may not turn an upstream's breakdown into the client's fault.
    private static func isPlausible(_ verdict: Verdict, at status: Int) -> Bool {
        !(verdict.fault == .client && status >= 500)
    }

    private static func status(_ status: Int, _ report: ErrorReport?) -> Verdict {
        switch status {
        case 401:
            var verdict = Verdict(.credential, retry: .otherAccount)
            verdict.disableCredential = true
            return verdict
        case 403: return Verdict(.credential, retry: .otherAccount)
        case 402: return Verdict(.quota, retry: .otherAccount)
        case 404: return Verdict(.endpoint, retry: .otherChannel)
        case 405, 406, 501, 505: return Verdict(.endpoint, retry: .otherChannel)
        case 408: return Verdict(.overload, retry: .otherChannel)
        case 409, 425: return Verdict(.overload, retry: .sameChannel)
        case 410: return Verdict(.model, retry: .otherChannel)
        case 429: return Verdict(.rate, retry: .otherAccount)
        case 424: return Verdict(.site, retry: .otherChannel)
        case 400..<500:
            return report.map(FailureText.isOutage) == true
                ? Verdict(.site, retry: .otherChannel) : Verdict(.client, retry: .none)
        case 503, 504, 524, 529: return Verdict(.overload, retry: .otherChannel)
        default: return Verdict(.site, retry: .otherChannel)
        }
    }

    private static func sentence(_ outcome: Outcome, _ report: ErrorReport?) -> String {
        let message = report.map { $0.message.isEmpty ? $0.code : $0.message } ?? ""
        let text = String(message.prefix(200))
        return text.isEmpty ? "The site answered with status \(outcome.status)." : "Status \(outcome.status): \(text)"
    }
}
