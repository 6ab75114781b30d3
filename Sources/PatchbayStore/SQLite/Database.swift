import CSQLite

/// One connection to the database, confined to the thread that made it.
///
/// Statements are prepared once and kept. Text in SQL never comes from outside: values are always bound.
final class Database {
    private let handle: OpaquePointer
    private var statements: [String: Statement] = [:]
    private var insertion: RequestInsertion?
    /// Once for the process. Refused where SQLite is in use already, which does no harm.
    private static let configured = patchbay_sqlite_configure()

    /// Milliseconds that a statement waits for somebody else's lock.
    private static let patience: Int32 = 5_000

    /// Opens (and, for writing, makes) the file with the settings every connection has.
    init(path: String, readOnly: Bool, mayCreate: Bool = true) throws(StoreError) {
        _ = Self.configured
        var opened: OpaquePointer?
        let writing = mayCreate ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READWRITE
        let access = readOnly ? SQLITE_OPEN_READONLY : writing
        let status = sqlite3_open_v2(path, &opened, access | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nil)
        guard let opened else { throw StoreError(.system, "SQLite has no memory for a connection.") }
        handle = opened
        guard status == SQLITE_OK else { throw failure("open \(path)") }
        sqlite3_busy_timeout(handle, Self.patience)
        try script("PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY")
        if !readOnly {
            try script("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL")
        }
    }

    deinit {
        insertion = nil
        statements = [:]
        sqlite3_close_v2(handle)
    }

    /// Runs a text of statements that return nothing of interest.
    func script(_ sql: String) throws(StoreError) {
        guard sqlite3_exec(handle, sql, nil, nil, nil) == SQLITE_OK else { throw failure("run a script") }
    }

    /// The prepared statement for a text, ready to be bound.
    func statement(_ sql: String) throws(StoreError) -> Statement {
        if let known = statements[sql] { return known }
        var prepared: OpaquePointer?
        let status = sqlite3_prepare_v3(handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &prepared, nil)
        guard status == SQLITE_OK, let prepared else { throw failure("prepare a statement") }
        let statement = Statement(prepared, in: self)
        statements[sql] = statement
        return statement
    }

    /// What brings requests into this database. It is kept, with the names it knows, as long as the connection.
    func requestInsertion() throws(StoreError) -> RequestInsertion {
        if let insertion { return insertion }
        let made = try RequestInsertion(self)
        insertion = made
        return made
    }

    /// Runs a statement that changes rows and returns how many it changed.
    @discardableResult
    func run(_ sql: String, _ values: SQLValue...) throws(StoreError) -> Int {
        let statement = try statement(sql)
        defer { statement.reset() }
        statement.bind(values)
        while try statement.step() {}
        return changes
    }

    /// Every row of a query, made into a value each.
    func rows<Value>(
        _ sql: String, _ values: [SQLValue] = [], _ make: (Statement) throws(StoreError) -> Value
    ) throws(StoreError) -> [Value] {
        let statement = try statement(sql)
        defer { statement.reset() }
        statement.bind(values)
        var result: [Value] = []
        while try statement.step() { result.append(try make(statement)) }
        return result
    }

    /// The first row of a query; nil if there is none.
    func row<Value>(
        _ sql: String, _ values: [SQLValue] = [], _ make: (Statement) throws(StoreError) -> Value
    ) throws(StoreError) -> Value? {
        let statement = try statement(sql)
        defer { statement.reset() }
        statement.bind(values)
        return try statement.step() ? try make(statement) : nil
    }

    /// Runs the body in one transaction: all of it happens, or nothing.
    func transaction<Value>(_ body: () throws(StoreError) -> Value) throws(StoreError) -> Value {
        try run("BEGIN IMMEDIATE")
        do throws(StoreError) {
            let value = try body()
            try run("COMMIT")
            return value
        } catch {
            // A rollback fails only where SQLite has rolled back by itself.
            _ = try? script("ROLLBACK")
            throw error
        }
    }

    /// Runs the body so that all its reads see one state of the database.
    func snapshot<Value>(_ body: () throws(StoreError) -> Value) throws(StoreError) -> Value {
        try run("BEGIN")
        defer {
            // Ending a transaction that only read cannot lose anything.
            _ = try? run("COMMIT")
        }
        return try body()
    }

    /// Runs the body with another patience for somebody else's lock, in milliseconds.
    func waiting<Value>(
        atMost milliseconds: Int32, _ body: () throws(StoreError) -> Value
    ) throws(StoreError) -> Value {
        sqlite3_busy_timeout(handle, milliseconds)
        defer { sqlite3_busy_timeout(handle, Self.patience) }
        return try body()
    }

    func schemaVersion() throws(StoreError) -> Int {
        try row("PRAGMA user_version") { $0.int(0) } ?? 0
    }

    /// Rows that the last statement changed.
    var changes: Int { Int(sqlite3_changes64(handle)) }

    /// What the last call on this connection failed with.
    func failure(_ action: String) -> StoreError {
        let extended = sqlite3_extended_errcode(handle)
        let message = String(cString: sqlite3_errmsg(handle))
        let code: StoreError.Code =
            switch extended & 0xFF {
            case SQLITE_BUSY, SQLITE_LOCKED: .busy
            case SQLITE_FULL: .full
            case SQLITE_CORRUPT, SQLITE_NOTADB: .corrupt
            case SQLITE_CONSTRAINT: .constraint
            case SQLITE_CANTOPEN, SQLITE_IOERR, SQLITE_READONLY, SQLITE_PERM, SQLITE_NOMEM: .system
            default: .internalError
            }
        return StoreError(code, "The database could not \(action): \(message).")
    }
}
