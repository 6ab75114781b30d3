import PatchbayCore

/// Reads and writes definitions on one connection. Callers hold a transaction where several rows change.
struct DefinitionTables {
    let database: Database
    let secrets: SecretTable

    init(_ database: Database, _ key: SealingKey) {
        self.database = database
        secrets = SecretTable(database, key)
    }

    // MARK: - Lists as JSON

    static func json(_ models: [ModelMapping]?) -> String? {
        guard let models else { return nil }
        let items = models.map { mapping in
            let names = "\"upstream\":\(JSONText.string(mapping.upstream)),\"as\":\(JSONText.string(mapping.name))"
            return mapping.card.isEmpty ? "{\(names)}" : "{\(names),\"card\":\(json(mapping.card))}"
        }
        return "[" + items.joined(separator: ",") + "]"
    }

    /// What is set, as a JSON object of whole numbers by the id of the setting.
    static func json<Settings>(_ settings: Settings, _ members: [SettingMember<Settings>]) -> String {
        let set = members.compactMap { member in
            settings[keyPath: member.path].map { "\(JSONText.string(member.id)):\($0)" }
        }
        return "{" + set.joined(separator: ",") + "}"
    }

    /// Reads what ``json(_:_:)`` has written. Settings that this program does not know are left alone.
    func read<Settings>(
        _ json: String, _ members: [SettingMember<Settings>], into settings: inout Settings
    ) throws(StoreError) {
        guard json != "{}" else { return }
        let values = try database.rows("SELECT key, value FROM json_each(?)", [.text(json)]) { ($0.text(0), $0.int(1)) }
        for (id, value) in values {
            guard let member = members.first(where: { $0.id == id }) else { continue }
            settings[keyPath: member.path] = value
        }
    }

    func words(_ json: String) throws(StoreError) -> [String] {
        if let words = PlainList.words(json) { return words }
        return try database.rows("SELECT value FROM json_each(?) ORDER BY key", [.text(json)]) { $0.text(0) }
    }

    func models(_ json: String?) throws(StoreError) -> [ModelMapping]? {
        guard let json else { return nil }
        let rows = try database.rows(
            "SELECT value ->> 'upstream', value ->> 'as', value -> 'card' FROM json_each(?) ORDER BY key", [.text(json)]
        ) { (mapping: ModelMapping(upstream: $0.text(0), name: $0.text(1)), card: $0.optionalText(2)) }
        var models: [ModelMapping] = []
        models.reserveCapacity(rows.count)
        for row in rows {
            var mapping = row.mapping
            if let card = row.card { mapping.card = try self.card(card) }
            models.append(mapping)
        }
        return models
    }

    private static func json(_ card: ModelCard) -> String {
        var members = ["\"capabilities\":\(json(card.capabilities, ModelCapabilities.members))"]
        if let name = card.displayName { members.append("\"name\":\(JSONText.string(name))") }
        if let time = card.createdAt { members.append("\"created_at\":\(time)") }
        return "{" + members.joined(separator: ",") + "}"
    }

    private func card(_ json: String) throws(StoreError) -> ModelCard {
        let row = try database.row(
            "SELECT ?1 ->> 'name', ?1 ->> 'created_at', ?1 -> 'capabilities'", [.text(json)]
        ) { ($0.optionalText(0), $0.optionalInteger(1), $0.optionalText(2)) }
        var card = ModelCard(displayName: row?.0, createdAt: row?.1.map { Int($0) })
        try read(row?.2 ?? "{}", ModelCapabilities.members, into: &card.capabilities)
        return card
    }

    /// Throws `invalid` unless the text is one JSON object.
    func requireObject(_ json: String, field: String) throws(StoreError) {
        let isObject = try database.row(
            "SELECT CASE WHEN json_valid(?1) THEN json_type(?1) = 'object' ELSE 0 END", [.text(json)]
        ) { $0.flag(0) }
        guard isObject == true else { throw StoreError(.invalid, field: field, "\(field) must be a JSON object.") }
    }

    func requireSite(_ site: String) throws(StoreError) {
        guard try database.row("SELECT 1 FROM sites WHERE name = ?", [.text(site)], { $0.int(0) }) != nil else {
            throw StoreError(.notFound, field: "site", "There is no site \(site) in the store.")
        }
    }

    func requireAccount(_ site: String, _ account: String) throws(StoreError) {
        let found = try database.row(
            "SELECT 1 FROM accounts WHERE site = ? AND name = ?", [.text(site), .text(account)]
        ) { $0.int(0) }
        guard found != nil else {
            throw StoreError(.notFound, field: "account", "There is no account \(site)/\(account) in the store.")
        }
    }
}
