import PatchbayCore

/// Reads imported requests on one connection.
struct RequestTable {
    private static let columns = """
        number, id, key, model, site, account, upstream_model, status, outcome, attempts, attempt_ms, \
        input_tokens, output_tokens, cached_tokens, cache_write_tokens, reasoning_tokens, estimated, cost, latency_ms, \
        first_token_ms, stream, client_format, upstream_format, error_code, warnings
        """

    /// A row whose attempts and warnings have not been read yet.
    private struct Row {
        var number: Int64
        var record: RequestRecord
        var attempts: Int
        var plainMilliseconds: Int?
        var warnings: String?
    }

    let database: Database

    func page(_ query: RequestQuery) throws(StoreError) -> Page<RequestRecord> {
        let limit = query.limit
        guard (1...RequestQuery.longestPage).contains(limit) else {
            throw StoreError(
                .invalid, field: "limit", "limit must be a whole number from 1 to \(RequestQuery.longestPage).")
        }
        let (condition, values) = try query.condition()
        let rows = try database.rows(
            "SELECT \(Self.columns) FROM requests\(condition) ORDER BY number DESC LIMIT ?",
            values + [.integer(limit + 1)], Self.row)
        let next = rows.count > limit ? rows[limit - 1] : nil
        var records: [RequestRecord] = []
        for row in rows.prefix(limit) { records.append(try complete(row)) }
        return Page(data: records, next: next.map { RequestQuery.cursor($0.number) })
    }

    func request(_ id: String) throws(StoreError) -> RequestRecord? {
        var condition = "id = ?"
        var values = [SQLValue.text(id)]
        if let time = RequestMoment.milliseconds(of: id) {
            condition += " AND number >= ? AND number < ?"
            values += [.integer(RequestNumber.first(of: time)), .integer(RequestNumber.first(of: time + 1))]
        }
        let row = try database.row("SELECT \(Self.columns) FROM requests WHERE \(condition)", values, Self.row)
        guard let row else { return nil }
        return try complete(row)
    }

    private static func row(_ row: Statement) -> Row {
        var record = RequestRecord(
            id: row.text(1), time: RequestNumber.time(of: row.integer(0)), key: row.text(2), model: row.text(3))
        record.site = row.text(4)
        record.account = row.text(5)
        record.upstreamModel = row.text(6)
        record.status = row.int(7)
        record.outcome = RequestOutcome(rawValue: UInt8(clamping: row.integer(8))) ?? .failed
        func counter(_ column: Int32) -> UInt64? { row.optionalInteger(column).map { UInt64(clamping: $0) } }
        record.usage = TokenUsage(
            input: counter(11), output: counter(12), cached: counter(13), cacheWrite: counter(14),
            reasoning: counter(15),
            estimated: row.flag(16))
        record.cost = Money(picodollars: row.integer(17))
        record.latencyMilliseconds = row.int(18)
        record.firstTokenMilliseconds = row.optionalInteger(19).map(Int.init)
        record.stream = row.flag(20)
        record.clientFormat = row.text(21)
        record.upstreamFormat = row.text(22)
        record.errorCode = row.text(23)
        return Row(
            number: row.integer(0), record: record, attempts: row.int(9),
            plainMilliseconds: row.optionalInteger(10).map(Int.init), warnings: row.optionalText(24))
    }

    private func complete(_ row: Row) throws(StoreError) -> RequestRecord {
        var record = row.record
        if let milliseconds = row.plainMilliseconds {
            record.attempts = [
                AttemptRecord(
                    site: record.site, account: record.account, upstreamModel: record.upstreamModel,
                    status: record.status, fault: "ok", reason: "", milliseconds: milliseconds)
            ]
        } else if row.attempts > 0 {
            record.attempts = try attempts(of: row.number)
        }
        if let warnings = row.warnings {
            record.warnings = try database.rows(
                "SELECT value FROM json_each(?) ORDER BY key", [.text(warnings)]
            ) { $0.text(0) }
        }
        return record
    }

    private func attempts(of number: Int64) throws(StoreError) -> [AttemptRecord] {
        try database.rows(
            """
            SELECT site, account, upstream_model, status, fault, reason, ms FROM attempts
            WHERE request = ? ORDER BY position
            """, [.integer(number)]
        ) { row in
            AttemptRecord(
                site: row.text(0), account: row.text(1), upstreamModel: row.text(2), status: row.int(3),
                fault: row.text(4), reason: row.text(5), milliseconds: row.int(6))
        }
    }

    /// Costs are summed in two parts, because a sum of picodollars may leave 64 bits, which SQLite refuses.
    func usage(_ group: UsageGroup, since: Int64?, until: Int64?) throws(StoreError) -> [UsageRow] {
        var query = RequestQuery()
        query.since = since
        query.until = until
        let (condition, values) = try query.condition()
        let good = [RequestOutcome.completed, .cancelled].map { String($0.rawValue) }.joined(separator: ", ")
        let (way, names, name) =
            switch group {
            case .key: ("key", "request_keys", "name")
            case .model: ("path", "request_paths", "model")
            case .site: ("path", "request_paths", "site")
            }
        // Numbers are summed before names are looked at.
        return try database.rows(
            """
            SELECT \(name), sum(requests), sum(failures), total(input), total(output), total(cached), sum(whole),
                sum(part)
            FROM (
                SELECT \(way) AS way, count(*) AS requests, sum((marks & 15) NOT IN (\(good))) AS failures,
                    total(input_tokens) AS input, total(output_tokens) AS output, total(cached_tokens) AS cached,
                    sum(cost / 1000000) AS whole, sum(cost % 1000000) AS part
                FROM request_rows\(condition) GROUP BY \(way)
            ) LEFT JOIN \(names) ON id = way
            GROUP BY \(name) ORDER BY \(name)
            """, values
        ) { row in
            let (whole, overflow) = row.integer(6).multipliedReportingOverflow(by: 1_000_000)
            let most = row.integer(6) < 0 ? Int64.min : Int64.max
            return UsageRow(
                group: row.text(0), requests: row.int(1), failures: row.int(2), inputTokens: Int(row.real(3)),
                outputTokens: Int(row.real(4)), cachedTokens: Int(row.real(5)),
                cost: Money(picodollars: overflow ? most : whole) + Money(picodollars: row.integer(7)))
        }
    }
}
