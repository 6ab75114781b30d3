extension SiteState {
    func status() -> SiteAnswer {
        var data: Document = [
            "version": .string(version), "start_time": .integer(startTime), "email_verification": false,
            "github_oauth": false, "github_client_id": "", "linuxdo_oauth": false, "linuxdo_client_id": "",
            "telegram_oauth": false, "telegram_bot_name": "", "system_name": .string(site.systemName), "logo": "",
            "footer_html": "", "wechat_qrcode": "", "wechat_login": false, "server_address": "",
            "turnstile_check": .bool(site.turnstile), "turnstile_site_key": "", "docs_link": "",
            "quota_per_unit": .integer(site.quotaPerUnit), "display_in_currency": true, "enable_batch_update": false,
            "enable_drawing": false, "enable_task": false, "enable_data_export": true,
            "data_export_default_time": "hour", "default_collapse_sidebar": false, "mj_notify_enabled": false,
            "chats": [], "demo_site_enabled": false, "self_use_mode_enabled": false, "price": 7.3,
            "oidc_enabled": false, "oidc_client_id": "", "oidc_authorization_endpoint": "", "setup": true,
        ]
        if site.era == .a {
            for (name, value) in [("min_topup", 1), ("top_up_link", ""), ("enable_online_topup", false)]
                as [(String, Document)]
            { data.set(name, value) }
            return .success(data)
        }
        let later: [(String, Document)] = [
            ("quota_display_type", "USD"), ("custom_currency_symbol", "¤"), ("custom_currency_exchange_rate", 1),
            ("usd_exchange_rate", 7.3), ("stripe_unit_price", 8), ("register_enabled", true),
            ("password_login_enabled", true), ("password_register_enabled", true), ("default_use_auto_group", false),
            ("api_info_enabled", false), ("uptime_kuma_enabled", false), ("announcements_enabled", true),
            ("faq_enabled", false), ("passkey_login", false), ("user_agreement_enabled", false),
            ("privacy_policy_enabled", false), ("checkin_enabled", .bool(checkinEnabled)), ("announcements", []),
        ]
        for (name, value) in later where name != "checkin_enabled" || site.checkin != .absent { data.set(name, value) }
        return .success(data)
    }

    private var checkinEnabled: Bool {
        if case .enabled = site.checkin { true } else { false }
    }

    /// The price list. Public; the caller's own ratios where it says who it is are the same here.
    func pricing(_ request: SiteRequest) -> SiteAnswer {
        var ratios: Document = [:]
        var usable: Document = [:]
        for group in site.groups {
            ratios.set(group.name, .number(group.ratio))
            usable.set(group.name, .string(group.description))
        }
        var document: Document = [
            "success": true, "data": .array(site.models.map { priceRow($0) }), "group_ratio": ratios,
            "usable_group": usable,
        ]
        guard site.era != .a else { return .json(document) }
        document.set("vendors", [["id": 1, "name": "Simulator", "description": "", "icon": ""]])
        document.set(
            "supported_endpoint",
            [
                "openai": ["path": "/v1/chat/completions", "method": "POST"],
                "anthropic": ["path": "/v1/messages", "method": "POST"],
            ])
        document.set("auto_groups", ["default"])
        document.set("pricing_version", "a42d372ccf0b5dd13ecf71203521f9d2")
        return .json(document)
    }

    private func priceRow(_ model: SimulatedModel) -> Document {
        var row: Document = ["model_name": .string(model.name)]
        if !model.description.isEmpty, site.era != .a { row.set("description", .string(model.description)) }
        row.set("quota_type", model.pricePerCall == nil ? 0 : 1)
        row.set("model_ratio", .number(model.ratio))
        row.set("model_price", .number(model.pricePerCall ?? 0))
        row.set("owner_by", .string(model.owner))
        row.set("completion_ratio", .number(model.completionRatio))
        row.set("enable_groups", .array(model.groups.map { .string($0) }))
        guard site.era != .a else { return row }
        row.set("vendor_id", 1)
        row.set("supported_endpoint_types", ["openai", "anthropic"])
        if let ratio = model.cacheRatio { row.set("cache_ratio", .number(ratio)) }
        if let ratio = model.cacheWriteRatio { row.set("create_cache_ratio", .number(ratio)) }
        if let expression = model.tieredExpression {
            row.set("billing_mode", "tiered_expr")
            row.set("billing_expr", .string(expression))
        }
        return row
    }

    // MARK: Usage logs

    func logPage(_ request: SiteRequest, user: Int) -> SiteAnswer {
        let type = Int64(request.query["type"] ?? "") ?? 0
        let mine = logs.reversed().filter { row in
            row.userID == users[user].id && (type == 0 || row.type == type)
                && matches(request.query["model_name"], row.model)
                && matches(request.query["token_name"], row.tokenName)
        }
        let page = Int(request.query["p"] ?? "") ?? 0
        let size = min(
            Int(request.query["page_size"] ?? request.query["size"] ?? "").flatMap { $0 > 0 ? $0 : nil } ?? 10, 100)
        let skipped = site.paging == .objectFromOne ? (max(page, 1) - 1) * size : max(page, 0) * size
        let rows = mine.dropFirst(skipped).prefix(size).enumerated().map {
            logDocument($0.element, row: skipped + $0.offset + 1)
        }
        guard site.paging == .objectFromOne else { return .success(.array(rows)) }
        return .success([
            "page": .integer(max(page, 1)), "page_size": .integer(size), "total": .integer(mine.count),
            "items": .array(rows),
        ])
    }

    private func matches(_ filter: String?, _ value: String) -> Bool {
        guard let filter, !filter.isEmpty else { return true }
        return filter == value
    }

    /// The id is the number of the row, not one that lasts.
    private func logDocument(_ row: LogRow, row number: Int) -> Document {
        let ratio = site.models.first { $0.name == row.model }
        let other: Document = [
            "model_ratio": .number(ratio?.ratio ?? 0), "group_ratio": .number(groupRatio(row.group)),
            "completion_ratio": .number(ratio?.completionRatio ?? 0), "cache_tokens": 0,
            "model_price": .number(ratio?.pricePerCall ?? -1), "user_group_ratio": -1, "frt": 0,
        ]
        return [
            "id": .integer(number), "user_id": .integer(row.userID), "created_at": .integer(row.time),
            "type": .integer(row.type), "content": .string(row.content),
            "username": .string(users.first { $0.id == row.userID }?.username ?? ""),
            "token_name": .string(row.tokenName), "model_name": .string(row.model), "quota": .integer(row.quota),
            "prompt_tokens": .integer(row.promptTokens), "completion_tokens": .integer(row.completionTokens),
            "use_time": 1, "is_stream": .bool(row.stream), "channel": 0, "channel_name": "",
            "token_id": .integer(row.tokenID), "group": .string(row.group), "ip": "",
            "request_id": .string(row.requestID), "other": .string(String(decoding: other.bytes, as: UTF8.self)),
        ]
    }

    func logSums(user: Int) -> SiteAnswer {
        let spent = logs.filter { $0.userID == users[user].id && $0.type == 2 }
        return .success(["quota": .integer(spent.reduce(0) { $0 + $1.quota }), "rpm": 0, "tpm": 0])
    }
}
