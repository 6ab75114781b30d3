import PatchbayCore
import PatchbayHost

/// The host's own judgement, for outcomes on which the platform plugin has no opinion.
enum DefaultVerdict {
    /// - Parameter milliseconds: What the upstream asked to wait; 0 = nothing.
    static func answer(status: Int, retryAfter milliseconds: Int) -> Verdict {
        switch status {
        case 401, 403: return Verdict(fault: .credential, retry: .otherAccount)
        case 402: return Verdict(fault: .quota, retry: .otherAccount)
        case 404: return Verdict(fault: .model, retry: .otherChannel)
        case 405, 501: return Verdict(fault: .endpoint, retry: .otherChannel)
        case 408, 409, 425: return Verdict(fault: .site, retry: .otherChannel)
        case 429: return Verdict(fault: .rate, retry: .otherAccount, retryAfterMilliseconds: milliseconds)
        case 400..<500: return Verdict(fault: .client, retry: .none)
        case 503, 529: return Verdict(fault: .overload, retry: .otherChannel, retryAfterMilliseconds: milliseconds)
        default: return Verdict(fault: .site, retry: .otherChannel)
        }
    }

    static func transport(_ fault: TransportFault) -> Verdict {
        Verdict(fault: fault == .protocolViolation ? .site : .network, retry: .otherChannel)
    }

    /// The site leads back to this gateway. It does so until somebody changes the configuration.
    static let loop = Verdict(fault: .site, retry: .otherChannel, cooldownMilliseconds: 60_000)

    static let truncated = Verdict(fault: .site, retry: .otherChannel)

    static func streamError(_ category: ErrorCategory) -> Verdict {
        switch category {
        case .invalidRequest, .unsupportedConversion, .contextLength, .contentPolicy, .invalidReasoningState, .tooLarge:
            Verdict(fault: .client, retry: .none)
        case .authentication, .permission: Verdict(fault: .credential, retry: .otherAccount)
        case .quota: Verdict(fault: .quota, retry: .otherAccount)
        case .notFound: Verdict(fault: .model, retry: .otherChannel)
        case .rateLimit: Verdict(fault: .rate, retry: .otherAccount)
        case .overloaded: Verdict(fault: .overload, retry: .otherChannel)
        default: Verdict(fault: .site, retry: .otherChannel)
        }
    }
}

/// What a client is told when every attempt has failed.
///
/// A failing credential of ours never looks like a failing credential of the client's (formats.md section 7.3 rule 1).
enum FailureAnswer {
    ///
    /// - Parameter status: Of the upstream's answer; 0 = there was none.
    static func error(
        for verdict: Verdict, cause: AttemptFailureCause, status: Int = 0, retryAfter: Int?, dialect: Dialect
    ) -> GatewayError {
        let why = verdict.reason.isEmpty ? cause.sentence : verdict.reason
        if case .loop = cause { return .loop(why) }
        if status == 508 { return .loop("the site leads back to this gateway: \(why)") }
        switch verdict.fault {
        case .client: return GatewayError(.invalidRequest, why, status: 400)
        case .model where status >= 500:
            // It is served there, but not now.
            return GatewayError(
                .noChannel, "the upstream does not serve the model now: \(why)", status: 503,
                retryAfter: retryAfter ?? 5)
        case .model:
            return GatewayError(.modelNotFound, "no upstream serves the model: \(why)", status: 404, parameter: "model")
        case .credential, .challenge:
            return GatewayError(
                .upstreamAuthentication, "the upstream refused the gateway's own credential: \(why)", status: 502)
        case .quota:
            return GatewayError(
                .quotaExhausted, "the gateway's account at the upstream is exhausted: \(why)", status: 503,
                retryAfter: retryAfter ?? 60)
        case .rate:
            return GatewayError(
                .rateLimited, "the upstream limits the rate: \(why)", status: 429, retryAfter: retryAfter ?? 1)
        case .overload:
            return GatewayError(
                .overloaded, "the upstream is overloaded: \(why)", status: dialect == .anthropic ? 529 : 503,
                retryAfter: retryAfter ?? 5)
        case .network:
            let isTimeout = cause.isTimeout
            return GatewayError(
                isTimeout ? .upstreamTimeout : .upstreamFailed, "the upstream could not be reached: \(why)",
                status: isTimeout ? 504 : 502)
        case .endpoint, .site, .none:
            return GatewayError(.upstreamInvalid, "the upstream failed: \(why)", status: 502)
        }
    }
}

extension AttemptFailureCause {
    var isTimeout: Bool {
        switch self {
        case .timeout: true
        case .transport(let fault, _): fault == .timeout
        default: false
        }
    }
}
