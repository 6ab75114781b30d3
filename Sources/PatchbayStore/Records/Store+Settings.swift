package import PatchbayCore

extension Store {
    /// A setting; nil if it was never set.
    @available(*, noasync)
    package func setting(_ name: String) throws(StoreError) -> String? { try read(Self.reading(name)) }
    package func setting(_ name: String) async throws(StoreError) -> String? { try await read(Self.reading(name)) }

    /// Sets a setting, or forgets it when the value is nil.
    @available(*, noasync)
    package func setSetting(_ name: String, to value: String?) throws(StoreError) {
        try write(Self.setting(name, to: value))
    }
    package func setSetting(_ name: String, to value: String?) async throws(StoreError) {
        try await write(Self.setting(name, to: value))
    }

    /// A sealed setting, made with `make` the first time somebody asks for it. Blocks.
    ///
    /// For what every installation has its own of, such as the admin token.
    package func secretSetting(_ name: String, make: @escaping @Sendable () -> Secret) throws(StoreError) -> Secret {
        let sealing = sealing
        let place = SealedPlace(owner: "settings", row: name, field: "value")
        // Looking needs no lock that somebody else could hold.
        let known = try read { database throws(StoreError) in try SecretTable(database, sealing).read(place) }
        if let known { return known }
        return try write { database throws(StoreError) in
            try database.transaction { () throws(StoreError) in
                let secrets = SecretTable(database, sealing)
                if let known = try secrets.read(place) { return known }
                let made = make()
                try secrets.write(made, to: place)
                return made
            }
        }
    }

    private static func reading(_ name: String) -> @Sendable (Database) throws(StoreError) -> String? {
        { database throws(StoreError) in
            try database.row("SELECT value FROM settings WHERE name = ?", [.text(name)]) { $0.text(0) }
        }
    }

    private static func setting(_ name: String, to value: String?) -> @Sendable (Database) throws(StoreError) -> Void {
        { database throws(StoreError) in
            if let value {
                try database.run(
                    "INSERT INTO settings (name, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
                    .text(name), .text(value))
            } else {
                try database.run("DELETE FROM settings WHERE name = ?", .text(name))
            }
        }
    }
}
