import PatchbayCore

/// What is known of all files, with their contents, on the thread of their store.
final class FileTable {
    private let database: Database
    private let folder: FileFolder
    private let settings: FileStoreSettings
    /// Files of all keys, expired ones included until they are removed.
    private(set) var count: Int

    private static let schema = """
        CREATE TABLE IF NOT EXISTS files (
            number  INTEGER PRIMARY KEY AUTOINCREMENT,
            id      TEXT NOT NULL UNIQUE,
            owner   TEXT NOT NULL,
            name    TEXT NOT NULL,
            type    TEXT NOT NULL,
            purpose TEXT NOT NULL,
            bytes   INTEGER NOT NULL,
            created INTEGER NOT NULL,
            expires INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX IF NOT EXISTS files_owner ON files (owner, number);
        CREATE INDEX IF NOT EXISTS files_expires ON files (expires);
        """
    private static let columns = "id, name, type, purpose, bytes, created, expires"

    init(_ database: Database, _ folder: FileFolder, _ settings: FileStoreSettings) throws(StoreError) {
        self.database = database
        self.folder = folder
        self.settings = settings
        // A client was told that its file is kept.
        try database.script("PRAGMA synchronous = FULL")
        try database.script(Self.schema)
        count = try database.row("SELECT count(*) FROM files") { $0.int(0) } ?? 0
        try removeStrays()
    }

    /// Contents that nobody knows: of uploads and removals that were cut off.
    private func removeStrays() throws(StoreError) {
        for name in try folder.names() {
            let isKnown = try database.row("SELECT 1 FROM files WHERE id = ?", [.text(name)]) { $0.int(0) } != nil
            if !isKnown { folder.remove(name) }
        }
    }

    // MARK: - Changes

    func insert(_ file: NewFile, owner: String, now: Int64) throws(StoreError) -> FileUpload {
        try sweep(now: now)
        let used = try database.row(
            "SELECT count(*), coalesce(sum(bytes), 0) FROM files WHERE owner = ?", [.text(owner)]
        ) { ($0.int(0), $0.int(1)) } ?? (0, 0)
        guard used.0 < settings.keyCount else { return .tooMany }
        guard used.1 + file.bytes <= settings.keyBytes else {
            return .tooLarge(by: used.1 + file.bytes - settings.keyBytes)
        }
        let kept = StoredFile(
            id: Self.makeID(), name: file.name, type: file.type, purpose: file.purpose, bytes: file.bytes,
            created: now, expires: now + (file.keepMilliseconds ?? settings.keepMilliseconds))
        try folder.write(kept.id, file.content)
        do throws(StoreError) {
            try database.run(
                "INSERT INTO files (owner, \(Self.columns)) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", .text(owner),
                .text(kept.id), .text(kept.name), .text(kept.type), .text(kept.purpose), .integer(kept.bytes),
                .integer(kept.created), .integer(kept.expires))
        } catch {
            folder.remove(kept.id)
            throw error
        }
        count += 1
        return .kept(kept)
    }

    private static func makeID() -> String {
        var digits = FileStore.idPrefix
        for _ in 0..<2 {
            let word = String(UInt64.random(in: 0 ... .max), radix: 16)
            digits += String(repeating: "0", count: 16 - word.count) + word
        }
        return digits
    }

    /// False if there is no such file.
    func remove(_ id: String, owner: String, now: Int64) throws(StoreError) -> Bool {
        guard
            try database.run(
                "DELETE FROM files WHERE id = ? AND owner = ? AND expires > ?", .text(id), .text(owner), .integer(now))
                > 0
        else { return false }
        count -= 1
        folder.remove(id)
        return true
    }

    /// Removes what has expired.
    func sweep(now: Int64) throws(StoreError) {
        let expired = try database.rows("DELETE FROM files WHERE expires <= ? RETURNING id", [.integer(now)]) {
            $0.text(0)
        }
        count -= expired.count
        for id in expired { folder.remove(id) }
    }

    // MARK: - Looking

    func find(_ id: String, owner: String, now: Int64) throws(StoreError) -> StoredFile? {
        try database.row(
            "SELECT \(Self.columns) FROM files WHERE id = ? AND owner = ? AND expires > ?",
            [.text(id), .text(owner), .integer(now)]
        ) { Self.file($0) }
    }

    func content(of id: String) throws(StoreError) -> FileContent? { try folder.content(id) }

    /// Nil if the query begins or ends at a file that is not there.
    func list(_ query: FileListQuery, owner: String, now: Int64) throws(StoreError) -> FilePage? {
        guard query.ids.isEmpty else {
            var files: [StoredFile] = []
            for id in query.ids {
                if let file = try find(id, owner: owner, now: now) { files.append(file) }
            }
            return FilePage(files: files, hasMore: false)
        }
        // A page before a file is one behind it in the other direction.
        let isBackward = query.before != nil
        let ascends = query.oldestFirst != isBackward
        var conditions = "owner = ? AND expires > ?"
        var values: [SQLValue] = [.text(owner), .integer(now)]
        if let purpose = query.purpose {
            conditions += " AND purpose = ?"
            values.append(.text(purpose))
        }
        if let edge = query.before ?? query.after {
            guard let number = try number(of: edge, owner: owner, now: now) else { return nil }
            conditions += ascends ? " AND number > ?" : " AND number < ?"
            values.append(.integer(number))
        }
        values.append(.integer(query.limit + 1))
        let order = ascends ? "ASC" : "DESC"
        var files = try database.rows(
            "SELECT \(Self.columns) FROM files WHERE \(conditions) ORDER BY number \(order) LIMIT ?", values
        ) { Self.file($0) }
        let hasMore = files.count > query.limit
        if hasMore { files.removeLast() }
        return FilePage(files: isBackward ? files.reversed() : files, hasMore: hasMore)
    }

    private func number(of id: String, owner: String, now: Int64) throws(StoreError) -> Int? {
        try database.row(
            "SELECT number FROM files WHERE id = ? AND owner = ? AND expires > ?",
            [.text(id), .text(owner), .integer(now)]
        ) { $0.int(0) }
    }

    private static func file(_ row: Statement) -> StoredFile {
        StoredFile(
            id: row.text(0), name: row.text(1), type: row.text(2), purpose: row.text(3), bytes: row.int(4),
            created: row.integer(5), expires: row.integer(6))
    }
}
