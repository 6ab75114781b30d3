extension SiteState {
    /// The answer to one request, with the headers that the site puts on everything.
    mutating func answer(_ request: SiteRequest) -> SiteAnswer {
        let requestID = makeRequestID()
        var answer = obstacle(for: request) ?? redirect(request) ?? route(request, requestID: requestID)
        answer.set("x-oneapi-request-id", requestID)
        if site.era != .a { answer.set("x-new-api-version", version) }
        if request.path.hasPrefix("/api/"), request.headers["accept-encoding"]?.contains("gzip") == true {
            compress(&answer)
        }
        return answer
    }

    var version: String {
        switch site.era {
        case .a: "v0.6.6.0"
        case .b: "v0.12.3"
        case .c: "v1.0.0-rc.20"
        }
    }

    private func compress(_ answer: inout SiteAnswer) {
        guard case .bytes(let bytes) = answer.body, !bytes.isEmpty else { return }
        answer.body = .bytes(StoredGzip.wrap(bytes))
        answer.set("content-encoding", "gzip")
        answer.set("vary", "Accept-Encoding")
    }

    private func obstacle(for request: SiteRequest) -> SiteAnswer? {
        guard let found = site.obstacles.first(where: { request.path.hasPrefix($0.key) })?.value else { return nil }
        switch found {
        case .rateLimited(let retryAfter):
            var answer = SiteAnswer.empty(status: 429)
            if let retryAfter { answer.set("retry-after", String(retryAfter)) }
            return answer
        case .page: return page
        case .challenge:
            return .html(
                """
                <html><script>var arg1='B8B78DDA1D5CD2598AAEE9DD6975913AA490BAE3';\
                document.cookie='acw_sc__v2='+arg1;location.reload();</script></html>
                """)
        case .badGateway:
            return .html("<html><head><title>502 Bad Gateway</title></head></html>", status: 502)
        }
    }

    /// The index page of the dashboard, which every unknown path outside the API gets.
    private var page: SiteAnswer {
        .html(
            """
            <!doctype html><html lang="zh"><head><meta charset="utf-8"><title>\(site.systemName)</title></head>\
            <body><noscript>You need to enable JavaScript to run this app.</noscript><div id="root"></div></body></html>
            """)
    }

    /// Collections end with a slash, items do not; the router redirects the other spelling.
    private func redirect(_ request: SiteRequest) -> SiteAnswer? {
        let collections: Set = ["/api/token/", "/api/log/", "/api/usage/token/"]
        guard collections.contains(request.path + "/") else { return nil }
        var answer = SiteAnswer.empty(status: request.method == "GET" ? 301 : 307)
        answer.set("location", request.path + "/")
        return answer
    }

    private mutating func route(_ request: SiteRequest, requestID: String) -> SiteAnswer {
        if request.path.hasPrefix("/v1/") {
            return relay(request, requestID: requestID) ?? invalidURL(request)
        }
        guard request.path.hasPrefix("/api/") else { return page }
        if let answer = open(request) { return answer }
        guard Self.knowsDashboard(request, site: site) else { return invalidURL(request) }
        switch authenticate(request) {
        case .refused(let answer): return answer
        case .user(let user):
            var answer = dashboard(request, user: user)
            if site.era != .a { answer.set("auth-version", "864b7076dbcd0a3c01b5520316720ebf") }
            return answer
        }
    }

    private func invalidURL(_ request: SiteRequest) -> SiteAnswer {
        .json(
            [
                "error": [
                    "message": "Invalid URL (\(request.method) \(request.path))", "type": "invalid_request_error",
                    "param": "", "code": "",
                ]
            ], status: 404)
    }

    /// What needs no session.
    private mutating func open(_ request: SiteRequest) -> SiteAnswer? {
        switch "\(request.method) \(request.path)" {
        case "GET /api/status": status()
        case "POST /api/user/login": login(request)
        case "POST /api/user/login/2fa" where site.era != .a: loginSecondFactor(request)
        case "POST /api/user/auth/refresh" where site.era == .c: refresh(request)
        case "POST /api/user/auth/logout" where site.era == .c: logout(request)
        case "GET /api/user/logout" where site.era != .c: logout(request)
        case "GET /api/user/groups": groups()
        case "GET /api/pricing": pricing(request)
        case "GET /api/ratio_config" where site.era != .a: .failure(words.ratioConfigClosed, status: 403)
        case "GET /api/notice": .success(.string(site.notice))
        case "GET /api/usage/token/" where site.era != .a: tokenUsage(request)
        default: nil
        }
    }

    private static func knowsDashboard(_ request: SiteRequest, site: SimulatedSite) -> Bool {
        switch "\(request.method) \(request.path)" {
        case "GET /api/user/self", "GET /api/user/token", "GET /api/user/models", "GET /api/user/self/groups",
            "POST /api/user/topup", "GET /api/log/self", "GET /api/log/self/stat", "GET /api/token/",
            "POST /api/token/", "PUT /api/token/", "POST /api/token/batch":
            return true
        case "GET /api/user/checkin", "POST /api/user/checkin":
            return site.era != .a && site.checkin != .absent
        case "POST /api/token/batch/keys":
            return site.revealsInBatch
        default:
            guard request.path.hasPrefix("/api/token/") else { return false }
            let rest = request.path.dropFirst("/api/token/".count).split(separator: "/")
            guard let first = rest.first, Int64(first) != nil else { return false }
            let reveals = rest.count == 2 && rest[1] == "key" && request.method == "POST" && site.masksKeys
            return reveals || (rest.count == 1 && ["GET", "DELETE"].contains(request.method))
        }
    }

    private mutating func dashboard(_ request: SiteRequest, user: Int) -> SiteAnswer {
        switch "\(request.method) \(request.path)" {
        case "GET /api/user/self": .success(selfDocument(users[user]))
        case "GET /api/user/token": rotateAccessToken(user: user)
        case "GET /api/user/models": userModels(request, user: user)
        case "GET /api/user/self/groups": groups()
        case "POST /api/user/topup": redeem(request, user: user)
        case "GET /api/user/checkin": checkinStatus(request, user: user)
        case "POST /api/user/checkin": checkIn(request, user: user)
        case "GET /api/log/self": logPage(request, user: user)
        case "GET /api/log/self/stat": logSums(user: user)
        default: tokenRoutes(request, user: user)
        }
    }
}
