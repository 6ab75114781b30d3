package import PatchbayCore

// Each operation has a blocking and an asynchronous form with one body; the body is made by a private function.
extension Store {
    /// What runs on a connection.
    typealias Body<Value> = @Sendable (Database) throws(StoreError) -> Value

    /// A change of definitions in one transaction.
    func changing(
        _ change: @escaping @Sendable (DefinitionTables) throws(StoreError) -> Void
    ) -> Body<Void> {
        let sealing = sealing
        return { database throws(StoreError) in
            try database.transaction { () throws(StoreError) in try change(DefinitionTables(database, sealing)) }
        }
    }

    // MARK: - Reading

    private var loading: Body<StoredDefinitions> {
        let sealing = sealing
        return { database throws(StoreError) in
            let tables = DefinitionTables(database, sealing)
            return try database.snapshot { () throws(StoreError) in
                var definitions = StoredDefinitions()
                definitions.sites = try tables.allSites()
                definitions.keys = try tables.allKeys()
                definitions.groups = try tables.allGroups()
                definitions.routes = try tables.allRoutes()
                return definitions
            }
        }
    }

    /// Everything declared through the admin API, secrets opened. `sealing` if one cannot be opened.
    @available(*, noasync)
    package func loadDefinitions() throws(StoreError) -> StoredDefinitions { try read(loading) }
    package func loadDefinitions() async throws(StoreError) -> StoredDefinitions { try await read(loading) }

    // MARK: - Sites

    private func saving(_ site: Site) throws(StoreError) -> Body<Void> {
        let site = try StoreError.checking { () throws(ValidationError) in try Validation.site(site) }
        return changing { tables throws(StoreError) in try tables.save(site) }
    }

    /// Makes or replaces a site. Its accounts are left as they are: they are resources of their own.
    @available(*, noasync)
    package func saveSite(_ site: Site) throws(StoreError) { try write(saving(site)) }
    package func saveSite(_ site: Site) async throws(StoreError) { try await write(saving(site)) }

    private func deletingSite(_ name: String) -> Body<Void> {
        changing { tables throws(StoreError) in
            let removed = try tables.database.run("DELETE FROM sites WHERE name = ?", .text(name))
            try Self.require(removed, "site", name)
        }
    }

    /// Deletes a site with its accounts, tokens and secrets. `notFound` if it is not in the store.
    @available(*, noasync)
    package func deleteSite(_ name: String) throws(StoreError) { try write(deletingSite(name)) }
    package func deleteSite(_ name: String) async throws(StoreError) { try await write(deletingSite(name)) }

    // MARK: - Accounts

    private func saving(_ account: Account, _ site: String) throws(StoreError) -> Body<Void> {
        try StoreError.checking { () throws(ValidationError) in try Validation.account(account) }
        return changing { tables throws(StoreError) in try tables.save(account, site: site) }
    }

    /// Makes or replaces an account of a site that is in the store. Its tokens are left as they are.
    @available(*, noasync)
    package func saveAccount(_ account: Account, site: String) throws(StoreError) { try write(saving(account, site)) }
    package func saveAccount(_ account: Account, site: String) async throws(StoreError) {
        try await write(saving(account, site))
    }

    private func deletingAccount(_ name: String, _ site: String) -> Body<Void> {
        changing { tables throws(StoreError) in
            let removed = try tables.database.run(
                "DELETE FROM accounts WHERE site = ? AND name = ?", .text(site), .text(name))
            try Self.require(removed, "account", "\(site)/\(name)")
            try tables.database.run("DELETE FROM account_state WHERE account = ?", .text("\(site)/\(name)"))
        }
    }

    /// Deletes an account with its tokens and secrets.
    @available(*, noasync)
    package func deleteAccount(_ name: String, site: String) throws(StoreError) {
        try write(deletingAccount(name, site))
    }
    package func deleteAccount(_ name: String, site: String) async throws(StoreError) {
        try await write(deletingAccount(name, site))
    }

    // MARK: - Tokens

    private func saving(_ token: UpstreamToken, _ site: String, _ account: String) throws(StoreError) -> Body<Void> {
        try StoreError.checking { () throws(ValidationError) in try Validation.token(token) }
        return changing { tables throws(StoreError) in try tables.save(token, site: site, account: account) }
    }

    /// Makes or replaces a token of an account that is in the store.
    @available(*, noasync)
    package func saveToken(_ token: UpstreamToken, site: String, account: String) throws(StoreError) {
        try write(saving(token, site, account))
    }
    package func saveToken(_ token: UpstreamToken, site: String, account: String) async throws(StoreError) {
        try await write(saving(token, site, account))
    }

    private func deletingToken(_ name: String, _ site: String, _ account: String) -> Body<Void> {
        changing { tables throws(StoreError) in
            let removed = try tables.database.run(
                "DELETE FROM tokens WHERE site = ? AND account = ? AND name = ?", .text(site), .text(account),
                .text(name))
            try Self.require(removed, "token", "\(site)/\(account)/\(name)")
        }
    }

    @available(*, noasync)
    package func deleteToken(_ name: String, site: String, account: String) throws(StoreError) {
        try write(deletingToken(name, site, account))
    }
    package func deleteToken(_ name: String, site: String, account: String) async throws(StoreError) {
        try await write(deletingToken(name, site, account))
    }

    static func require(_ changed: Int, _ noun: String, _ name: String) throws(StoreError) {
        guard changed > 0 else {
            throw StoreError(.notFound, field: noun, "There is no \(noun) \(name) in the store.")
        }
    }
}
