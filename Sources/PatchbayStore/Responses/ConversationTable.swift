import PatchbayCore

/// The tables of conversations and their items, on the thread of the store of responses. They are kept as long and may
/// have as many bytes as responses may; the ones that expire first make room.
final class ConversationTable {
    /// Bytes of one conversation; what a request is put together of has to have a bound.
    static let largest = 67_108_864

    private let database: Database
    private let settings: ResponseStoreSettings
    /// Bytes of all conversations.
    private var size: Int

    private static let schema = """
        CREATE TABLE IF NOT EXISTS conversations (
            owner    TEXT NOT NULL,
            id       TEXT NOT NULL,
            created  INTEGER NOT NULL,
            expires  INTEGER NOT NULL,
            size     INTEGER NOT NULL,
            next     INTEGER NOT NULL,
            metadata BLOB NOT NULL,
            PRIMARY KEY (owner, id)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX IF NOT EXISTS conversations_expires ON conversations (expires);
        CREATE TABLE IF NOT EXISTS conversation_items (
            owner        TEXT NOT NULL,
            conversation TEXT NOT NULL,
            position     INTEGER NOT NULL,
            id           TEXT NOT NULL,
            item         BLOB NOT NULL,
            PRIMARY KEY (owner, conversation, position)
        ) STRICT, WITHOUT ROWID;
        CREATE UNIQUE INDEX IF NOT EXISTS conversation_items_id ON conversation_items (owner, conversation, id);
        CREATE TRIGGER IF NOT EXISTS conversations_deleted AFTER DELETE ON conversations BEGIN
            DELETE FROM conversation_items WHERE owner = OLD.owner AND conversation = OLD.id;
        END;
        """

    init(_ database: Database, _ settings: ResponseStoreSettings) throws(StoreError) {
        self.database = database
        self.settings = settings
        try database.script(Self.schema)
        size = try database.row("SELECT coalesce(sum(size), 0) FROM conversations") { $0.int(0) } ?? 0
    }

    // MARK: - Conversations

    func create(_ conversation: StoredConversation, now: Int64) throws(StoreError) -> Bool {
        let bytes = conversation.metadata.count + 256
        guard bytes <= settings.bytes else { return false }
        try keepingBooks { () throws(StoreError) in
            try drop("DELETE FROM conversations WHERE expires <= ?", .integer(now))
            try makeRoom(bytes, sparing: nil)
            try database.run(
                """
                INSERT INTO conversations (owner, id, created, expires, size, next, metadata)
                VALUES (?, ?, ?, ?, ?, 0, ?)
                """, .text(conversation.owner), .text(conversation.id), .integer(conversation.created),
                .integer(now + settings.keepMilliseconds), .integer(bytes), .blob(conversation.metadata))
            size += bytes
        }
        return true
    }

    func find(_ id: String, owner: String, now: Int64) throws(StoreError) -> StoredConversation? {
        try database.row(
            "SELECT created, metadata FROM conversations WHERE owner = ? AND id = ? AND expires > ?",
            [.text(owner), .text(id), .integer(now)]
        ) { StoredConversation(id: id, owner: owner, created: $0.integer(0), metadata: $0.blob(1)) }
    }

    func update(
        _ id: String, owner: String, metadata: [UInt8], now: Int64
    ) throws(StoreError) -> StoredConversation? {
        guard var found = try find(id, owner: owner, now: now) else { return nil }
        let more = metadata.count - found.metadata.count
        try keepingBooks { () throws(StoreError) in
            try database.run(
                "UPDATE conversations SET metadata = ?, size = size + ?, expires = ? WHERE owner = ? AND id = ?",
                .blob(metadata), .integer(more), .integer(now + settings.keepMilliseconds), .text(owner), .text(id))
            size += more
        }
        found.metadata = metadata
        return found
    }

    func remove(_ id: String, owner: String, now: Int64) throws(StoreError) -> Bool {
        try drop(
            "DELETE FROM conversations WHERE owner = ? AND id = ? AND expires > ?", .text(owner), .text(id),
            .integer(now)) > 0
    }

    // MARK: - Items

    /// - Parameter isAnswer: what a model has said already is taken as long as the conversation was not full before.
    func add(
        _ items: [ConversationItem], to id: String, owner: String, isAnswer: Bool, now: Int64
    ) throws(StoreError) -> ConversationAddition {
        guard let state = try state(of: id, owner: owner, now: now) else { return .missing }
        let bytes = items.reduce(0) { $0 + Self.bytes($1) }
        guard bytes <= settings.bytes - 4_096, isAnswer ? !isFull(state.size) : !isFull(state.size + bytes) else {
            return .tooLarge
        }
        var kept: [ConversationItem] = []
        try keepingBooks { () throws(StoreError) in
            try makeRoom(bytes, sparing: (owner, id))
            var next = state.next
            for var item in items {
                if try position(of: item.id, in: id, owner: owner) != nil { item.id += "_\(next)" }
                try database.run(
                    "INSERT INTO conversation_items (owner, conversation, position, id, item) VALUES (?, ?, ?, ?, ?)",
                    .text(owner), .text(id), .integer(next), .text(item.id), .blob(item.item))
                kept.append(item)
                next += 1
            }
            try database.run(
                "UPDATE conversations SET size = size + ?, next = ?, expires = ? WHERE owner = ? AND id = ?",
                .integer(bytes), .integer(next), .integer(now + settings.keepMilliseconds), .text(owner), .text(id))
            size += bytes
        }
        return .added(kept)
    }

    func page(
        of id: String, owner: String, limit: Int, isAscending: Bool, after: String?, now: Int64
    ) throws(StoreError) -> ConversationPage? {
        guard try state(of: id, owner: owner, now: now) != nil else { return nil }
        // An item that is not there any more is as if nothing had been asked for.
        let start = try after.flatMap { (item) throws(StoreError) in try position(of: item, in: id, owner: owner) }
        let (sign, order) = isAscending ? (">", "ASC") : ("<", "DESC")
        let bound = start ?? (isAscending ? -1 : Int.max)
        var items = try database.rows(
            """
            SELECT id, item FROM conversation_items WHERE owner = ? AND conversation = ? AND position \(sign) ?
            ORDER BY position \(order) LIMIT ?
            """, [.text(owner), .text(id), .integer(bound), .integer(limit + 1)], Self.item)
        let hasMore = items.count > limit
        if hasMore { items.removeLast() }
        return ConversationPage(items: items, hasMore: hasMore)
    }

    func item(_ item: String, of id: String, owner: String, now: Int64) throws(StoreError) -> ConversationItem? {
        guard try state(of: id, owner: owner, now: now) != nil else { return nil }
        return try database.row(
            "SELECT id, item FROM conversation_items WHERE owner = ? AND conversation = ? AND id = ?",
            [.text(owner), .text(id), .text(item)], Self.item)
    }

    /// The conversation without the item; nil if there is no such item.
    func remove(
        item: String, of id: String, owner: String, now: Int64
    ) throws(StoreError) -> StoredConversation? {
        guard let found = try self.item(item, of: id, owner: owner, now: now) else { return nil }
        let bytes = Self.bytes(found)
        try keepingBooks { () throws(StoreError) in
            try database.run(
                "DELETE FROM conversation_items WHERE owner = ? AND conversation = ? AND id = ?", .text(owner),
                .text(id), .text(item))
            try database.run(
                "UPDATE conversations SET size = size - ? WHERE owner = ? AND id = ?", .integer(bytes), .text(owner),
                .text(id))
            size -= bytes
        }
        return try find(id, owner: owner, now: now)
    }

    /// All items, oldest first, and whether there may be no more; nil if there is no such conversation. It lives on as
    /// long as a new one would.
    func recall(
        _ id: String, owner: String, now: Int64
    ) throws(StoreError) -> (items: [ConversationItem], isFull: Bool)? {
        guard let state = try state(of: id, owner: owner, now: now) else { return nil }
        try database.run(
            "UPDATE conversations SET expires = ? WHERE owner = ? AND id = ?",
            .integer(now + settings.keepMilliseconds), .text(owner), .text(id))
        let items = try database.rows(
            "SELECT id, item FROM conversation_items WHERE owner = ? AND conversation = ? ORDER BY position",
            [.text(owner), .text(id)], Self.item)
        return (items, isFull(state.size))
    }

    // MARK: - Rows

    private static func item(_ row: Statement) -> ConversationItem {
        ConversationItem(id: row.text(0), item: row.blob(1))
    }

    private static func bytes(_ item: ConversationItem) -> Int { item.item.count + 128 }

    private func isFull(_ bytes: Int) -> Bool { bytes > min(Self.largest, settings.bytes) }

    private func state(
        of id: String, owner: String, now: Int64
    ) throws(StoreError) -> (size: Int, next: Int)? {
        try database.row(
            "SELECT size, next FROM conversations WHERE owner = ? AND id = ? AND expires > ?",
            [.text(owner), .text(id), .integer(now)]
        ) { ($0.int(0), $0.int(1)) }
    }

    private func position(of item: String, in id: String, owner: String) throws(StoreError) -> Int? {
        try database.row(
            "SELECT position FROM conversation_items WHERE owner = ? AND conversation = ? AND id = ?",
            [.text(owner), .text(id), .text(item)]
        ) { $0.int(0) }
    }

    // MARK: - Books

    /// One transaction; what is rolled back is there again.
    private func keepingBooks(_ body: () throws(StoreError) -> Void) throws(StoreError) {
        let before = size
        do throws(StoreError) {
            try database.transaction(body)
        } catch {
            size = before
            throw error
        }
    }

    private func makeRoom(_ bytes: Int, sparing spared: (owner: String, id: String)?) throws(StoreError) {
        while size + bytes > settings.bytes {
            let dropped = try drop(
                """
                DELETE FROM conversations WHERE (owner, id) IN (
                    SELECT owner, id FROM conversations WHERE NOT (owner = ? AND id = ?) ORDER BY expires LIMIT 16)
                """, .text(spared?.owner ?? ""), .text(spared?.id ?? ""))
            guard dropped > 0 else { return }
        }
    }

    @discardableResult
    private func drop(_ sql: String, _ values: SQLValue...) throws(StoreError) -> Int {
        let sizes = try database.rows(sql + " RETURNING size", values) { $0.int(0) }
        size -= sizes.reduce(0, +)
        return sizes.count
    }
}
