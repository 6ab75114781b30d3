import PatchbayPlugin
import PatchbayWire

/// What a login ended in.
enum LoginReply: Sendable, Hashable {
    /// Eras A and B: the value of the cookie `session`, and its life in seconds.
    case cookie(userID: String, session: String, lifetime: Int?)
    /// Era C: a short-lived access token and the refresh cookie.
    case bearer(userID: String, session: String, sessionID: String?, refresh: String?, expiresAt: Int?)
    /// A code is wanted. `flow` is the flow token of era C or the pending cookie of era B.
    case secondFactor(flow: String, isCookie: Bool)

    /// Reads the answer of `/api/user/login`, `/api/user/login/2fa` or `/api/user/auth/refresh`.
    init(_ reply: SiteReply) throws(PluginError) {
        let data = reply.data
        if data["require_2fa"]?.boolValue == true {
            if let flow = data["flow_token"]?.stringValue, !flow.isEmpty {
                self = .secondFactor(flow: flow, isCookie: false)
            } else if let cookie = SetCookie.find("session", in: reply.headers) {
                self = .secondFactor(flow: cookie.value, isCookie: true)
            } else {
                throw PluginError(.protocolViolation, "The site wants a second factor but gave no way to send it.")
            }
            return
        }
        if let token = data["access_token"]?.stringValue, !token.isEmpty, let user = data["user"] {
            self = .bearer(
                userID: try Self.userID(user), session: token, sessionID: data["session"]?["sid"]?.stringValue,
                refresh: SetCookie.find("new_api_refresh", in: reply.headers)?.value,
                expiresAt: data["access_expires_at"]?.intValue)
            return
        }
        guard let cookie = SetCookie.find("session", in: reply.headers) else {
            throw PluginError(.protocolViolation, "The site accepted the login but gave neither a cookie nor a token.")
        }
        self = .cookie(
            userID: try Self.userID(data), session: cookie.value, lifetime: cookie.maximumAge)
    }

    private static func userID(_ user: JSONValue) throws(PluginError) -> String {
        guard let id = user["id"]?.intValue, id > 0 else {
            throw PluginError(.protocolViolation, "The site's answer to the login lacks the number of the account.")
        }
        return String(id)
    }

    /// The result for the host; nil while a second factor is open.
    ///
    /// - Parameter now: Unix seconds.
    func result(now: Int) -> LoginResult? {
        switch self {
        case .cookie(let userID, let session, let lifetime):
            return LoginResult(
                credentialKind: "session",
                fields: ["user_id": userID, "session_form": "cookie"],
                secrets: ["session": session], expiresAt: lifetime.map { now + $0 })
        case .bearer(let userID, let session, let sessionID, let refresh, let expiresAt):
            var fields = ["user_id": userID, "session_form": "bearer"]
            fields["session_id"] = sessionID
            var secrets = ["session": session]
            secrets["refresh_token"] = refresh
            return LoginResult(credentialKind: "session", fields: fields, secrets: secrets, expiresAt: expiresAt)
        case .secondFactor: return nil
        }
    }
}

/// A Set-Cookie header, as far as it matters here.
struct SetCookie: Sendable, Hashable {
    var value: String
    /// Seconds.
    var maximumAge: Int?

    /// The last cookie of this name that is not being deleted.
    static func find(_ name: String, in headers: [(name: String, value: String)]) -> SetCookie? {
        headers.last { $0.name == "set-cookie" && $0.value.hasPrefix(name + "=") }
            .flatMap { SetCookie($0.value.dropFirst(name.count + 1)) }
    }

    private init?(_ text: Substring) {
        let parts = text.split(separator: ";", omittingEmptySubsequences: false)
        guard let first = parts.first, !first.isEmpty else { return nil }
        value = String(first)
        for part in parts.dropFirst() {
            let attribute = part.drop { $0 == " " }
            guard attribute.lowercased().hasPrefix("max-age=") else { continue }
            maximumAge = Int(attribute.dropFirst("max-age=".count))
            if let maximumAge, maximumAge <= 0 { return nil }
        }
    }
}
