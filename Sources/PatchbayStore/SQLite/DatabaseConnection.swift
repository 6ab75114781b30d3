#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// The connection of one thread, opened anew when it does not work any more. Confined to that thread.
///
/// A file that was removed or replaced is noticed before it is used: SQLite would go on writing to what nobody will
/// ever read again.
final class DatabaseConnection {
    private struct File: Hashable {
        var device: UInt64
        var inode: UInt64

        init?(path: String) {
            var info = stat()
            guard stat(path, &info) == 0 else { return nil }
            device = UInt64(truncatingIfNeeded: info.st_dev)
            inode = UInt64(truncatingIfNeeded: info.st_ino)
        }
    }

    private let path: String
    private let readOnly: Bool
    private var database: Database?
    private var file: File?
    /// The schema that a file must have which is opened later; 0 = not known yet.
    private let schema: SchemaVersion

    /// - Parameter deferred: does not open the database before it is used.
    init(path: String, readOnly: Bool, schema: SchemaVersion, deferred: Bool) throws(StoreError) {
        self.path = path
        self.readOnly = readOnly
        self.schema = schema
        guard !deferred else { return }
        database = try Database(path: path, readOnly: readOnly)
        file = File(path: path)
    }

    /// The connection, opened again if that is needed.
    func open() throws(StoreError) -> Database {
        let present = File(path: path)
        if let database, present == file { return database }
        database = nil
        guard present != nil else {
            throw StoreError(.system, "The database \(path) is gone; nothing is written until it is back.")
        }
        let opened = try Database(path: path, readOnly: readOnly, mayCreate: false)
        let version = try opened.schemaVersion()
        guard schema.number == 0 || version == schema.number else {
            throw StoreError(
                .newerSchema, "The database \(path) was replaced by one with schema \(version); a restart is needed.")
        }
        (database, file) = (opened, present)
        return opened
    }

    /// After an error of the file itself the next use begins with a new connection.
    func noteFailure(_ error: StoreError) {
        if error.code == .system || error.code == .corrupt { database = nil }
    }
}

/// The schema that the program has brought the database to. Set once, before other threads use it.
final class SchemaVersion: @unchecked Sendable {
    // Guarded by `monitor`.
    private var value = 0
    private let monitor = Monitor()

    var number: Int {
        get { monitor.locked { value } }
        set { monitor.locked { value = newValue } }
    }
}
