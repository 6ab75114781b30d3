#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// Brings a database to the schema of this program: `Migrations/NNNN_verb_noun.sql`, each in one transaction.
struct Migrator {
    struct Migration {
        var number: Int
        var file: String
    }

    let directory: String
    let migrations: [Migration]

    /// - Parameter directory: the folder of the numbered files.
    init(directory: String) throws(StoreError) {
        self.directory = directory
        var found: [Migration] = []
        for file in try SystemCall.names(in: directory) where file.hasSuffix(".sql") {
            guard let number = Int(file.prefix(4)), number == found.count + 1 else {
                throw StoreError(.internalError, "The migration \(file) is out of sequence.")
            }
            found.append(Migration(number: number, file: file))
        }
        guard !found.isEmpty else {
            throw StoreError(.system, "There are no migrations in \(directory).")
        }
        migrations = found
    }

    /// The newest schema this program knows.
    var version: Int { migrations.count }

    func run(on database: Database) throws(StoreError) {
        let present = try database.schemaVersion()
        guard present <= version else {
            throw StoreError(
                .newerSchema,
                "The database has schema \(present), this program knows \(version): it was written by a newer version.")
        }
        for migration in migrations.dropFirst(present) { try apply(migration, to: database) }
    }

    /// Another process may have been faster: the number is read again inside the transaction.
    private func apply(_ migration: Migration, to database: Database) throws(StoreError) {
        let sql = try SmallFile.read("\(directory)/\(migration.file)", limit: 1 << 20)
        try database.transaction { () throws(StoreError) in
            guard try database.schemaVersion() == migration.number - 1 else { return }
            try database.script(String(decoding: sql, as: UTF8.self))
            try database.script("PRAGMA user_version = \(migration.number)")
        }
    }

    /// The folder `Migrations` of the resources, which are installed beside the executable.
    static func installedDirectory() throws(StoreError) -> String {
        let beside = try executableDirectory()
        let folder = "patchbay_PatchbayStore.resources/Migrations"
        for candidate in ["\(beside)/\(folder)", "\(beside)/../share/patchbay/\(folder)"]
        where access(candidate, R_OK) == 0 {
            return candidate
        }
        throw StoreError(.system, "The folder \(folder) is missing beside the executable in \(beside).")
    }

    private static func executableDirectory() throws(StoreError) -> String {
        let path = withUnsafeTemporaryAllocation(of: CChar.self, capacity: 4096) { buffer -> String in
            guard let base = buffer.baseAddress else { return "" }
            let length = readlink("/proc/self/exe", base, buffer.count)
            return String(decoding: buffer.prefix(max(length, 0)).lazy.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
        guard let slash = path.lastIndex(of: "/") else { throw SystemCall.failure("find", "/proc/self/exe") }
        return String(path[..<slash])
    }
}
