import PatchbayCore

/// The table of sealed values on one connection.
struct SecretTable {
    private let database: Database
    private let key: SealingKey

    init(_ database: Database, _ key: SealingKey) {
        self.database = database
        self.key = key
    }

    /// Nil if there is none.
    func read(_ place: SealedPlace) throws(StoreError) -> Secret? {
        let sealed = try database.row(
            "SELECT sealed FROM secrets WHERE owner = ? AND owner_row = ? AND field = ?",
            [.text(place.owner), .text(place.row), .text(place.field)]
        ) { $0.blob(0) }
        guard let sealed else { return nil }
        return try key.open(sealed, at: place)
    }

    /// Every secret of a row, by field.
    func all(owner: String, row: String) throws(StoreError) -> [String: Secret] {
        var secrets: [String: Secret] = [:]
        let sealed = try database.rows(
            "SELECT field, sealed FROM secrets WHERE owner = ? AND owner_row = ?", [.text(owner), .text(row)]
        ) { ($0.text(0), $0.blob(1)) }
        for (field, bytes) in sealed {
            secrets[field] = try key.open(bytes, at: SealedPlace(owner: owner, row: row, field: field))
        }
        return secrets
    }

    func write(_ secret: Secret, to place: SealedPlace) throws(StoreError) {
        try database.run(
            """
            INSERT INTO secrets (owner, owner_row, field, sealed) VALUES (?, ?, ?, ?)
            ON CONFLICT DO UPDATE SET sealed = excluded.sealed
            """, .text(place.owner), .text(place.row), .text(place.field), .blob(try key.seal(secret, at: place)))
    }

    /// Replaces all secrets of a row.
    func replace(owner: String, row: String, with secrets: [String: Secret]) throws(StoreError) {
        try database.run("DELETE FROM secrets WHERE owner = ? AND owner_row = ?", .text(owner), .text(row))
        for (field, secret) in secrets {
            try write(secret, to: SealedPlace(owner: owner, row: row, field: field))
        }
    }
}
