package import Logging
import PatchbayCore

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// Everything Patchbay keeps: definitions, secrets, settings, what plugins keep, and the imported ledger.
///
/// One file, `patchbay.db`, in the data directory. One thread writes, a few read; every operation runs there. The
/// blocking form of an operation is for threads that may wait, the asynchronous form for everybody else.
package final class Store: Sendable {
    package let directory: String
    package let sealing: SealingKey
    let logger: Logger
    private let writer: DatabaseThreads
    private let readers: DatabaseThreads
    /// Why nothing could be written when the store was opened; nil if it could.
    package let writingProblem: StoreError?

    /// Opens the database, makes it if it is missing, and brings it to the schema of this program.
    ///
    /// - Parameters:
    ///   - directory: the data directory; it is made, with mode 0700, if it is missing.
    ///   - migrations: the folder of the migration files; nil = where they are installed.
    /// - Throws: `StoreError`: `newerSchema`, `corrupt`, `busy`, `full`, `system`; `sealing` when the database has been
    ///   sealed with another key.
    package init(
        directory: String, sealing: SealingKey, migrations: String? = nil,
        logger: Logger = Logger(label: "patchbay.store")
    ) throws(StoreError) {
        self.directory = directory
        self.sealing = sealing
        self.logger = logger
        try SystemCall.makeDirectory(directory)
        let path = "\(directory)/patchbay.db"
        try Self.protect(path)
        let migrator: Migrator
        if let migrations {
            migrator = try Migrator(directory: migrations)
        } else {
            migrator = try Migrator(directory: Migrator.installedDirectory())
        }
        let schema = SchemaVersion()
        let opened = try Self.openWriter(path, migrator, schema)
        writer = opened.writer
        writingProblem = opened.problem
        do throws(StoreError) {
            readers = try DatabaseThreads(named: "pb-read", count: 2, path: path, readOnly: true, schema: schema)
            try Self.check(readers, has: migrator.version, problem: opened.problem)
        } catch {
            writer.stop()
            throw error
        }
        schema.number = migrator.version
        do throws(StoreError) {
            try checkSealingKey()
        } catch {
            close()
            throw error
        }
    }

    /// Opens the connection that writes. When somebody else holds the database, or the disk or the file does not let
    /// anything be written, that is a problem for later: whoever only reads can go on.
    private static func openWriter(
        _ path: String, _ migrator: Migrator, _ schema: SchemaVersion
    ) throws(StoreError) -> (writer: DatabaseThreads, problem: StoreError?) {
        do throws(StoreError) {
            let writer = try DatabaseThreads(named: "pb-store", count: 1, path: path, readOnly: false, schema: schema)
            do throws(StoreError) {
                try writer.perform { database throws(StoreError) in try migrator.run(on: database) }
                return (writer, nil)
            } catch {
                writer.stop()
                throw error
            }
        } catch {
            guard [.busy, .full, .system].contains(error.code) else { throw error }
            let writer = try DatabaseThreads(
                named: "pb-store", count: 1, path: path, readOnly: false, schema: schema, deferred: true)
            return (writer, error)
        }
    }

    /// A database that could not be written must have its schema already.
    private static func check(
        _ readers: DatabaseThreads, has version: Int, problem: StoreError?
    ) throws(StoreError) {
        guard let problem else { return }
        let present = try? readers.perform { database throws(StoreError) in try database.schemaVersion() }
        guard present == version else {
            readers.stop()
            throw problem
        }
    }

    deinit { close() }

    /// Ends the threads after what has been asked for already. Later operations fail with `closed`.
    package func close() {
        readers.stop()
        writer.stop()
    }

    func write<Value: Sendable>(
        _ body: @escaping @Sendable (Database) throws(StoreError) -> Value
    ) throws(StoreError) -> Value {
        try writer.perform(body)
    }

    func write<Value: Sendable>(
        _ body: @escaping @Sendable (Database) throws(StoreError) -> Value
    ) async throws(StoreError) -> Value {
        try await writer.perform(body)
    }

    func read<Value: Sendable>(
        _ body: @escaping @Sendable (Database) throws(StoreError) -> Value
    ) throws(StoreError) -> Value {
        try readers.perform(body)
    }

    func read<Value: Sendable>(
        _ body: @escaping @Sendable (Database) throws(StoreError) -> Value
    ) async throws(StoreError) -> Value {
        try await readers.perform(body)
    }

    /// The database is for its owner only, also where the umask would say otherwise.
    private static func protect(_ path: String) throws(StoreError) {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        if descriptor >= 0 { return closeFile(descriptor) }
        // One that may only be read is a database all the same.
        guard access(path, R_OK) == 0 else { throw SystemCall.failure("open", path) }
    }

    /// Seals a known text at the first start and opens it at every later one.
    private func checkSealingKey() throws(StoreError) {
        let sealing = sealing
        let place = SealedPlace(owner: "store", row: "check", field: "key")
        let sealed = try read { database throws(StoreError) in try SecretTable(database, sealing).read(place) }
        if let sealed {
            guard sealed.reveal() == "patchbay" else {
                throw StoreError(.sealing, "The sealed values of the database are not ours.")
            }
        } else {
            try write { database throws(StoreError) in
                try SecretTable(database, sealing).write(Secret("patchbay"), to: place)
            }
        }
    }
}

/// The name `close` is taken inside the type above.
private func closeFile(_ descriptor: Int32) { close(descriptor) }
