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
            "{\"upstream\":\(JSONText.string(mapping.upstream)),\"as\":\(JSONText.string(mapping.name))}"
        }
        return "[" + items.joined(separator: ",") + "]"
    }

    func words(_ json: String) throws(StoreError) -> [String] {
        if let words = PlainList.words(json) { return words }
        return try database.rows("SELECT value FROM json_each(?) ORDER BY key", [.text(json)]) { $0.text(0) }
    }

    func models(_ json: String?) throws(StoreError) -> [ModelMapping]? {
        guard let json else { return nil }
        return try database.rows(
            "SELECT value ->> 'upstream', value ->> 'as' FROM json_each(?) ORDER BY key", [.text(json)]
        ) { ModelMapping(upstream: $0.text(0), name: $0.text(1)) }
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
