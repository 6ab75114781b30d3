import PatchbayCore

extension DefinitionTables {
    func allSites() throws(StoreError) -> [Site] {
        let columns = """
            SELECT name, platform, base_url, formats, plugin_configuration, enabled, policy, concurrency, pool,
                conversion
            FROM sites ORDER BY name
            """
        var sites: [Site] = []
        let rows = try database.rows(columns, []) { row in
            (Self.site(from: row), row.text(3), [row.text(6), row.text(7), row.text(8)])
        }
        for (site, formats, settings) in rows {
            var site = site
            try read(settings[0], PolicySettings.members, into: &site.policy)
            try read(settings[1], ConcurrencySettings.members, into: &site.concurrency)
            try read(settings[2], PoolSettings.members, into: &site.pool)
            site.formats = try words(formats).map(WireFormat.init(rawValue:))
            site.headers = try headers(of: site.name)
            site.accounts = try accounts(of: site.name)
            sites.append(site)
        }
        return sites
    }

    private static func site(from row: Statement) -> Site {
        var site = Site(
            name: row.text(0), platform: row.text(1), baseURL: row.text(2), pluginConfiguration: row.text(4),
            enabled: row.flag(5), source: .store)
        site.conversion = row.text(9)
        return site
    }

    private func headers(of site: String) throws(StoreError) -> [HeaderSetting] {
        let values = try secrets.all(owner: "sites", row: site)
        return try database.rows(
            "SELECT position, name FROM site_headers WHERE site = ? ORDER BY position", [.text(site)]
        ) { row in
            HeaderSetting(name: row.text(1), value: values["header:\(row.int(0))"] ?? Secret(""))
        }
    }

    func save(_ site: Site) throws(StoreError) {
        try requireObject(site.pluginConfiguration, field: "config")
        try requireObject(site.conversion, field: "conversion")
        try database.run(
            """
            INSERT INTO sites
                (name, platform, base_url, formats, plugin_configuration, enabled, policy, concurrency, pool,
                conversion)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (name) DO UPDATE SET platform = excluded.platform, base_url = excluded.base_url,
                formats = excluded.formats, plugin_configuration = excluded.plugin_configuration,
                enabled = excluded.enabled, policy = excluded.policy, concurrency = excluded.concurrency,
                pool = excluded.pool, conversion = excluded.conversion
            """, .text(site.name), .text(site.platform), .text(site.baseURL),
            .text(JSONText.array(site.formats.map(\.rawValue))), .text(site.pluginConfiguration), .flag(site.enabled),
            .text(Self.json(site.policy, PolicySettings.members)),
            .text(Self.json(site.concurrency, ConcurrencySettings.members)),
            .text(Self.json(site.pool, PoolSettings.members)), .text(site.conversion))
        try database.run("DELETE FROM site_headers WHERE site = ?", .text(site.name))
        var values: [String: Secret] = [:]
        for (position, header) in site.headers.enumerated() {
            try database.run(
                "INSERT INTO site_headers (site, position, name) VALUES (?, ?, ?)", .text(site.name),
                .integer(position), .text(header.name))
            values["header:\(position)"] = header.value
        }
        try secrets.replace(owner: "sites", row: site.name, with: values)
    }

    func accounts(of site: String) throws(StoreError) -> [Account] {
        let found = try database.rows(
            """
            SELECT name, credential_kind, models, enabled, max_concurrency FROM accounts WHERE site = ? ORDER BY name
            """, [.text(site)]
        ) { row in
            (
                name: row.text(0), kind: row.text(1), models: row.optionalText(2), enabled: row.flag(3),
                maxConcurrency: row.optionalInteger(4).map { Int(clamping: $0) }
            )
        }
        var accounts: [Account] = []
        for item in found {
            var account = Account(
                name: item.name, credential: try credential(item.kind, site, item.name),
                models: try models(item.models), tokens: try tokens(of: site, item.name), enabled: item.enabled,
                source: .store)
            account.maxConcurrency = item.maxConcurrency
            accounts.append(account)
        }
        return accounts
    }

    private func credential(_ kind: String, _ site: String, _ account: String) throws(StoreError) -> Credential {
        var credential = Credential(kind: kind)
        for (field, secret) in try secrets.all(owner: "accounts", row: "\(site)/\(account)") {
            credential.secrets[String(field.dropFirst("credential:".count))] = secret
        }
        for (name, value) in try database.rows(
            "SELECT name, value FROM account_fields WHERE site = ? AND account = ?", [.text(site), .text(account)],
            { ($0.text(0), $0.text(1)) })
        {
            credential.fields[name] = value
        }
        return credential
    }

    func save(_ account: Account, site: String) throws(StoreError) {
        try requireSite(site)
        try database.run(
            """
            INSERT INTO accounts (site, name, credential_kind, models, enabled, max_concurrency)
            VALUES (?, ?, ?, ?, ?, ?)
            ON CONFLICT (site, name) DO UPDATE SET credential_kind = excluded.credential_kind, models = excluded.models,
                enabled = excluded.enabled, max_concurrency = excluded.max_concurrency
            """, .text(site), .text(account.name), .text(account.credential.kind),
            .optional(Self.json(account.models)), .flag(account.enabled), .optional(account.maxConcurrency))
        try database.run(
            "DELETE FROM account_fields WHERE site = ? AND account = ?", .text(site), .text(account.name))
        for (name, value) in account.credential.fields {
            try database.run(
                "INSERT INTO account_fields (site, account, name, value) VALUES (?, ?, ?, ?)", .text(site),
                .text(account.name), .text(name), .text(value))
        }
        var values: [String: Secret] = [:]
        for (name, secret) in account.credential.secrets { values["credential:\(name)"] = secret }
        try secrets.replace(owner: "accounts", row: "\(site)/\(account.name)", with: values)
    }

    func tokens(of site: String, _ account: String) throws(StoreError) -> [UpstreamToken] {
        let found = try database.rows(
            """
            SELECT name, token_group, price_ratio, models, enabled FROM tokens WHERE site = ? AND account = ?
            ORDER BY name
            """, [.text(site), .text(account)]
        ) { row in
            (
                token: UpstreamToken(
                    name: row.text(0), key: Secret(""), group: row.optionalText(1), priceRatio: row.real(2),
                    enabled: row.flag(4), source: .store), models: row.optionalText(3)
            )
        }
        var tokens: [UpstreamToken] = []
        for item in found {
            var token = item.token
            token.models = try models(item.models)
            let place = SealedPlace(owner: "tokens", row: "\(site)/\(account)/\(token.name)", field: "key")
            token.key = try secrets.read(place) ?? Secret("")
            tokens.append(token)
        }
        return tokens
    }

    func save(_ token: UpstreamToken, site: String, account: String) throws(StoreError) {
        try requireAccount(site, account)
        try database.run(
            """
            INSERT INTO tokens (site, account, name, token_group, price_ratio, models, enabled)
            VALUES (?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (site, account, name) DO UPDATE SET token_group = excluded.token_group,
                price_ratio = excluded.price_ratio, models = excluded.models, enabled = excluded.enabled
            """, .text(site), .text(account), .text(token.name), .optional(token.group), .real(token.priceRatio),
            .optional(Self.json(token.models)), .flag(token.enabled))
        try secrets.write(
            token.key, to: SealedPlace(owner: "tokens", row: "\(site)/\(account)/\(token.name)", field: "key"))
    }
}
