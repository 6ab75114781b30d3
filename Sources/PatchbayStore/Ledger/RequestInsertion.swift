import PatchbayCore

/// Inserts request records, each at most once for ever.
struct RequestInsertion {
    /// Counters beyond this are nonsense that would overflow the sums of a report.
    private static let counterLimit: UInt64 = 1 << 40

    private let database: Database
    private let request: Statement
    private let attempt: Statement

    init(_ database: Database) throws(StoreError) {
        self.database = database
        request = try database.statement(
            """
            INSERT INTO requests (
                id, time, key, model, site, account, upstream_model, status, outcome, attempts, attempt_ms,
                input_tokens, output_tokens, cached_tokens, cache_write_tokens, reasoning_tokens, estimated, cost,
                latency_ms, first_token_ms, stream, client_format, upstream_format, error_code, warnings)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (id) DO NOTHING
            """)
        attempt = try database.statement(
            """
            INSERT INTO attempts (request, position, site, account, upstream_model, status, fault, reason, ms)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
            """)
    }

    /// False if the request was there already.
    func insert(_ record: RequestRecord) throws(StoreError) -> Bool {
        defer { request.reset() }
        let plain = Self.plainAttempt(of: record)
        bindWords(of: record)
        bindNumbers(of: record, attemptMilliseconds: plain?.milliseconds)
        _ = try request.step()
        guard database.changes > 0 else { return false }
        if plain == nil, !record.attempts.isEmpty {
            try insertAttempts(record.attempts, request: database.lastRowNumber)
        }
        return true
    }

    private func bindWords(of record: RequestRecord) {
        request.bind(record.id, at: 1)
        request.bind(record.key, at: 3)
        request.bind(record.model, at: 4)
        request.bind(record.site, at: 5)
        request.bind(record.account, at: 6)
        request.bind(record.upstreamModel, at: 7)
        request.bind(record.clientFormat, at: 22)
        request.bind(record.upstreamFormat, at: 23)
        request.bind(record.errorCode, at: 24)
        if record.warnings.isEmpty {
            request.bindNull(at: 25)
        } else {
            request.bind(JSONText.array(record.warnings), at: 25)
        }
    }

    private func bindNumbers(of record: RequestRecord, attemptMilliseconds: Int?) {
        let usage = record.usage
        request.bind(record.time, at: 2)
        request.bind(Int64(record.status), at: 8)
        request.bind(Int64(record.outcome.rawValue), at: 9)
        request.bind(Int64(record.attempts.count), at: 10)
        bind(attemptMilliseconds.map(Int64.init), at: 11)
        for (index, counter) in [usage.input, usage.output, usage.cached, usage.cacheWrite, usage.reasoning]
            .enumerated()
        {
            bind(counter.map { Int64(min($0, Self.counterLimit)) }, at: Int32(12 + index))
        }
        request.bind(usage.estimated ? 1 : 0, at: 17)
        request.bind(record.cost.picodollars, at: 18)
        request.bind(Int64(record.latencyMilliseconds), at: 19)
        bind(record.firstTokenMilliseconds.map(Int64.init), at: 20)
        request.bind(record.stream ? 1 : 0, at: 21)
    }

    private func bind(_ number: Int64?, at index: Int32) {
        if let number { request.bind(number, at: index) } else { request.bindNull(at: index) }
    }

    private func insertAttempts(_ attempts: [AttemptRecord], request: Int64) throws(StoreError) {
        for (position, record) in attempts.enumerated() {
            defer { attempt.reset() }
            attempt.bind([
                .integer(request), .integer(position), .text(record.site), .text(record.account),
                .text(record.upstreamModel), .integer(record.status), .text(record.fault), .text(record.reason),
                .integer(record.milliseconds),
            ])
            _ = try attempt.step()
        }
    }

    /// The only attempt of a request, if its row can be rebuilt from the request.
    static func plainAttempt(of record: RequestRecord) -> AttemptRecord? {
        guard record.attempts.count == 1, let only = record.attempts.first else { return nil }
        let rebuilt = AttemptRecord(
            site: record.site, account: record.account, upstreamModel: record.upstreamModel, status: record.status,
            fault: "ok", reason: "", milliseconds: only.milliseconds)
        return only == rebuilt ? only : nil
    }
}
