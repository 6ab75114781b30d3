package import PatchbayCore

extension Store {
    /// A page of finished requests, newest first.
    @available(*, noasync)
    package func requests(query: RequestQuery) throws(StoreError) -> Page<RequestRecord> {
        try read { database throws(StoreError) in try RequestTable(database: database).page(query) }
    }
    package func requests(query: RequestQuery) async throws(StoreError) -> Page<RequestRecord> {
        try await read { database throws(StoreError) in try RequestTable(database: database).page(query) }
    }

    /// One finished request; nil if there is none of this id.
    @available(*, noasync)
    package func request(id: String) throws(StoreError) -> RequestRecord? {
        try read { database throws(StoreError) in try RequestTable(database: database).request(id) }
    }
    package func request(id: String) async throws(StoreError) -> RequestRecord? {
        try await read { database throws(StoreError) in try RequestTable(database: database).request(id) }
    }

    /// Sums over finished requests, in the order of the group's names.
    ///
    /// - Parameters:
    ///   - since: first millisecond since 1970 to include; nil = from the beginning.
    ///   - until: first millisecond to leave out; nil = to the end.
    @available(*, noasync)
    package func usage(groupBy group: UsageGroup, since: Int64? = nil, until: Int64? = nil) throws(StoreError)
        -> [UsageRow]
    {
        try read { database throws(StoreError) in
            try RequestTable(database: database).usage(group, since: since, until: until)
        }
    }
    package func usage(
        groupBy group: UsageGroup, since: Int64? = nil, until: Int64? = nil
    ) async throws(StoreError) -> [UsageRow] {
        try await read { database throws(StoreError) in
            try RequestTable(database: database).usage(group, since: since, until: until)
        }
    }

    /// Forgets requests older than a time, and names that no request has any more. Returns how many requests they were.
    package func pruneRequests(before time: Int64) async throws(StoreError) -> Int {
        try await write { database throws(StoreError) in
            let insertion = try database.requestInsertion()
            insertion.forgetNames()
            return try database.transaction { () throws(StoreError) in
                let pruned = try database.run(
                    "DELETE FROM request_rows WHERE number < ?", .integer(RequestNumber.first(of: time)))
                guard pruned > 0 else { return 0 }
                try database.run("DELETE FROM request_keys WHERE id NOT IN (SELECT key FROM request_rows)")
                try database.run("DELETE FROM request_paths WHERE id NOT IN (SELECT path FROM request_rows)")
                return pruned
            }
        }
    }
}
