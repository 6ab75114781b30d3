import PatchbayCore

extension DefinitionTables {
    func allKeys() throws(StoreError) -> [Key] {
        let found = try database.rows(
            """
            SELECT name, digest, display_prefix, key_group, enabled, models, limits, strict_conversion, server_timing
            FROM keys ORDER BY name
            """
        ) { row in
            (
                key: Key(
                    name: row.text(0), digest: KeyDigest(bytes: row.blob(1)), displayPrefix: row.text(2),
                    group: row.text(3), enabled: row.flag(4), source: .store), models: row.text(5),
                limits: row.text(6), strict: row.flag(7), timing: row.flag(8)
            )
        }
        var keys: [Key] = []
        for item in found {
            var key = item.key
            key.models = try words(item.models)
            key.strictConversion = item.strict
            key.serverTiming = item.timing
            try read(item.limits, KeyLimits.members, into: &key.limits)
            keys.append(key)
        }
        return keys
    }

    func save(_ key: Key) throws(StoreError) {
        let owner = try database.row("SELECT name FROM keys WHERE digest = ?", [.blob(key.digest.bytes)]) { $0.text(0) }
        if let owner, owner != key.name {
            throw StoreError(.constraint, field: "key", "The same key exists already under the name \(owner).")
        }
        try database.run(
            """
            INSERT INTO keys
                (name, digest, display_prefix, models, key_group, enabled, limits, strict_conversion, server_timing)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (name) DO UPDATE SET digest = excluded.digest, display_prefix = excluded.display_prefix,
                models = excluded.models, key_group = excluded.key_group, enabled = excluded.enabled,
                limits = excluded.limits, strict_conversion = excluded.strict_conversion,
                server_timing = excluded.server_timing
            """, .text(key.name), .blob(key.digest.bytes), .text(key.displayPrefix),
            .text(JSONText.array(key.models)), .text(key.group), .flag(key.enabled),
            .text(Self.json(key.limits, KeyLimits.members)), .flag(key.strictConversion), .flag(key.serverTiming))
    }

    func allGroups() throws(StoreError) -> [KeyGroup] {
        var groups: [KeyGroup] = []
        for (name, limits) in try database.rows(
            "SELECT name, limits FROM key_groups ORDER BY name", [], { ($0.text(0), $0.text(1)) })
        {
            var group = KeyGroup(name: name, source: .store)
            try read(limits, KeyLimits.members, into: &group.limits)
            groups.append(group)
        }
        return groups
    }

    func save(_ group: KeyGroup) throws(StoreError) {
        try database.run(
            """
            INSERT INTO key_groups (name, limits) VALUES (?, ?)
            ON CONFLICT (name) DO UPDATE SET limits = excluded.limits
            """, .text(group.name), .text(Self.json(group.limits, KeyLimits.members)))
    }

    func allRoutes() throws(StoreError) -> [Route] {
        var routes: [Route] = []
        let columns = "SELECT model, policy, concurrency, strict_conversion, display_name, capabilities FROM routes"
        let rows = try database.rows(columns + " ORDER BY model", []) { row in
            (
                model: row.text(0), policy: row.text(1), concurrency: row.text(2), strict: row.flag(3),
                displayName: row.optionalText(4), capabilities: row.text(5)
            )
        }
        for row in rows {
            let model = row.model
            let channels = try database.rows(
                """
                SELECT site, account, token, upstream_model, priority, weight FROM route_channels
                WHERE model = ? ORDER BY position
                """, [.text(model)]
            ) { row in
                ChannelReference(
                    site: row.text(0), account: row.optionalText(1), token: row.optionalText(2),
                    upstreamModel: row.optionalText(3), priority: row.int(4), weight: row.int(5))
            }
            var route = Route(model: model, channels: channels, source: .store)
            route.strictConversion = row.strict
            try read(row.policy, PolicySettings.members, into: &route.policy)
            try read(row.concurrency, ConcurrencySettings.members, into: &route.concurrency)
            route.displayName = row.displayName
            try read(row.capabilities, ModelCapabilities.members, into: &route.capabilities)
            routes.append(route)
        }
        return routes
    }

    func save(_ route: Route) throws(StoreError) {
        try database.run(
            """
            INSERT INTO routes (model, policy, concurrency, strict_conversion, display_name, capabilities)
            VALUES (?, ?, ?, ?, ?, ?)
            ON CONFLICT (model) DO UPDATE SET policy = excluded.policy, concurrency = excluded.concurrency,
                strict_conversion = excluded.strict_conversion, display_name = excluded.display_name,
                capabilities = excluded.capabilities
            """, .text(route.model), .text(Self.json(route.policy, PolicySettings.members)),
            .text(Self.json(route.concurrency, ConcurrencySettings.members)), .flag(route.strictConversion),
            .optional(route.displayName), .text(Self.json(route.capabilities, ModelCapabilities.members)))
        try database.run("DELETE FROM route_channels WHERE model = ?", .text(route.model))
        for (position, channel) in route.channels.enumerated() {
            try database.run(
                """
                INSERT INTO route_channels (model, position, site, account, token, upstream_model, priority, weight)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                """, .text(route.model), .integer(position), .text(channel.site), .optional(channel.account),
                .optional(channel.token), .optional(channel.upstreamModel), .integer(channel.priority),
                .integer(channel.weight))
        }
    }
}
