import PatchbayCore

/// Inserts request records, each at most once for ever.
struct RequestInsertion {
    /// Counters beyond this are nonsense that would overflow the sums of a report.
    private static let counterLimit: UInt64 = 1 << 40

    private let database: Database
    private let request: Statement
    private let holder: Statement
    private let attempt: Statement

    init(_ database: Database) throws(StoreError) {
        self.database = database
        request = try database.statement(
            """
            INSERT INTO requests (
                number, id, key, model, site, account, upstream_model, status, outcome, attempts, attempt_ms,
                input_tokens, output_tokens, cached_tokens, cache_write_tokens, reasoning_tokens, estimated, cost,
                latency_ms, first_token_ms, stream, client_format, upstream_format, error_code, warnings)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (number) DO NOTHING
            """)
        holder = try database.statement("SELECT id FROM requests WHERE number = ?")
        attempt = try database.statement(
            """
            INSERT INTO attempts (request, position, site, account, upstream_model, status, fault, reason, ms)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
            """)
    }

    /// Inserts a record of a segment. False if the request was there already.
    func insert(_ payload: LedgerPayload) throws(StoreError) -> Bool {
        guard let row = LedgerRow(payload.bytes) else { return false }
        return try insert(row, payload)
    }

    /// Inserts a record that lies in no segment. False if the request was there already.
    func insert(_ record: RequestRecord) throws(StoreError) -> Bool {
        let room = UnsafeMutableRawBufferPointer.allocate(byteCount: LedgerFormat.maximumPayload + 8, alignment: 8)
        defer { room.deallocate() }
        guard let base = room.baseAddress else { return false }
        var encoder = LedgerEncoder(base, capacity: room.count)
        encoder.encodeFinish(record)
        let bytes = UnsafeRawBufferPointer(start: base, count: encoder.count)
        guard !encoder.overflowed, let row = LedgerRow(bytes) else { return false }
        defer { forget() }
        return try insert(row, LedgerPayload(bytes: bytes, id: row.id))
    }

    /// Lets go of the bytes that were bound last. To be called before they go away.
    func forget() {
        request.forget()
    }

    private func insert(_ row: LedgerRow, _ payload: LedgerPayload) throws(StoreError) -> Bool {
        var number = RequestNumber(time: row.time, id: row.id)
        // Every place is bound anew for every row, so that nothing need be cleared in between.
        bindWords(of: row, payload)
        bindNumbers(of: row)
        while try !insert(at: number) {
            if try isTaken(number, by: row.id) { return false }
            number.moveOn()
        }
        if row.plainAttempt == nil, row.attempts > 0, let record = payload.record {
            try insertAttempts(record.attempts, request: number.rawValue)
        }
        return true
    }

    private func insert(at number: RequestNumber) throws(StoreError) -> Bool {
        defer { request.rewind() }
        request.bind(number.rawValue, at: 1)
        _ = try request.step()
        return database.changes > 0
    }

    private func isTaken(_ number: RequestNumber, by id: UnsafeRawBufferPointer) throws(StoreError) -> Bool {
        defer { holder.reset() }
        holder.bind(number.rawValue, at: 1)
        return try holder.step() && holder.text(0).utf8.elementsEqual(id)
    }

    private func bindWords(of row: LedgerRow, _ payload: LedgerPayload) {
        request.bind(borrowed: row.id, at: 2)
        request.bind(borrowed: row.key, at: 3)
        request.bind(borrowed: row.model, at: 4)
        request.bind(borrowed: row.site, at: 5)
        request.bind(borrowed: row.account, at: 6)
        request.bind(borrowed: row.upstreamModel, at: 7)
        request.bind(borrowed: row.clientFormat, at: 22)
        request.bind(borrowed: row.upstreamFormat, at: 23)
        request.bind(borrowed: row.errorCode, at: 24)
        if row.warnings == 0 {
            request.bindNull(at: 25)
        } else {
            request.bind(JSONText.array(payload.record?.warnings ?? []), at: 25)
        }
    }

    private func bindNumbers(of row: LedgerRow) {
        request.bind(Int64(row.status), at: 8)
        request.bind(Int64(row.outcome), at: 9)
        request.bind(Int64(row.attempts), at: 10)
        bind(row.plainAttempt, at: 11)
        bind(row.input, at: 12)
        bind(row.output, at: 13)
        bind(row.cached, at: 14)
        bind(row.cacheWrite, at: 15)
        bind(row.reasoning, at: 16)
        request.bind(row.estimated ? 1 : 0, at: 17)
        request.bind(row.cost, at: 18)
        request.bind(row.latency, at: 19)
        bind(row.hasFirstToken ? row.firstToken : nil, at: 20)
        request.bind(row.stream ? 1 : 0, at: 21)
    }

    private func bind(_ counter: LedgerRow.Counter, at index: Int32) {
        bind(counter == .max ? nil : Int64(min(counter, Self.counterLimit)), at: index)
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
}
