import PatchbayCore

/// Inserts requests, each at most once for ever. It belongs to one connection, and to its thread.
final class RequestInsertion {
    /// Rows that are inserted by one statement.
    private static let group = 20

    private unowned let database: Database
    /// By the columns that they fill; made when they are needed.
    private var groups: [RequestStatement?] = Array(repeating: nil, count: RequestExtras.all.rawValue + 1)
    private let single: RequestStatement
    private let holder: Statement
    private let attempt: Statement
    private var names: RequestNames
    private var ways = RequestWays()

    /// A row of the batch that is being inserted.
    private struct Place {
        let number: RequestNumber
        let index: Int
    }

    init(_ database: Database) throws(StoreError) {
        self.database = database
        single = try RequestStatement(database, rows: 1, extras: .all)
        holder = try database.statement("SELECT id FROM request_rows WHERE number = ?")
        attempt = try database.statement(
            """
            INSERT INTO attempts (request, position, site, account, upstream_model, status, fault, reason, ms)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
            """)
        names = try RequestNames(database)
    }

    /// To be called when names may have gone from the database, or a transaction that added some has failed.
    func forgetNames() { names.forget() }

    /// Inserts requests in a transaction that has begun, and returns how many were new.
    ///
    /// - Parameters:
    ///   - finished: records in segments.
    ///   - interrupted: requests that no segment says the end of.
    func insert(_ finished: [LedgerFinish], _ interrupted: [RequestRecord]) throws(StoreError) -> Int {
        try names.revise()
        ways.forget()
        defer {
            // The segments may go.
            for statement in groups { statement?.forget() }
            single.forget()
        }
        var inserted = 0
        var plain: [Place] = []
        plain.reserveCapacity(finished.count)
        for (index, item) in finished.enumerated() {
            if item.words != nil, let base = item.bytes.baseAddress {
                let row = LedgerPlain(knownFinish: base)
                plain.append(Place(number: RequestNumber(time: row.time, id: row.id), index: index))
            } else if try insertInFull(item) {
                inserted += 1
            }
        }
        // In the order they lie in, every page of the table is written once.
        plain.sort { $0.number < $1.number }
        inserted += try insert(plain, of: finished)
        for record in interrupted where try insert(record) { inserted += 1 }
        return inserted
    }

    // MARK: - Plain rows

    private func insert(_ places: [Place], of finished: [LedgerFinish]) throws(StoreError) -> Int {
        var inserted = 0
        var start = 0
        while start + Self.group <= places.count {
            let range = start..<(start + Self.group)
            let new = try insertGroup(places[range], of: finished)
            inserted += new
            // Somebody has the number of one of them: it may be the same request, or another.
            if new < Self.group { inserted += try insertEach(places[range], of: finished) }
            start += Self.group
        }
        return try inserted + insertEach(places[start...], of: finished)
    }

    private func insertGroup(_ places: ArraySlice<Place>, of finished: [LedgerFinish]) throws(StoreError) -> Int {
        var extras: RequestExtras = []
        for place in places {
            guard let base = finished[place.index].bytes.baseAddress else { return 0 }
            extras.formUnion(RequestRow(LedgerPlain(knownFinish: base)).extras)
        }
        let statement = try group(with: extras)
        for (position, place) in places.enumerated() {
            guard let (row, way) = try plainRow(finished[place.index]) else { return 0 }
            statement.bind(row, place.number, way, warnings: nil, at: position)
        }
        try statement.run()
        return database.changes
    }

    private func group(with extras: RequestExtras) throws(StoreError) -> RequestStatement {
        if let known = groups[extras.rawValue] { return known }
        let made = try RequestStatement(database, rows: Self.group, extras: extras)
        groups[extras.rawValue] = made
        return made
    }

    private func insertEach(_ places: ArraySlice<Place>, of finished: [LedgerFinish]) throws(StoreError) -> Int {
        var inserted = 0
        for place in places {
            guard let (row, way) = try plainRow(finished[place.index]) else { continue }
            if try insert(row, at: place.number, way, warnings: nil) != nil { inserted += 1 }
        }
        return inserted
    }

    @inline(__always)
    private func plainRow(_ item: LedgerFinish) throws(StoreError) -> (RequestRow, RequestWay)? {
        guard let base = item.bytes.baseAddress, let words = item.words else { return nil }
        return (RequestRow(LedgerPlain(knownFinish: base)), try way(words))
    }

    @inline(__always)
    private func way(_ words: UnsafeRawBufferPointer) throws(StoreError) -> RequestWay {
        if let known = ways[words] { return known }
        guard let texts = LedgerNames(words) else {
            throw StoreError(.internalError, "The names of a request cannot be read.")
        }
        let found = try names.way(of: texts)
        ways[words] = found
        return found
    }

    // MARK: - Any row

    private func insertInFull(_ item: LedgerFinish) throws(StoreError) -> Bool {
        guard let row = LedgerRow(item.bytes) else { return false }
        let record = row.isFull ? item.record : nil
        let warnings = record.flatMap { $0.warnings.isEmpty ? nil : JSONText.array($0.warnings) }
        let number = try insert(
            RequestRow(row), at: RequestNumber(time: row.time, id: row.id), try names.way(of: row.names),
            warnings: warnings)
        guard let number else { return false }
        if row.plainAttempt == nil, let record { try insertAttempts(record.attempts, request: number.rawValue) }
        return true
    }

    private func insert(_ record: RequestRecord) throws(StoreError) -> Bool {
        let room = UnsafeMutableRawBufferPointer.allocate(byteCount: LedgerFormat.maximumPayload + 8, alignment: 8)
        defer { room.deallocate() }
        guard let base = room.baseAddress else { return false }
        var encoder = LedgerEncoder(base, capacity: room.count)
        encoder.encodeFinish(record)
        guard !encoder.overflowed else { return false }
        defer { single.forget() }
        let bytes = UnsafeRawBufferPointer(rebasing: room[..<encoder.count])
        return try insertInFull(LedgerFinish(bytes: bytes, words: nil))
    }

    /// The number the request has got; nil if it was there already.
    private func insert(
        _ row: borrowing RequestRow, at first: RequestNumber, _ way: RequestWay, warnings: String?
    ) throws(StoreError) -> RequestNumber? {
        var number = first
        single.bind(row, number, way, warnings: warnings, at: 0)
        while true {
            try single.run()
            if database.changes > 0 { return number }
            if try isTaken(number, by: row.id) { return nil }
            number.moveOn()
            single.move(to: number)
        }
    }

    private func isTaken(_ number: RequestNumber, by id: UnsafeRawBufferPointer) throws(StoreError) -> Bool {
        defer { holder.reset() }
        holder.bind(number.rawValue, at: 1)
        return try holder.step() && holder.text(0).utf8.elementsEqual(id)
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

/// The ways that words in segments stand for, by where they lie. Good for one batch: segments come and go.
private struct RequestWays {
    private static let count = 256

    private var known: [(words: UnsafeRawPointer?, way: RequestWay)] = Array(
        repeating: (nil, RequestWay(key: 0, path: 0)), count: count)

    mutating func forget() {
        for index in known.indices { known[index].words = nil }
    }

    subscript(_ words: UnsafeRawBufferPointer) -> RequestWay? {
        @inline(__always) get {
            let entry = known[Self.index(words)]
            return entry.words == words.baseAddress ? entry.way : nil
        }
        set {
            guard let newValue else { return }
            known[Self.index(words)] = (words.baseAddress, newValue)
        }
    }

    /// Words lie at least 24 bytes apart.
    @inline(__always)
    private static func index(_ words: UnsafeRawBufferPointer) -> Int {
        Int(bitPattern: words.baseAddress) >> 4 & (count - 1)
    }
}
