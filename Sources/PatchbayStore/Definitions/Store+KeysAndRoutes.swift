package import PatchbayCore

extension Store {
    // MARK: - Keys

    private func saving(_ key: Key) throws(StoreError) -> Body<Void> {
        try StoreError.checking { () throws(ValidationError) in try Validation.key(key) }
        return changing { tables throws(StoreError) in try tables.save(key) }
    }

    /// Makes or replaces a key. `constraint` if another name has the same digest.
    @available(*, noasync)
    package func saveKey(_ key: Key) throws(StoreError) { try write(saving(key)) }
    package func saveKey(_ key: Key) async throws(StoreError) { try await write(saving(key)) }

    private func deletingKey(_ name: String) -> Body<Void> {
        changing { tables throws(StoreError) in
            try Self.require(tables.database.run("DELETE FROM keys WHERE name = ?", .text(name)), "key", name)
        }
    }

    @available(*, noasync)
    package func deleteKey(_ name: String) throws(StoreError) { try write(deletingKey(name)) }
    package func deleteKey(_ name: String) async throws(StoreError) { try await write(deletingKey(name)) }

    // MARK: - Groups

    private func saving(_ group: KeyGroup) throws(StoreError) -> Body<Void> {
        try StoreError.checking { () throws(ValidationError) in try Validation.group(group) }
        return changing { tables throws(StoreError) in try tables.save(group) }
    }

    /// Makes or replaces a group of keys.
    @available(*, noasync)
    package func saveGroup(_ group: KeyGroup) throws(StoreError) { try write(saving(group)) }
    package func saveGroup(_ group: KeyGroup) async throws(StoreError) { try await write(saving(group)) }

    private func deletingGroup(_ name: String) -> Body<Void> {
        changing { tables throws(StoreError) in
            try Self.require(tables.database.run("DELETE FROM key_groups WHERE name = ?", .text(name)), "group", name)
        }
    }

    @available(*, noasync)
    package func deleteGroup(_ name: String) throws(StoreError) { try write(deletingGroup(name)) }
    package func deleteGroup(_ name: String) async throws(StoreError) { try await write(deletingGroup(name)) }

    // MARK: - Routes

    private func saving(_ route: Route) throws(StoreError) -> Body<Void> {
        try StoreError.checking { () throws(ValidationError) in try Validation.route(route) }
        return changing { tables throws(StoreError) in try tables.save(route) }
    }

    /// Makes or replaces the route of a model, with its channels in the order given.
    @available(*, noasync)
    package func saveRoute(_ route: Route) throws(StoreError) { try write(saving(route)) }
    package func saveRoute(_ route: Route) async throws(StoreError) { try await write(saving(route)) }

    private func deletingRoute(_ model: String) -> Body<Void> {
        changing { tables throws(StoreError) in
            try Self.require(tables.database.run("DELETE FROM routes WHERE model = ?", .text(model)), "route", model)
        }
    }

    @available(*, noasync)
    package func deleteRoute(_ model: String) throws(StoreError) { try write(deletingRoute(model)) }
    package func deleteRoute(_ model: String) async throws(StoreError) { try await write(deletingRoute(model)) }
}
