import PatchbayPlugin
import PatchbayWire

/// An answer of the relay that is not plainly good.
///
/// The relay puts its own failures into the error object of OpenAI or Anthropic with a type that names the platform
/// (`new_api_error`), and passes failures of its upstreams on with their own types. Only the first kind can blame
/// our key.
struct RelayOutcome {
    var status: Int
    var body: ByteView
    var retryAfter: Duration?

    /// Whose fault it is; nil leaves it to the host's table.
    var verdict: Verdict? {
        if let page = Page(body) { return verdict(for: page) }
        guard !body.trimmed.isEmpty else { return emptyVerdict }
        guard let document = try? JSONValue(parsing: body.raw), document.objectValue != nil else {
            // The host hands over the first 64 KiB: a longer document is cut, not wrong.
            return status < 300 && body.count < 1 << 16 ? nonsense : nil
        }
        guard let failure = RelayFailure(document) else { return goodVerdict(document) }
        return verdict(for: failure)
    }

    private var nonsense: Verdict {
        Verdict(.site, retry: .otherChannel, reason: "The site's answer is not JSON.")
    }

    private func verdict(for page: Page) -> Verdict {
        switch page {
        case .challenge:
            Verdict(
                .challenge, retry: .otherChannel, cooldown: .seconds(600),
                reason: "The site's firewall wants a browser (status \(status)).")
        case .throttled:
            Verdict(
                .rate, retry: .otherChannel, cooldown: .seconds(1800), retryAfter: retryAfter,
                reason: "The site's firewall refuses because of too many requests.")
        case .other:
            Verdict(
                .site, retry: .otherChannel,
                reason: status < 500
                    ? "The site answered with a page instead of JSON (status \(status)); check its base URL."
                    : "The site is down (status \(status)).")
        }
    }

    /// The limiter that counts by address answers without a body.
    private var emptyVerdict: Verdict? {
        switch status {
        case 429:
            Verdict(
                .rate, retry: .otherChannel, retryAfter: retryAfter, reason: "The site limits the rate of requests.")
        case 200..<300: Verdict(.site, retry: .otherChannel, reason: "The site's answer is empty.")
        default: nil
        }
    }

    /// A document without an error: fine if it is an answer of one of the formats.
    private func goodVerdict(_ document: JSONValue) -> Verdict? {
        guard status < 300 else { return nil }
        let isAnswer = ["choices", "content", "type", "object", "data"].contains { document[$0] != nil }
        return isAnswer ? Verdict(.none, retry: .none) : nonsense
    }

    private func verdict(for failure: RelayFailure) -> Verdict? {
        var verdict = byCode(failure) ?? byMessage(failure) ?? byStatus(failure)
        verdict?.retryAfter = retryAfter
        if let reason = verdict?.reason, reason.isEmpty { verdict?.reason = failure.sentence(status: status) }
        return verdict
    }

    /// Codes of types/error.go of the platform. Those of the money and of the model are safe whatever the text says.
    private func byCode(_ failure: RelayFailure) -> Verdict? {
        switch failure.code {
        case "insufficient_user_quota": return quota(failure)
        case "pre_consume_token_quota_failed": return Verdict(.quota, retry: .otherAccount, cooldown: .seconds(60))
        case "model_not_found", "model_price_error":
            return Verdict(.model, retry: .otherChannel)
        case "sensitive_words_detected", "prompt_blocked", "convert_request_failed", "invalid_request",
            "read_request_body_failed", "bad_request_body":
            return status < 500 ? Verdict(.client, retry: .none) : Verdict(.model, retry: .otherChannel)
        case "token_concurrency_limit_reached": return Verdict(.rate, retry: .otherAccount)
        case "do_request_failed", "bad_response", "bad_response_body", "empty_response", "read_response_body_failed",
            "get_channel_failed", "aws_invoke_error":
            return upstreamTrouble
        case "bad_response_status_code" where status >= 500: return upstreamTrouble
        case let code? where code.hasPrefix("channel:"): return upstreamTrouble
        default: return nil
        }
    }

    /// What is behind the site has failed for this model; its other models may be served by others.
    private var upstreamTrouble: Verdict { Verdict(.model, retry: .otherChannel, cooldown: .seconds(30)) }

    /// "Balance is zero" rests until the host looks again; "too small for this request" only for a while.
    private func quota(_ failure: RelayFailure) -> Verdict {
        SiteMessage(in: failure.message) == .quotaTooSmall
            ? Verdict(.quota, retry: .otherAccount, cooldown: .seconds(60)) : Verdict(.quota, retry: .otherAccount)
    }

    private func byMessage(_ failure: RelayFailure) -> Verdict? {
        guard failure.isOwn || status < 300, let message = SiteMessage(in: failure.message) else { return nil }
        switch message {
        case .keyInvalid, .keyExpired, .keyUnavailable, .keyMissing, .addressNotAllowed, .userBanned, .groupForbidden,
            .accessTokenInvalid, .notLoggedIn:
            var verdict = Verdict(.credential, retry: .otherAccount)
            verdict.disableCredential = true
            return verdict
        case .keyExhausted, .quotaExhausted: return Verdict(.quota, retry: .otherAccount)
        case .quotaTooSmall: return Verdict(.quota, retry: .otherAccount, cooldown: .seconds(60))
        case .modelForbidden: return Verdict(.model, retry: .otherAccount)
        case .modelUnavailable: return Verdict(.model, retry: .otherChannel)
        case .upstreamSaturated: return Verdict(.overload, retry: .otherChannel)
        case .tooManyRequests: return Verdict(.rate, retry: .otherAccount)
        case .endpointUnknown: return Verdict(.endpoint, retry: .otherChannel)
        case .contentRefused, .requestMalformed, .modelNameMissing, .invalidParameters:
            return Verdict(.client, retry: .none)
        case .tryAgainLater: return Verdict(.site, retry: .otherChannel)
        case .userHeaderMissing, .userHeaderMismatch, .insufficientPrivileges, .wrongPassword, .passwordLoginDisabled,
            .secondFactorWrong, .secondFactorExpired, .turnstileMissing, .turnstileRejected, .checkinDisabled,
            .checkinAlreadyDone, .checkinFailed, .tokenNameTooLong, .tokenLimitReached, .recordNotFound:
            return nil
        }
    }

    private func byStatus(_ failure: RelayFailure) -> Verdict? {
        switch status {
        case 200..<300: return Verdict(.site, retry: .otherChannel)
        case 401 where failure.isOwn:
            var verdict = Verdict(.credential, retry: .otherAccount)
            verdict.disableCredential = true
            return verdict
        case 403 where failure.isOwn: return Verdict(.credential, retry: .otherAccount)
        case 401, 402, 403:
            // The refusal is that of the site's own upstream: the site has used up or lost its key there.
            return Verdict(.model, retry: .otherChannel, cooldown: .seconds(60))
        case 404 where failure.message.hasPrefix("Invalid URL"): return Verdict(.endpoint, retry: .otherChannel)
        case 429 where failure.isOwn: return Verdict(.rate, retry: .otherAccount)
        case 429: return Verdict(.overload, retry: .otherChannel)
        default: return nil
        }
    }
}

/// The error object of an answer.
struct RelayFailure {
    var message: String
    var type: String
    var code: String?

    /// nil if the document holds no error.
    init?(_ document: JSONValue) {
        if let error = document["error"]?.nonNull {
            message = error.stringValue ?? error["message"]?.stringValue ?? ""
            type = error["type"]?.stringValue ?? ""
            code = error["code"]?.stringValue.flatMap { $0.isEmpty ? nil : $0 }
        } else if document["success"]?.boolValue == false {
            // The dashboard's envelope: some middlewares use it in front of the relay as well.
            message = document["message"]?.stringValue ?? ""
            type = "new_api_error"
        } else {
            return nil
        }
    }

    /// The site says this about us; all other types are those of the site's own upstreams, passed on.
    ///
    /// The forks name themselves: `new_api_error`, `one_api_error`, `veloera_error`. An object without a type comes
    /// from a middleware of the site.
    var isOwn: Bool {
        type.isEmpty || type == "veloera_error" || type == "one_hub_error"
            || (type.hasSuffix("_api_error") && type != "api_error")
    }

    func sentence(status: Int) -> String {
        "The site said (status \(status)): \(Redaction.sentence(message))."
    }
}
