extension SiteState {
    /// Whom a dashboard request comes from, or the refusal.
    enum Authentication {
        /// Index into `users`.
        case user(Int)
        case refused(SiteAnswer)
    }

    func authenticate(_ request: SiteRequest) -> Authentication {
        site.era == .c ? authenticateToken(request) : authenticateSession(request)
    }

    /// Eras A and B: the cookie wins over the access token, and either needs the header `New-Api-User`.
    private func authenticateSession(_ request: SiteRequest) -> Authentication {
        let found: Int
        if let cookie = request.cookie("session"), let session = sessions[cookie], let index = userIndex(session.userID)
        {
            found = index
        } else if let token = request.authorization {
            // A wrong access token is a business failure here: status 200.
            guard let index = users.firstIndex(where: { $0.accessToken == token }) else {
                return .refused(.failure(words.invalidAccessToken))
            }
            found = index
        } else {
            return .refused(.failure(words.notLoggedIn, status: 401))
        }
        guard let header = request.headers["new-api-user"], !header.isEmpty else {
            return .refused(.failure(words.userHeaderMissing, status: 401))
        }
        guard let id = Int64(header) else { return .refused(.failure(words.userHeaderMalformed, status: 401)) }
        guard id == users[found].id else { return .refused(.failure(words.userHeaderMismatch, status: 401)) }
        guard users[found].enabled else { return .refused(.failure(words.userBanned)) }
        return .user(found)
    }

    /// Era C: `Authorization` carries a short-lived access token of a session or the system access token.
    private func authenticateToken(_ request: SiteRequest) -> Authentication {
        guard let token = request.authorization else {
            return .refused(.failure(words.notLoggedIn, status: 401, code: "AUTH_UNAUTHORIZED"))
        }
        let found: Int
        if token.split(separator: ".").count == 3 {
            guard let session = sessions.values.first(where: { $0.accessTokens[token] != nil }) else {
                return .refused(.failure(words.notLoggedIn, status: 401, code: "AUTH_SESSION_REVOKED"))
            }
            guard let end = session.accessTokens[token], now < end else {
                return .refused(.failure(words.notLoggedIn, status: 401, code: "AUTH_TOKEN_EXPIRED"))
            }
            guard let index = userIndex(session.userID) else {
                return .refused(.failure(words.notLoggedIn, status: 401, code: "AUTH_SESSION_REVOKED"))
            }
            found = index
        } else {
            guard let index = users.firstIndex(where: { $0.accessToken == token }) else {
                return .refused(.failure(words.invalidAccessToken, status: 401, code: "AUTH_UNAUTHORIZED"))
            }
            found = index
        }
        guard users[found].enabled else {
            return .refused(.failure(words.userBanned, status: 401, code: "AUTH_USER_DISABLED"))
        }
        return .user(found)
    }

    /// The refusal for a missing or wrong Turnstile token where the site asks for one.
    func turnstileRefusal(_ request: SiteRequest) -> SiteAnswer? {
        guard site.turnstile else { return nil }
        guard let token = request.query["turnstile"], !token.isEmpty else { return .failure(words.turnstileMissing) }
        return token == "good" ? nil : .failure(words.turnstileRejected)
    }
}
