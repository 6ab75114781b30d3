import PatchbayCore

/// The table of kept responses, on the thread of its store.
final class ResponseTable {
    private let database: Database
    private let settings: ResponseStoreSettings
    /// What is kept under ids of its own.
    let conversations: ConversationTable
    /// Bytes of all rows.
    private var size: Int

    private static let schema = """
        CREATE TABLE IF NOT EXISTS responses (
            owner    TEXT NOT NULL,
            id       TEXT NOT NULL,
            previous TEXT,
            channel  TEXT,
            expires  INTEGER NOT NULL,
            size     INTEGER NOT NULL,
            input    BLOB NOT NULL,
            response BLOB NOT NULL,
            PRIMARY KEY (owner, id)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX IF NOT EXISTS responses_expires ON responses (expires);
        CREATE TABLE IF NOT EXISTS items (
            owner    TEXT NOT NULL,
            id       TEXT NOT NULL,
            response TEXT NOT NULL,
            PRIMARY KEY (owner, id)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX IF NOT EXISTS items_response ON items (owner, response);
        CREATE TABLE IF NOT EXISTS unfinished (
            owner  TEXT NOT NULL,
            id     TEXT NOT NULL,
            failed BLOB NOT NULL,
            PRIMARY KEY (owner, id)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS response_events (
            owner  TEXT NOT NULL,
            id     TEXT NOT NULL,
            events BLOB NOT NULL,
            PRIMARY KEY (owner, id)
        ) STRICT, WITHOUT ROWID;
        CREATE TRIGGER IF NOT EXISTS responses_and_events_deleted AFTER DELETE ON responses BEGIN
            DELETE FROM response_events WHERE owner = OLD.owner AND id = OLD.id;
        END;
        CREATE TRIGGER IF NOT EXISTS responses_deleted AFTER DELETE ON responses BEGIN
            DELETE FROM items WHERE owner = OLD.owner AND response = OLD.id;
        END;
        """

    init(_ database: Database, _ settings: ResponseStoreSettings) throws(StoreError) {
        self.database = database
        self.settings = settings
        // What is lost with the power was promised for a while only; a commit need not wait for the disk.
        try database.script("PRAGMA synchronous = OFF; PRAGMA auto_vacuum = INCREMENTAL")
        try database.script(Self.schema)
        conversations = try ConversationTable(database, settings)
        size = try database.row("SELECT coalesce(sum(size), 0) FROM responses") { $0.int(0) } ?? 0
        try settleUnfinished()
    }

    /// What was being made when the last process ended never will be.
    private func settleUnfinished() throws(StoreError) {
        try database.script(
            """
            UPDATE responses SET response = unfinished.failed FROM unfinished
            WHERE unfinished.owner = responses.owner AND unfinished.id = responses.id;
            DELETE FROM unfinished
            """)
    }

    func insert(_ response: StoredResponse, now: Int64) throws(StoreError) {
        let bytes = response.input.count + response.response.count + 256 + 64 * response.items.count
        guard bytes <= settings.entryBytes, bytes <= settings.bytes else { return }
        let before = size
        // What is rolled back is there again.
        var isDone = false
        defer { if !isDone { size = before } }
        try database.transaction { () throws(StoreError) in
            try drop("DELETE FROM responses WHERE expires <= ?", .integer(now))
            // Upstreams choose ids: what one key gets replaces nothing of another's.
            try drop("DELETE FROM responses WHERE owner = ? AND id = ?", .text(response.owner), .text(response.id))
            while size + bytes > settings.bytes, try dropOldest() {}
            try database.run(
                """
                INSERT INTO responses (owner, id, previous, channel, expires, size, input, response)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                """, .text(response.owner), .text(response.id), .optional(response.previous),
                .optional(response.channel), .integer(now + settings.keepMilliseconds), .integer(bytes),
                .blob(response.input), .blob(response.response))
            for item in response.items {
                try database.run(
                    "INSERT OR REPLACE INTO items (owner, id, response) VALUES (?, ?, ?)", .text(response.owner),
                    .text(item), .text(response.id))
            }
            try database.run(
                "DELETE FROM unfinished WHERE owner = ? AND id = ?", .text(response.owner), .text(response.id))
            if let failed = response.failed {
                try database.run(
                    "INSERT INTO unfinished (owner, id, failed) VALUES (?, ?, ?)", .text(response.owner),
                    .text(response.id), .blob(failed))
            }
            size += bytes
        }
        isDone = true
    }

    private func dropOldest() throws(StoreError) -> Bool {
        try drop(
            """
            DELETE FROM responses
            WHERE (owner, id) IN (SELECT owner, id FROM responses ORDER BY expires LIMIT 16)
            """) > 0
    }

    /// Runs a statement that deletes rows, and keeps the books.
    @discardableResult
    private func drop(_ sql: String, _ values: SQLValue...) throws(StoreError) -> Int {
        let sizes = try database.rows(sql + " RETURNING size", values) { $0.int(0) }
        size -= sizes.reduce(0, +)
        return sizes.count
    }

    /// Keeps the events of a response that is there already; they count as its bytes.
    func insert(events: [UInt8], of id: String, owner: String, now: Int64) throws(StoreError) {
        guard events.count <= settings.entryBytes, try find(id, owner: owner, now: now) != nil else { return }
        let before = size
        var isDone = false
        defer { if !isDone { size = before } }
        try database.transaction { () throws(StoreError) in
            while size + events.count > settings.bytes, try dropOldest() {}
            try database.run(
                "UPDATE responses SET size = size + ? WHERE owner = ? AND id = ?", .integer(events.count),
                .text(owner), .text(id))
            // Room may have been made by the response itself.
            guard try find(id, owner: owner, now: now) != nil else { return }
            try database.run(
                "INSERT INTO response_events (owner, id, events) VALUES (?, ?, ?)", .text(owner), .text(id),
                .blob(events))
            size += events.count
        }
        isDone = true
    }

    func events(of id: String, owner: String) throws(StoreError) -> [UInt8]? {
        try database.row(
            "SELECT events FROM response_events WHERE owner = ? AND id = ?", [.text(owner), .text(id)]
        ) { $0.blob(0) }
    }

    func find(_ id: String, owner: String, now: Int64) throws(StoreError) -> StoredResponse? {
        try database.row(
            "SELECT previous, channel, input, response FROM responses WHERE id = ? AND owner = ? AND expires > ?",
            [.text(id), .text(owner), .integer(now)]
        ) { row in
            StoredResponse(
                id: id, owner: owner, previous: row.optionalText(0), channel: row.optionalText(1), input: row.blob(2),
                response: row.blob(3))
        }
    }

    /// The responses that hold items, without those items that are not there.
    func holders(of items: [String], owner: String, now: Int64, largest: Int) throws(StoreError) -> [StoredResponse] {
        var found: [String: StoredResponse] = [:]
        var bytes = 0
        for item in items where bytes <= largest {
            let id = try database.row(
                "SELECT response FROM items WHERE owner = ? AND id = ?", [.text(owner), .text(item)]
            ) { $0.optionalText(0) }
            guard case let id?? = id, found[id] == nil, let response = try find(id, owner: owner, now: now) else {
                continue
            }
            bytes += response.response.count
            found[id] = response
        }
        return Array(found.values)
    }

    func remove(_ id: String, owner: String, now: Int64) throws(StoreError) -> Bool {
        try drop(
            "DELETE FROM responses WHERE id = ? AND owner = ? AND expires > ?", .text(id), .text(owner), .integer(now)
        ) > 0
    }

    /// The response and everything before it, oldest first, all of which live on as long as a new one would.
    func chain(
        _ id: String, owner: String, now: Int64, longest: Int, largest: Int
    ) throws(StoreError) -> [StoredResponse] {
        var found: [StoredResponse] = []
        var bytes = 0
        var next: String? = id
        while let current = next {
            guard found.count < longest, bytes <= largest, let row = try find(current, owner: owner, now: now) else {
                return []
            }
            bytes += row.input.count + row.response.count
            next = row.previous
            found.append(row)
        }
        let expires = now + settings.keepMilliseconds
        try database.transaction { () throws(StoreError) in
            for row in found {
                try database.run(
                    "UPDATE responses SET expires = ? WHERE owner = ? AND id = ?", .integer(expires), .text(owner),
                    .text(row.id))
            }
        }
        return found.reversed()
    }
}
