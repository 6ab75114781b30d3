extension SiteState {
    func selfDocument(_ user: SimulatedUser) -> Document {
        var data: Document = [
            "id": .integer(user.id), "username": .string(user.username), "display_name": .string(user.displayName),
            "role": 1, "status": user.enabled ? 1 : 2, "email": "", "github_id": "", "oidc_id": "", "wechat_id": "",
            "telegram_id": "", "group": .string(user.group), "quota": .integer(user.quota),
            "used_quota": .integer(user.usedQuota), "request_count": .integer(user.requestCount), "aff_code": "AbCd",
            "aff_count": 0, "aff_quota": 0, "aff_history_quota": 0, "inviter_id": 0, "linux_do_id": "",
        ]
        switch site.era {
        case .a:
            // The raw record: it echoes the access token.
            for name in ["password", "verification_code"] { data.set(name, "") }
            data.set("access_token", user.accessToken.map { .string($0) } ?? nil)
            data.set("DeletedAt", nil)
        case .b, .c:
            data.set("setting", "{}")
            data.set("stripe_customer", "")
            data.set("sidebar_modules", "")
            data.set("permissions", ["sidebar_settings": true, "sidebar_modules": ["admin": false]])
        }
        return data
    }

    /// Makes a system access token. The previous one is dead from now on.
    mutating func rotateAccessToken(user: Int) -> SiteAnswer {
        let token = random.alphanumeric(32)
        users[user].accessToken = token
        return .success(.string(token))
    }

    func userModels(_ request: SiteRequest, user: Int) -> SiteAnswer {
        let group = request.query["group"].flatMap { $0.isEmpty ? nil : $0 }
        let usable = group.map { [$0] } ?? site.groups.map(\.name)
        let names = site.models.filter { model in model.groups.contains { usable.contains($0) } }.map(\.name)
        return .success(.array(names.map { .string($0) }))
    }

    func groups() -> SiteAnswer {
        var data: Document = [:]
        for group in site.groups {
            data.set(group.name, ["ratio": .number(group.ratio), "desc": .string(group.description)])
        }
        if site.era == .c { data.set("auto", ["ratio": "自动", "desc": "自动选择"]) }
        return .success(data)
    }

    mutating func redeem(_ request: SiteRequest, user: Int) -> SiteAnswer {
        guard let code = request.document?["key"]?.text, let quota = site.redemptionCodes[code],
            usedCodes.insert(code).inserted
        else { return .failure(words.redemptionFailed) }
        users[user].quota += quota
        logs.append(LogRow(userID: users[user].id, time: now, type: 1, content: "通过兑换码充值 \(dollars(quota))"))
        return .success(.integer(quota))
    }

    // MARK: Check-in

    func checkinStatus(_ request: SiteRequest, user: Int) -> SiteAnswer {
        guard case .enabled(let minimum, let maximum) = site.checkin else { return .failure(words.checkinDisabled) }
        let today = CivilTime(seconds: now).date
        let month = request.query["month"] ?? String(today.prefix(7))
        let mine = checkins.filter { $0.userID == users[user].id }
        let shown = mine.filter { $0.date.hasPrefix(month) }
        return .success([
            "enabled": true, "min_quota": .integer(minimum), "max_quota": .integer(maximum),
            "stats": [
                "total_quota": .integer(mine.reduce(0) { $0 + $1.quota }), "total_checkins": .integer(mine.count),
                "checkin_count": .integer(shown.count),
                "checked_in_today": .bool(mine.contains { $0.date == today }),
                "records": .array(
                    shown.reversed().map {
                        ["checkin_date": .string($0.date), "quota_awarded": .integer($0.quota)]
                    }),
            ],
        ])
    }

    mutating func checkIn(_ request: SiteRequest, user: Int) -> SiteAnswer {
        if let refusal = turnstileRefusal(request) { return refusal }
        guard case .enabled(let minimum, let maximum) = site.checkin else { return .failure(words.checkinDisabled) }
        let today = CivilTime(seconds: now).date
        guard !checkins.contains(where: { $0.userID == users[user].id && $0.date == today }) else {
            return .failure(words.checkinAlreadyDone)
        }
        let quota = Int64.random(in: minimum...max(minimum, maximum), using: &random)
        checkins.append(CheckinRecord(userID: users[user].id, date: today, quota: quota))
        users[user].quota += quota
        logs.append(LogRow(userID: users[user].id, time: now, type: 4, content: "用户签到，获得额度 \(dollars(quota))"))
        return .success(
            ["quota_awarded": .integer(quota), "checkin_date": .string(today)], message: words.checkinDone)
    }
}
