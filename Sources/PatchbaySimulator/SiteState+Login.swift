extension SiteState {
    private static let cookieLifetime: Int64 = 2_592_000
    private static let accessTokenLifetime: Int64 = 900
    private static let replayWindow: Int64 = 30

    mutating func login(_ request: SiteRequest) -> SiteAnswer {
        if let refusal = turnstileRefusal(request) { return refusal }
        guard let body = request.document, let username = body["username"]?.text, let password = body["password"]?.text,
            !username.isEmpty, !password.isEmpty
        else { return .failure(words.invalidParameters) }
        guard let user = users.first(where: { $0.username == username && $0.password == password && $0.enabled }) else {
            return .failure(words.wrongPassword)
        }
        if user.secondFactor != nil, site.era != .a { return askSecondFactor(user) }
        return site.era == .c ? issueBundle(user) : issueCookie(user)
    }

    private mutating func askSecondFactor(_ user: SimulatedUser) -> SiteAnswer {
        let flow = random.alphanumeric(32)
        pendingLogins[flow] = user.id
        guard site.era == .c else {
            var answer = SiteAnswer.success(["require_2fa": true], message: words.secondFactorWanted)
            answer.set("set-cookie", "session=\(flow); Path=/; Max-Age=2592000; HttpOnly; SameSite=Strict")
            return answer
        }
        return .success([
            "require_2fa": true, "flow_token": .string(flow), "expires_at": .integer(now + 300),
        ])
    }

    mutating func loginSecondFactor(_ request: SiteRequest) -> SiteAnswer {
        let body = request.document
        let flow = site.era == .c ? body?["flow_token"]?.text : request.cookie("session")
        guard let flow, let id = pendingLogins[flow], let index = userIndex(id) else {
            return .failure(words.sessionOver)
        }
        guard let code = body?["code"]?.text else { return .failure("参数错误") }
        guard code == users[index].secondFactor else { return .failure(words.wrongCode) }
        pendingLogins[flow] = nil
        return site.era == .c ? issueBundle(users[index]) : issueCookie(users[index])
    }

    /// Eras A and B: a cookie and the user, no token in the body.
    private mutating func issueCookie(_ user: SimulatedUser) -> SiteAnswer {
        let payload = random.alphanumeric(96)
        let cookie = Base64URL.encode("\(now)|\(payload)|\(random.hexadecimal(32))")
        sessions[cookie] = Session(userID: user.id, sid: cookie, createdTime: now, secret: "")
        var data: Document = [
            "id": .integer(user.id), "username": .string(user.username), "display_name": .string(user.displayName),
            "role": 1, "status": 1, "group": .string(user.group),
        ]
        if site.era == .a {
            // The whole zeroed user record comes along.
            for name in [
                "password", "email", "github_id", "wechat_id", "verification_code", "access_token", "aff_code",
            ] {
                data.set(name, "")
            }
            for name in ["quota", "used_quota", "request_count", "aff_count", "inviter_id"] { data.set(name, 0) }
            data.set("DeletedAt", nil)
        }
        var answer = SiteAnswer.success(data)
        answer.set(
            "set-cookie", "session=\(cookie); Path=/; Max-Age=\(Self.cookieLifetime); HttpOnly; SameSite=Strict")
        return answer
    }

    /// Era C: an access token for fifteen minutes and a refresh cookie.
    private mutating func issueBundle(_ user: SimulatedUser) -> SiteAnswer {
        let sid = random.uuid()
        sessions[sid] = Session(userID: user.id, sid: sid, createdTime: now, secret: random.alphanumeric(43))
        return bundle(sid: sid)
    }

    private mutating func bundle(sid: String) -> SiteAnswer {
        guard let session = sessions[sid], let index = userIndex(session.userID) else {
            return .failure(words.notLoggedIn, status: 401, code: "AUTH_SESSION_REVOKED")
        }
        let end = now + Self.accessTokenLifetime
        let token = makeAccessToken(user: session.userID, sid: sid, end: end)
        sessions[sid]?.accessTokens[token] = end
        var answer = SiteAnswer.success([
            "access_token": .string(token), "token_type": "Bearer", "access_expires_at": .integer(end),
            "session": [
                "sid": .string(sid), "current": true, "login_method": "password", "ip": "203.0.113.5",
                "user_agent": "", "created_at": .integer(session.createdTime), "last_active_at": .integer(now),
                "expires_at": .integer(session.createdTime + Self.cookieLifetime),
            ],
            "user": selfDocument(users[index]),
        ])
        answer.set(
            "set-cookie",
            "new_api_refresh=\(sid).\(session.secret); Path=/api/user/auth; HttpOnly; SameSite=Strict; "
                + "Max-Age=\(Self.cookieLifetime)")
        return answer
    }

    private mutating func makeAccessToken(user: Int64, sid: String, end: Int64) -> String {
        let claims: Document = [
            "iss": "new-api", "aud": "new-api-dashboard", "sub": .string(String(user)), "exp": .integer(end),
            "iat": .integer(now), "token_use": "access", "sid": .string(sid), "uv": 1, "sv": 1,
        ]
        let head = Base64URL.encode(#"{"alg":"HS256","typ":"JWT"}"#)
        return "\(head).\(Base64URL.encode(claims.bytes)).\(random.alphanumeric(43))"
    }

    /// Era C: a new access token for the refresh cookie, which changes. The old one is good for another 30 seconds, as
    /// two tabs may race; later it ends the session, because then somebody has stolen it.
    mutating func refresh(_ request: SiteRequest) -> SiteAnswer {
        guard let cookie = request.cookie("new_api_refresh"), let dot = cookie.firstIndex(of: "."),
            var session = sessions[String(cookie[..<dot])]
        else { return .failure(words.notLoggedIn, status: 401, code: "AUTH_UNAUTHORIZED") }
        if let sid = request.headers["x-auth-session"], sid != session.sid {
            return .failure(words.notLoggedIn, status: 409, code: "AUTH_SESSION_MISMATCH")
        }
        let secret = String(cookie[cookie.index(after: dot)...])
        if secret == session.secret {
            session.previousSecret = secret
            session.replayEnd = now + Self.replayWindow
            session.secret = random.alphanumeric(43)
            sessions[session.sid] = session
        } else if secret != session.previousSecret || now >= session.replayEnd {
            sessions[session.sid] = nil
            return .failure(words.notLoggedIn, status: 401, code: "AUTH_SESSION_REVOKED")
        }
        return bundle(sid: session.sid)
    }

    mutating func logout(_ request: SiteRequest) -> SiteAnswer {
        if site.era == .c {
            let sid = request.cookie("new_api_refresh")?.split(separator: ".").first.map { String($0) } ?? ""
            sessions[sid] = nil
            return .success(["revoked_sid": .string(sid), "cookie_cleared": true])
        }
        if let cookie = request.cookie("session") { sessions[cookie] = nil }
        return .success()
    }
}
