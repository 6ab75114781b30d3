import PatchbayPlugin
import PatchbayWire

extension PlatformNewAPI {
    /// Logs in with username and password, and a code where the account has a second factor.
    @Sendable func login(_ arguments: LoginArguments, _ call: Call) async throws -> LoginResult {
        guard let username = call.account?.fields["username"], !username.isEmpty else {
            throw PluginError(.invalid, "The credential's field username must not be empty.")
        }
        guard call.hasSecret("password") else {
            throw PluginError(.invalid, "The credential must have the secret password.")
        }
        let dashboard = dashboard(call)
        let turnstile = arguments.turnstile.map { "?turnstile=\(Self.escaped($0))" } ?? ""
        let body: JSONValue = ["username": .string(username), "password": "${secret:password}"]
        let response = try await dashboard.send(
            "POST", "/api/user/login" + turnstile, body: body, options: [.noCookies, .expandBody])
        var reply = try LoginReply(try SiteReply(response))
        if case .secondFactor(let flow, let isCookie) = reply {
            reply = try await sendCode(arguments.code, flow: flow, isCookie: isCookie, dashboard)
        }
        guard let result = reply.result(now: Int(call.host.clock.unixSeconds)) else {
            throw PluginError(.protocolViolation, "The site wants the second factor twice.")
        }
        return createsAccessToken ? try await exchange(result, dashboard) : result
    }

    private func sendCode(
        _ code: String?, flow: String, isCookie: Bool, _ dashboard: Dashboard
    ) async throws -> LoginReply {
        guard let code, !code.isEmpty else {
            throw PluginError(
                .challenge, "The account has a second factor; the argument code is missing.",
                detailsJSON: #"{"challenge":"totp"}"#)
        }
        var body: JSONValue = ["code": .string(code)]
        if !isCookie { body["flow_token"] = .string(flow) }
        let headers = isCookie ? [("cookie", "session=\(flow)")] : []
        return try LoginReply(try await dashboard.open("POST", "/api/user/login/2fa", body: body, headers: headers))
    }

    /// Trades a fresh session for a system access token, which survives it. The account's previous one dies.
    private func exchange(_ session: LoginResult, _ dashboard: Dashboard) async throws -> LoginResult {
        let userID = session.fields["user_id"] ?? ""
        let secret = session.secrets["session"] ?? ""
        let headers =
            session.fields["session_form"] == "bearer"
            ? [("authorization", "Bearer \(secret)")] : [("cookie", "session=\(secret)"), ("new-api-user", userID)]
        let reply = try await dashboard.open("GET", "/api/user/token", headers: headers)
        guard let token = reply.data.stringValue, !token.isEmpty else {
            throw PluginError(.protocolViolation, "The site made no system access token.")
        }
        var fields = session.fields
        fields["session_form"] = nil
        fields["session_id"] = nil
        return LoginResult(credentialKind: "access_token", fields: fields, secrets: ["access_token": token])
    }

    /// Era C: a new access token for the refresh cookie, which changes with it. Sessions of the older eras end after
    /// 30 days and cannot be refreshed.
    @Sendable func refresh(_ call: Call) async throws -> LoginResult {
        let dashboard = dashboard(call)
        guard call.hasSecret("refresh_token") else {
            throw PluginError(.unsupported, "The session has no refresh token; log in instead.")
        }
        var headers = [("cookie", "new_api_refresh=${secret:refresh_token}"), ("origin", dashboard.base)]
        if let sid = call.account?.fields["session_id"], !sid.isEmpty { headers.append(("x-auth-session", sid)) }
        let reply = try LoginReply(try await dashboard.open("POST", "/api/user/auth/refresh", headers: headers))
        guard let result = reply.result(now: Int(call.host.clock.unixSeconds)) else {
            throw PluginError(.protocolViolation, "The site wants a second factor for a refresh.")
        }
        return result
    }
}
