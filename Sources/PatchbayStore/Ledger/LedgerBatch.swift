import PatchbayCore

/// What one transaction of the importer writes.
struct LedgerBatch: Sendable {
    /// A request in flight whose segment goes away.
    struct Carried: Sendable {
        var writer: String
        var begin: LedgerBegin
    }

    /// Finished requests where they lie in the segments, whose readers must stay until the batch is applied.
    var finished: [LedgerFinish] = []
    /// Requests that no segment says the end of.
    var interrupted: [RequestRecord] = []
    /// How far each segment has been read, by file name.
    var positions: [String: Int] = [:]
    var carried: [Carried] = []
    /// Ids whose carried beginning is over.
    var settled: [String] = []
    /// Segments that are gone, whose positions need not be kept.
    var forgotten: [String] = []
    /// Segment files will be removed on the strength of this batch, so it must survive a power cut.
    var mustBeDurable = false

    var count: Int { finished.count + interrupted.count }
    var isEmpty: Bool { count == 0 && positions.isEmpty && settled.isEmpty && forgotten.isEmpty }

    /// Writes everything in one transaction and returns how many requests were new.
    func apply(to database: Database) throws(StoreError) -> Int {
        if mustBeDurable { try database.script("PRAGMA synchronous = FULL") }
        defer {
            // Cannot fail outside a transaction; and if it did, commits would only be slower.
            if mustBeDurable { _ = try? database.script("PRAGMA synchronous = NORMAL") }
        }
        let insertion = try database.requestInsertion()
        do throws(StoreError) {
            return try database.transaction { () throws(StoreError) in
                let inserted = try insertion.insert(finished, interrupted)
                try applyBookkeeping(to: database)
                return inserted
            }
        } catch {
            // Names that the transaction has added are gone with it.
            insertion.forgetNames()
            throw error
        }
    }

    private func applyBookkeeping(to database: Database) throws(StoreError) {
        for (segment, position) in positions {
            try database.run(
                """
                INSERT INTO ledger_positions (segment, position) VALUES (?1, ?2)
                ON CONFLICT (segment) DO UPDATE SET position = max(position, excluded.position)
                """, .text(segment), .integer(position))
        }
        for item in carried {
            try database.run(
                "INSERT INTO ledger_open (id, writer, time, key, model) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                .text(item.begin.id), .text(item.writer), .integer(item.begin.time), .text(item.begin.key),
                .text(item.begin.model))
        }
        for id in settled { try database.run("DELETE FROM ledger_open WHERE id = ?", .text(id)) }
        for segment in forgotten { try database.run("DELETE FROM ledger_positions WHERE segment = ?", .text(segment)) }
    }

    /// What the database remembers from earlier imports.
    struct Memory: Sendable {
        var positions: [String: Int] = [:]
        /// Carried beginnings by id.
        var open: [String: Carried] = [:]

        init(from database: Database) throws(StoreError) {
            for (segment, position) in try database.rows(
                "SELECT segment, position FROM ledger_positions", [],
                { row in
                    (row.text(0), row.int(1))
                })
            {
                positions[segment] = position
            }
            for item in try database.rows(
                "SELECT writer, id, time, key, model FROM ledger_open", [],
                { row in
                    Carried(
                        writer: row.text(0),
                        begin: LedgerBegin(id: row.text(1), time: row.integer(2), key: row.text(3), model: row.text(4)))
                })
            {
                open[item.begin.id] = item
            }
        }

        init() {}
    }
}
