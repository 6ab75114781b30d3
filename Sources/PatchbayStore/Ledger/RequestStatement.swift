/// A prepared INSERT of some rows, which binds only what is not bound already: most numbers of a request are those of
/// the one before, and binding costs more than comparing.
final class RequestStatement {
    /// Rows of one run.
    let rows: Int
    private let columns: Int
    private let extras: RequestExtras
    private let statement: Statement
    /// What is bound at each place, as ``RequestRow/null`` says it; texts do not count.
    private let bound: UnsafeMutablePointer<Int64>
    /// What no row holds: stands for a text.
    private static let nothing = Int64.min + 1
    private static let usual = [
        "number", "id", "key", "path", "marks", "cost", "latency_ms", "attempt_ms", "first_token_ms", "input_tokens",
        "output_tokens",
    ]
    private static let unusual: [(RequestExtras, String)] = [
        (.cached, "cached_tokens"), (.reasoning, "reasoning_tokens"), (.cacheWrite, "cache_write_tokens"),
        (.warnings, "warnings"),
    ]

    /// - Parameter extras: the columns that it fills beside those that every row has.
    init(_ database: Database, rows: Int, extras: RequestExtras) throws(StoreError) {
        self.rows = rows
        self.extras = extras
        let names = Self.usual + Self.unusual.filter { extras.contains($0.0) }.map(\.1)
        columns = names.count
        let places = "(" + Array(repeating: "?", count: columns).joined(separator: ", ") + ")"
        statement = try database.statement(
            """
            INSERT INTO request_rows (\(names.joined(separator: ", ")))
            VALUES \(Array(repeating: places, count: rows).joined(separator: ", "))
            ON CONFLICT (number) DO NOTHING
            """)
        bound = .allocate(capacity: rows * columns)
        bound.initialize(repeating: RequestRow.null, count: rows * columns)
    }

    deinit { bound.deallocate() }

    private static let usualCount = 11

    /// Binds a row. Its texts must stay until ``forget()``.
    @inline(__always)
    func bind(
        _ row: borrowing RequestRow, _ number: RequestNumber, _ way: RequestWay, warnings: String?, at index: Int
    ) {
        let first = index * columns
        statement.bind(number.rawValue, at: Int32(first + 1))
        statement.bind(borrowed: row.id, at: Int32(first + 2))
        bind(way.key, first + 2)
        bind(way.path, first + 3)
        bind(row.marks.rawValue, first + 4)
        bind(row.cost, first + 5)
        bind(row.latency, first + 6)
        bind(row.attempt, first + 7)
        bind(row.firstToken, first + 8)
        bind(row.input, first + 9)
        bind(row.output, first + 10)
        var next = first + Self.usualCount
        func bindNext(_ value: Int64) {
            bind(value, next)
            next += 1
        }
        if extras.contains(.cached) { bindNext(row.cached) }
        if extras.contains(.reasoning) { bindNext(row.reasoning) }
        if extras.contains(.cacheWrite) { bindNext(row.cacheWrite) }
        guard extras.contains(.warnings) else { return }
        if let warnings {
            statement.bind(warnings, at: Int32(next + 1))
            bound[next] = Self.nothing
        } else {
            bind(RequestRow.null, next)
        }
    }

    @inline(__always)
    private func bind(_ value: Int64, _ place: Int) {
        if bound[place] != value { bindAnew(value, place) }
    }

    @inline(never)
    private func bindAnew(_ value: Int64, _ place: Int) {
        bound[place] = value
        if value == RequestRow.null {
            statement.bindNull(at: Int32(place + 1))
        } else {
            statement.bind(value, at: Int32(place + 1))
        }
    }

    /// Inserts those rows whose number is free.
    func run() throws(StoreError) {
        defer { statement.rewind() }
        _ = try statement.step()
    }

    /// The same row, at another number.
    func move(to number: RequestNumber) { statement.bind(number.rawValue, at: 1) }

    /// Lets go of the texts that were bound.
    func forget() {
        statement.forget()
        bound.update(repeating: RequestRow.null, count: rows * columns)
    }
}
