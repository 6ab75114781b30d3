import PatchbayPlugin
import PatchbayWire

/// How a dashboard request proves who it is.
enum DashboardCredential: Sendable, Hashable {
    /// The system access token, and the id that eras A and B want beside it.
    case accessToken(userID: String?)
    /// Eras A and B: the cookie `session`.
    case cookie(userID: String?)
    /// Era C: a short-lived access token.
    case bearer
    case none

    /// The best one that the account has: a system access token outlives sessions and migrations.
    init(_ account: AccountContext?, hasSecret: (String) -> Bool) {
        guard let account else {
            self = .none
            return
        }
        let userID = account.fields["user_id"].flatMap { $0.isEmpty ? nil : $0 }
        if hasSecret("access_token") {
            self = .accessToken(userID: userID)
        } else if hasSecret("session") {
            let form = account.fields["session_form"] ?? (hasSecret("refresh_token") ? "bearer" : "cookie")
            self = form == "bearer" ? .bearer : .cookie(userID: userID)
        } else {
            self = .none
        }
    }

    /// The headers, with placeholders that the host fills in.
    var headers: [(String, String)] {
        switch self {
        case .accessToken(let userID):
            [("authorization", "Bearer ${secret:access_token}")] + Self.userHeader(userID)
        case .cookie(let userID): [("cookie", "session=${secret:session}")] + Self.userHeader(userID)
        case .bearer: [("authorization", "Bearer ${secret:session}")]
        case .none: []
        }
    }

    /// Era C ignores the header; eras A and B refuse every request without it.
    private static func userHeader(_ userID: String?) -> [(String, String)] {
        userID.map { [("new-api-user", $0)] } ?? []
    }
}

/// The dashboard of a site, asked on behalf of one call.
struct Dashboard: Sendable {
    let call: Call
    let acceptLanguage: String
    let credential: DashboardCredential

    init(_ call: Call, acceptLanguage: String) {
        self.call = call
        self.acceptLanguage = acceptLanguage
        credential = DashboardCredential(call.account) { call.hasSecret($0) }
    }

    /// The site's own address: people copy it with the `/v1` that other clients want.
    static func siteBase(_ text: String) -> String {
        text.hasSuffix("/v1") ? String(text.dropLast(3)) : text
    }

    var base: String { Self.siteBase(call.baseURL) }

    // MARK: Requests

    /// A request without a credential.
    func open(_ method: String = "GET", _ path: String, body: JSONValue? = nil, headers: [(String, String)] = [])
        async throws(PluginError) -> SiteReply
    {
        try SiteReply(await send(method, path, body: body, headers: headers))
    }

    /// A request with the account's credential.
    ///
    /// - Throws: auth when the account has none, and what ``SiteReply`` throws.
    func authorised(_ method: String = "GET", _ path: String, body: JSONValue? = nil) async throws(PluginError)
        -> SiteReply
    {
        try SiteReply(await authorisedResponse(method, path, body: body))
    }

    /// The same, with the answer as it came.
    func authorisedResponse(_ method: String, _ path: String, body: JSONValue? = nil) async throws(PluginError)
        -> HTTPResponse
    {
        guard credential != .none else { throw Self.missingCredential(call.account) }
        return try await send(method, path, body: body, headers: credential.headers)
    }

    /// A request under `/v1` or `/api/usage` with the account's API key.
    func keyed(_ path: String) async throws(PluginError) -> HTTPResponse {
        try await send("GET", path, headers: [("authorization", "Bearer ${secret:api_key}")])
    }

    /// Cookies are sent by hand, so that the session of an account is where its other secrets are. Redirects are not
    /// followed: they mean a wrong path, and would carry the credential elsewhere.
    func send(
        _ method: String, _ path: String, body: JSONValue? = nil, headers: [(String, String)] = [],
        options: HTTPRequest.Options = .noCookies
    ) async throws(PluginError) -> HTTPResponse {
        guard !call.baseURL.isEmpty else { throw PluginError(.invalid, "The site has no base_url.") }
        var all = [("accept", "application/json"), ("accept-language", acceptLanguage)] + headers
        if body != nil { all.append(("content-type", "application/json")) }
        return try await call.http(
            HTTPRequest(method, base + path, headers: all, body: body?.serialised() ?? [], options: options))
    }

    var hasKey: Bool { call.hasSecret("api_key") }

    /// The error for an account that cannot use the dashboard.
    private static func missingCredential(_ account: AccountContext?) -> PluginError {
        switch account?.kind {
        case nil: PluginError(.invalid, "The operation needs an account.")
        case "password", "session":
            PluginError(.auth, "The account has no session; log in first.", detailsJSON: #"{"remedy":"login"}"#)
        default:
            PluginError(
                .unsupported,
                "An API key does not open the dashboard; the account needs a password, a session or an access token.")
        }
    }

    // MARK: Money

    /// Quota units of one US dollar on this site, remembered for five minutes.
    func quotaPerUSD() async throws(PluginError) -> Double {
        let store = call.store(.site)
        if let entry = try? await store.get("quota_per_usd"),
            let value = Double(String(decoding: entry.value, as: UTF8.self)), value > 0
        {
            return value
        }
        let value = SiteStatus(try await open("GET", "/api/status").data).quotaPerUSD
        try? await store.put("quota_per_usd", Array(String(value).utf8), timeToLive: .seconds(300))
        return value
    }
}

extension PlatformNewAPI {
    func dashboard(_ call: Call) -> Dashboard {
        Dashboard(call, acceptLanguage: acceptLanguage)
    }

    /// A value as part of a path or a query: everything but letters, digits and `-._~` as percent codes.
    static func escaped(_ text: String) -> String {
        var output = ""
        for byte in text.utf8 {
            let scalar = Unicode.Scalar(byte)
            switch scalar {
            case "a"..."z", "A"..."Z", "0"..."9", "-", ".", "_", "~": output.unicodeScalars.append(scalar)
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                output += byte < 16 ? "%0\(digits)" : "%\(digits)"
            }
        }
        return output
    }
}
