/// Where a request went, as its row says it.
struct RequestWay: Hashable {
    /// Of `request_keys`.
    var key: Int64
    /// Of `request_paths`.
    var path: Int64
}

/// The ids of names in the tables of names, which get those they do not have.
///
/// Everything is forgotten when another connection has changed the database, which may have swept it.
struct RequestNames {
    private static let keyLimit = 16_384
    private static let pathLimit = 4_096

    private unowned let database: Database
    private let addKey: Statement
    private let findKey: Statement
    private let addPath: Statement
    private let findPath: Statement
    private let version: Statement
    private var lastVersion: Int64 = 0
    private var keys = NameTable(limit: keyLimit)
    private var paths = NameTable(limit: pathLimit)

    init(_ database: Database) throws(StoreError) {
        self.database = database
        let columns = "model, site, account, upstream_model, client_format, upstream_format, error_code"
        addKey = try database.statement("INSERT INTO request_keys (name) VALUES (?) ON CONFLICT DO NOTHING")
        findKey = try database.statement("SELECT id FROM request_keys WHERE name = ?")
        addPath = try database.statement(
            "INSERT INTO request_paths (\(columns)) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING")
        findPath = try database.statement(
            "SELECT id FROM request_paths WHERE (\(columns)) = (?, ?, ?, ?, ?, ?, ?)")
        version = try database.statement("PRAGMA data_version")
    }

    /// To be called at the beginning of a transaction.
    mutating func revise() throws(StoreError) {
        defer { version.reset() }
        guard try version.step() else { return forget() }
        let present = version.integer(0)
        if present != lastVersion { forget() }
        lastVersion = present
    }

    mutating func forget() {
        keys.removeAll()
        paths.removeAll()
    }

    mutating func way(of names: LedgerNames) throws(StoreError) -> RequestWay {
        RequestWay(key: try key(names.key), path: try path(names.path))
    }

    private mutating func key(_ name: UnsafeRawBufferPointer) throws(StoreError) -> Int64 {
        if let known = keys.number(of: name) { return known }
        let found = try id([name], addKey, findKey)
        keys.note(name, found)
        return found
    }

    private mutating func path(_ texts: UnsafeRawBufferPointer) throws(StoreError) -> Int64 {
        if let known = paths.number(of: texts) { return known }
        var decoder = LedgerDecoder(texts)
        let found = try id((0..<LedgerNames.pathParts).map { _ in decoder.span() }, addPath, findPath)
        paths.note(texts, found)
        return found
    }

    private func id(
        _ texts: [UnsafeRawBufferPointer], _ add: Statement, _ find: Statement
    ) throws(StoreError) -> Int64 {
        for statement in [find, add, find] {
            defer { statement.reset() }
            for (index, text) in texts.enumerated() { statement.bind(borrowed: text, at: Int32(index + 1)) }
            if try statement.step() { return statement.integer(0) }
        }
        throw StoreError(.internalError, "The names of a request were not kept.")
    }
}
