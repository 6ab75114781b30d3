extension SiteState {
    mutating func tokenRoutes(_ request: SiteRequest, user: Int) -> SiteAnswer {
        switch "\(request.method) \(request.path)" {
        case "GET /api/token/": return tokenPage(request, user: user)
        case "POST /api/token/": return createToken(request, user: user)
        case "PUT /api/token/": return updateToken(request, user: user)
        case "POST /api/token/batch": return deleteTokens(request, user: user)
        case "POST /api/token/batch/keys": return revealTokens(request, user: user)
        default: break
        }
        let rest = request.path.dropFirst("/api/token/".count).split(separator: "/")
        guard let id = rest.first.flatMap({ Int64($0) }),
            let index = users[user].tokens.firstIndex(where: { $0.id == id })
        else { return .failure(words.notFound) }
        if rest.count == 2 { return .success(["key": .string(users[user].tokens[index].key)]) }
        if request.method == "DELETE" {
            users[user].tokens.remove(at: index)
            return .success()
        }
        return .success(tokenDocument(users[user].tokens[index], user: user))
    }

    private func tokenDocument(_ token: SimulatedToken, user: Int) -> Document {
        var document: Document = [
            "id": .integer(token.id), "user_id": .integer(users[user].id),
            "key": .string(site.masksKeys ? token.maskedKey : token.key), "status": .integer(token.status.rawValue),
            "name": .string(token.name), "created_time": .integer(token.createdTime),
            "accessed_time": .integer(token.accessedTime), "expired_time": .integer(token.expiredTime),
            "remain_quota": .integer(token.remainQuota), "unlimited_quota": .bool(token.unlimitedQuota),
            "model_limits_enabled": .bool(token.models != nil),
            "model_limits": .string((token.models ?? []).joined(separator: ",")), "allow_ips": "",
            "used_quota": .integer(token.usedQuota), "group": .string(token.group),
        ]
        if site.era != .a { document.set("cross_group_retry", false) }
        if site.era == .c { document.set("auto_groups", nil) }
        document.set("DeletedAt", nil)
        return document
    }

    private func tokenPage(_ request: SiteRequest, user: Int) -> SiteAnswer {
        let page = Int(request.query["p"] ?? "") ?? 0
        let wanted = site.paging == .objectFromOne ? ["page_size", "ps", "size"] : ["size"]
        let size = min(wanted.lazy.compactMap { Int(request.query[$0] ?? "") }.first { $0 > 0 } ?? 10, 100)
        let newestFirst = users[user].tokens.sorted { $0.id > $1.id }
        let skipped = site.paging == .objectFromOne ? (max(page, 1) - 1) * size : max(page, 0) * size
        let items = newestFirst.dropFirst(skipped).prefix(size).map { tokenDocument($0, user: user) }
        guard site.paging == .objectFromOne else { return .success(.array(items)) }
        return .success([
            "page": .integer(max(page, 1)), "page_size": .integer(size), "total": .integer(newestFirst.count),
            "items": .array(items),
        ])
    }

    /// Answers without data: the caller has to look the token up.
    private mutating func createToken(_ request: SiteRequest, user: Int) -> SiteAnswer {
        guard let body = request.document, let name = body["name"]?.text else {
            return .failure(words.invalidParameters)
        }
        guard name.utf8.count <= (site.era == .a ? 30 : 50) else { return .failure(words.nameTooLong) }
        guard users[user].tokens.count < 1_000 else { return .failure("已达到最大令牌数量限制 (1000)") }
        var token = SimulatedToken(id: nextTokenID, name: name, key: random.alphanumeric(48), createdTime: now)
        nextTokenID += 1
        apply(body, to: &token)
        users[user].tokens.append(token)
        return .success()
    }

    private func apply(_ body: Document, to token: inout SimulatedToken) {
        token.name = body["name"]?.text ?? token.name
        token.expiredTime = body["expired_time"]?.whole ?? token.expiredTime
        token.remainQuota = body["remain_quota"]?.whole ?? token.remainQuota
        token.unlimitedQuota = body["unlimited_quota"]?.flag ?? token.unlimitedQuota
        token.group = body["group"]?.text ?? token.group
        if let limited = body["model_limits_enabled"]?.flag {
            let names = (body["model_limits"]?.text ?? "").split(separator: ",").map { String($0) }
            token.models = limited ? names : nil
        }
    }

    private mutating func updateToken(_ request: SiteRequest, user: Int) -> SiteAnswer {
        guard let body = request.document, let id = body["id"]?.whole,
            let index = users[user].tokens.firstIndex(where: { $0.id == id })
        else { return .failure(words.notFound) }
        if let status = body["status"]?.whole.flatMap({ SimulatedToken.Status(rawValue: $0) }) {
            users[user].tokens[index].status = status
        }
        if request.query["status_only"] == nil { apply(body, to: &users[user].tokens[index]) }
        return .success(tokenDocument(users[user].tokens[index], user: user))
    }

    private mutating func deleteTokens(_ request: SiteRequest, user: Int) -> SiteAnswer {
        let ids = Set(request.document?["ids"]?.elements?.compactMap(\.whole) ?? [])
        guard !ids.isEmpty else { return .failure(words.invalidParameters) }
        let before = users[user].tokens.count
        users[user].tokens.removeAll { ids.contains($0.id) }
        return .success(.integer(before - users[user].tokens.count))
    }

    private func revealTokens(_ request: SiteRequest, user: Int) -> SiteAnswer {
        let ids = Set(request.document?["ids"]?.elements?.compactMap(\.whole) ?? [])
        guard !ids.isEmpty, ids.count <= 100 else { return .failure(words.invalidParameters) }
        var keys: Document = [:]
        for token in users[user].tokens where ids.contains(token.id) { keys.set(String(token.id), .string(token.key)) }
        return .success(["keys": keys])
    }

    /// What a key may still spend: the key alone is the credential.
    func tokenUsage(_ request: SiteRequest) -> SiteAnswer {
        guard let key = request.authorization else { return .failure(words.tokenNotProvided, status: 401) }
        guard let place = tokenPlace(key: relayKey(key)) else { return .failure(words.tokenInvalid, status: 401) }
        let token = users[place.user].tokens[place.token]
        var limits: Document = [:]
        for model in token.models ?? [] { limits.set(model, true) }
        return .json([
            "code": true, "message": "ok",
            "data": [
                "object": "token_usage", "name": .string(token.name),
                "total_granted": .integer(token.remainQuota + token.usedQuota), "total_used": .integer(token.usedQuota),
                "total_available": .integer(token.remainQuota), "unlimited_quota": .bool(token.unlimitedQuota),
                "model_limits": limits, "model_limits_enabled": .bool(token.models != nil),
                "expires_at": .integer(max(token.expiredTime, 0)),
            ],
        ])
    }

    /// The key without `sk-` and without a pinned channel.
    func relayKey(_ text: String) -> String {
        let bare = text.hasPrefix("sk-") ? text.dropFirst(3) : text[...]
        return bare.split(separator: "-").first.map { String($0) } ?? ""
    }
}
