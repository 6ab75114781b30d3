package import PatchbayCore
import Synchronization

/// Keeps the files of clients: what is known of them in `files.db`, their contents in the folder `files`, both beside
/// the other data. A file belongs to one key; to every other it does not exist.
///
/// One thread does all the work, in the order of the calls. No call waits; answers come on that thread.
package final class FileStore: Sendable {
    /// Ids of files begin so. No provider's do.
    package static let idPrefix = "file-pb-"
    /// Bytes of an id.
    package static let idBytes = idPrefix.utf8.count + 32
    /// Bytes of uploads that wait for being written; more are not taken.
    private static let pendingLimit = 268_435_456

    package let settings: FileStoreSettings
    private let queue = JobQueue<FileTable>()
    private let thread: SystemThread
    private let pending = PendingBytes()
    private let count = Atomic<Int>(0)

    /// Opens the files, and makes database and folder if they are missing.
    package init(directory: String, settings: FileStoreSettings) throws(StoreError) {
        self.settings = settings
        let path = "\(directory)/files.db"
        try SystemCall.makeDirectory(directory)
        try SystemCall.makePrivateFile(path)
        let folder = try FileFolder("\(directory)/files")
        let handover = Handover(table: try FileTable(Database(path: path, readOnly: false), folder, settings))
        count.store(handover.table.count, ordering: .relaxed)
        thread = try SystemThread(named: "pb-files") { [queue] in
            while let job = queue.next() { job(handover.table) }
        }
    }

    /// Whether any key has a file, known to whoever has been told of an upload. One read of a rarely written word.
    package var hasFiles: Bool { count.load(ordering: .relaxed) > 0 }

    /// Finishes what has been asked for and ends the thread.
    package func close() {
        queue.close()
        guard pending.close() else { return }
        thread.join()
    }

    /// Keeps a file.
    package func put(
        _ file: NewFile, owner: String, _ answer: @escaping @Sendable (Result<FileUpload, StoreError>) -> Void
    ) {
        guard pending.add(file.bytes, limit: Self.pendingLimit) else {
            return answer(.failure(StoreError(.busy, "Too many uploads are waiting to be written.")))
        }
        queue.submit(answer) { [self] table throws(StoreError) in
            defer {
                pending.remove(file.bytes)
                note(table)
            }
            return try table.insert(file, owner: owner, now: SystemTime.unixMilliseconds())
        }
    }

    /// Finds a file of an owner; nil if there is none.
    package func find(
        _ id: String, owner: String, _ answer: @escaping @Sendable (Result<StoredFile?, StoreError>) -> Void
    ) {
        queue.submit(answer) { table throws(StoreError) in
            try table.find(id, owner: owner, now: SystemTime.unixMilliseconds())
        }
    }

    /// Finds a file of an owner and opens its content; nil if there is none.
    package func open(
        _ id: String, owner: String,
        _ answer: @escaping @Sendable (Result<(file: StoredFile, content: FileContent)?, StoreError>) -> Void
    ) {
        queue.submit(answer) { table throws(StoreError) in
            guard let file = try table.find(id, owner: owner, now: SystemTime.unixMilliseconds()),
                let content = try table.content(of: id)
            else { return nil }
            return (file, content)
        }
    }

    /// Reads a piece of an open content; empty at its end.
    package func read(
        _ content: FileContent, at offset: Int, count: Int,
        _ answer: @escaping @Sendable (Result<[UInt8], StoreError>) -> Void
    ) {
        queue.submit(answer) { _ throws(StoreError) in try content.read(at: offset, count: count) }
    }

    /// Files of an owner; nil if the query begins or ends at one that is not there.
    package func list(
        _ query: FileListQuery, owner: String, _ answer: @escaping @Sendable (Result<FilePage?, StoreError>) -> Void
    ) {
        queue.submit(answer) { table throws(StoreError) in
            try table.list(query, owner: owner, now: SystemTime.unixMilliseconds())
        }
    }

    /// Removes a file of an owner; false if there is none.
    package func remove(
        _ id: String, owner: String, _ answer: @escaping @Sendable (Result<Bool, StoreError>) -> Void
    ) {
        queue.submit(answer) { [self] table throws(StoreError) in
            defer { note(table) }
            return try table.remove(id, owner: owner, now: SystemTime.unixMilliseconds())
        }
    }

    /// Lets `body` look at the files of an owner and read them, on the thread of the store.
    package func use<Value: Sendable>(
        owner: String, _ body: @escaping @Sendable (FileReader) throws(StoreError) -> Value,
        _ answer: @escaping @Sendable (Result<Value, StoreError>) -> Void
    ) {
        queue.submit(answer) { table throws(StoreError) in
            try body(FileReader(table: table, owner: owner, now: SystemTime.unixMilliseconds()))
        }
    }

    /// Removes what has expired. To be called now and then.
    package func sweep() {
        guard hasFiles else { return }
        _ = queue.add { [self] table in
            // What could not be removed now will be the next time; nobody finds it meanwhile.
            try? table.sweep(now: SystemTime.unixMilliseconds())
            note(table)
        }
    }

    private func note(_ table: FileTable) {
        count.store(table.count, ordering: .relaxed)
    }

    /// Carries the table to the only thread that uses it from then on.
    private struct Handover: @unchecked Sendable {
        let table: FileTable
    }
}

/// The files of one key, on the thread of the store.
package struct FileReader {
    let table: FileTable
    let owner: String
    let now: Int64

    /// Nil if the key has no such file.
    package func find(_ id: String) throws(StoreError) -> StoredFile? {
        try table.find(id, owner: owner, now: now)
    }

    /// The whole content; nil if it is not there any more.
    package func content(of file: StoredFile) throws(StoreError) -> [UInt8]? {
        guard let content = try table.content(of: file.id) else { return nil }
        let bytes = try content.read(at: 0, count: file.bytes)
        return bytes.count == file.bytes ? bytes : nil
    }
}
