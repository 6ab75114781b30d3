import PatchbayPlugin
import PatchbayWire

/// What the dashboard answered, after everything that is not a success has been turned into an error.
struct SiteReply: Sendable {
    /// The whole envelope.
    var document: JSONValue
    var headers: [(name: String, value: String)]

    /// The member `data`; null where the envelope has none.
    var data: JSONValue { document["data"] ?? .null }

    /// Reads an answer of `/api/*`. Business failures come with status 200, so the status alone says nothing.
    ///
    /// - Throws: ``PluginError`` with the code that tells the host what may help: auth, challenge, rateLimited,
    ///   unsupported, unavailable, or protocolViolation for what no site should say.
    init(_ response: HTTPResponse) throws(PluginError) {
        if let failure = Self.transportFailure(response) { throw failure }
        let document: JSONValue
        do throws(JSONError) {
            document = try JSONValue(parsing: response.body)
        } catch {
            throw Self.unreadable(response)
        }
        guard document.objectValue != nil else { throw Self.unreadable(response) }
        // `/api/usage/token/` says `code: true` where all others say `success: true`.
        let succeeded = document["success"]?.boolValue ?? document["code"]?.boolValue
        guard response.isSuccess, succeeded ?? (document["data"] != nil) else {
            throw Self.failure(document, response: response)
        }
        self.document = document
        headers = response.headers
    }

    /// The failures that need no look into a JSON document.
    private static func transportFailure(_ response: HTTPResponse) -> PluginError? {
        let status = response.status
        let page = response.body.withUnsafeBytes { Page(ByteView($0)) }
        switch page {
        case .challenge:
            return PluginError(
                .challenge, "The site's firewall wants a browser (status \(status)).", httpStatus: status,
                detailsJSON: #"{"challenge":"browser"}"#)
        case .throttled:
            return PluginError(
                .rateLimited, "The site's firewall refuses because of too many requests.", httpStatus: status,
                retryAfter: response.retryAfter ?? .seconds(1800))
        case .other where status >= 500:
            return PluginError(.unavailable, "The site is down (status \(status)).", httpStatus: status)
        case .other:
            return PluginError(
                .protocolViolation,
                "The site answered with a page instead of JSON (status \(status)); check its base URL.",
                httpStatus: status)
        case nil: break
        }
        switch status {
        case 429:
            return PluginError(
                .rateLimited, "The site limits the rate of requests.", httpStatus: status,
                retryAfter: response.retryAfter)
        case 300..<400:
            let target = response.header("location").map { " to \($0.prefix(200))" } ?? ""
            return PluginError(
                .protocolViolation, "The site redirects\(target); check its base URL.", httpStatus: status)
        case 500...:
            return PluginError(
                .unavailable, "The site failed (status \(status)).", httpStatus: status,
                retryAfter: response.retryAfter)
        default: return nil
        }
    }

    private static func unreadable(_ response: HTTPResponse) -> PluginError {
        switch response.status {
        case 401: PluginError(.auth, "The site refused the credential (status 401).", httpStatus: 401)
        case 404: PluginError(.unsupported, "The site does not have this endpoint.", httpStatus: 404)
        default:
            PluginError(
                .protocolViolation, "The site's answer is not the JSON object of New API (status \(response.status)).",
                httpStatus: response.status)
        }
    }

    /// What the sentence of a refusal means; nil for anything else.
    static func message(of response: HTTPResponse) -> SiteMessage? {
        guard let document = try? JSONValue(parsing: response.body), document["success"]?.boolValue == false else {
            return nil
        }
        return document["message"]?.stringValue.flatMap { SiteMessage(in: $0) }
    }

    /// The error of an envelope that says no, or of the relay's error object.
    private static func failure(_ document: JSONValue, response: HTTPResponse) -> PluginError {
        let text = document["message"]?.stringValue ?? document["error"]?["message"]?.stringValue ?? ""
        var failure = SiteFailure(status: response.status, code: document["code"]?.stringValue, text: text).error
        failure.retryAfter = failure.retryAfter ?? response.retryAfter
        return failure
    }
}

/// A refusal of the dashboard: status, the code of era C, and the sentence.
struct SiteFailure: Sendable {
    var status: Int
    /// Members such as `AUTH_TOKEN_EXPIRED`; nil in the older eras.
    var code: String?
    var text: String

    /// The error that the host sees, with the details that tell it what may help.
    var error: PluginError {
        let message = SiteMessage(in: text)
        let (kind, sentence, details) = code.flatMap { byCode($0) } ?? message.map { byMessage($0) } ?? byStatus()
        return PluginError(kind, sentence, httpStatus: status, detailsJSON: details)
    }

    private typealias Reading = (PluginError.Code, String, String?)

    private static let refresh = #"{"remedy":"refresh"}"#
    private static let login = #"{"remedy":"login"}"#
    private static let replace = #"{"remedy":"replace"}"#

    private func byCode(_ code: String) -> Reading? {
        switch code {
        case "AUTH_TOKEN_EXPIRED": (.auth, "The session's access token has expired.", Self.refresh)
        case "AUTH_SESSION_REVOKED": (.auth, "The session has been ended by the site.", Self.login)
        case "AUTH_SESSION_MISMATCH": (.auth, "The session does not belong to the refresh cookie.", Self.login)
        case "AUTH_UNAUTHORIZED": (.auth, "The site does not accept the credential.", Self.login)
        case "AUTH_USER_DISABLED", "AUTH_USER_INVALID": (.auth, "The site has disabled the account.", Self.replace)
        case "AUTH_INSUFFICIENT_PRIVILEGE": (.denied, "The account may not do this on the site.", nil)
        case "AUTH_REFRESH_RACE": (.conflict, "Another refresh of the session is under way.", nil)
        case "AUTH_SESSION_LIMIT": (.denied, "The account has too many sessions on the site.", nil)
        case "AUTH_SESSION_ISSUANCE_LIMIT": (.rateLimited, "The account has logged in too often.", nil)
        case "AUTH_ORIGIN_FORBIDDEN":
            (.denied, "The site does not accept requests from this origin; base_url must be its own address.", nil)
        default: nil
        }
    }

    private func byMessage(_ message: SiteMessage) -> Reading {
        switch message {
        case .notLoggedIn: (.auth, "The site wants a login.", Self.login)
        case .accessTokenInvalid: (.auth, "The site does not accept the access token.", Self.replace)
        case .userHeaderMissing:
            (.invalid, "The site wants the field user_id of the credential, the number of the account.", nil)
        case .userHeaderMismatch:
            (.invalid, "The field user_id of the credential is not the number of this account.", nil)
        case .userBanned: (.auth, "The site has banned the account.", Self.replace)
        case .wrongPassword: (.auth, "The site does not accept username and password.", Self.replace)
        case .passwordLoginDisabled: (.unsupported, "The site does not allow logins with a password.", nil)
        case .insufficientPrivileges, .groupForbidden: (.denied, "The account may not do this: \(quoted).", nil)
        case .turnstileMissing, .turnstileRejected:
            (.challenge, "The site wants a Turnstile token.", #"{"challenge":"turnstile"}"#)
        case .secondFactorWrong:
            (.challenge, "The code of the second factor is wrong.", #"{"challenge":"totp"}"#)
        case .secondFactorExpired: (.challenge, "The login took too long; start again.", #"{"challenge":"totp"}"#)
        case .keyMissing, .keyInvalid, .keyExpired, .keyUnavailable, .keyExhausted, .addressNotAllowed:
            (.auth, "The site does not accept the API key: \(quoted).", Self.replace)
        case .endpointUnknown: (.unsupported, "The site does not have this endpoint.", nil)
        case .recordNotFound: (.notFound, "The site does not know this id.", nil)
        case .tokenLimitReached: (.tooLarge, "The account has as many tokens as the site allows.", nil)
        case .tokenNameTooLong: (.invalid, "The field name is longer than the site allows.", nil)
        case .tooManyRequests: (.rateLimited, "The site limits the rate of requests.", nil)
        case .tryAgainLater, .checkinFailed, .upstreamSaturated: (.unavailable, "The site said: \(quoted).", nil)
        case .checkinDisabled, .checkinAlreadyDone: (.conflict, "The site said: \(quoted).", nil)
        case .invalidParameters, .modelForbidden, .modelUnavailable, .modelNameMissing, .quotaExhausted, .quotaTooSmall,
            .contentRefused, .requestMalformed:
            (.invalid, "The site said: \(quoted).", nil)
        }
    }

    private func byStatus() -> Reading {
        switch status {
        case 401: (.auth, "The site refused the credential: \(quoted).", Self.login)
        case 403: (.denied, "The site refused: \(quoted).", nil)
        case 404: (.unsupported, "The site does not have this endpoint.", nil)
        case 409: (.conflict, "The site said: \(quoted).", nil)
        default: (.invalid, "The site said: \(quoted).", nil)
        }
    }

    /// The site's sentence as far as it fits into ours, without what could be a key.
    private var quoted: String { Redaction.sentence(text) }
}
