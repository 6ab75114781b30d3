/// Columns that many requests leave empty. Leaving them out makes a statement cheaper.
struct RequestExtras: OptionSet, Sendable {
    let rawValue: Int

    static let cached = RequestExtras(rawValue: 1)
    static let reasoning = RequestExtras(rawValue: 2)
    static let cacheWrite = RequestExtras(rawValue: 4)
    static let warnings = RequestExtras(rawValue: 8)
    static let all: RequestExtras = [.cached, .reasoning, .cacheWrite, .warnings]
}

/// What a row of the table of requests gets: numbers, and texts where they lie in a segment.
struct RequestRow {
    /// Stands for NULL.
    static let null = Int64.min
    /// Counters beyond this are nonsense that would overflow the sums of a report.
    private static let counterLimit: UInt64 = 1 << 40

    let time: Int64
    let id: UnsafeRawBufferPointer
    let marks: RequestMarks
    let cost: Int64
    let latency: Int64
    let attempt: Int64
    let input: Int64
    let output: Int64
    let cached: Int64
    let firstToken: Int64
    let cacheWrite: Int64
    let reasoning: Int64

    /// Those of the columns which many requests leave empty that it does not.
    var extras: RequestExtras {
        var extras: RequestExtras = []
        if cached != Self.null { extras.insert(.cached) }
        if reasoning != Self.null { extras.insert(.reasoning) }
        if cacheWrite != Self.null { extras.insert(.cacheWrite) }
        return extras
    }

    /// A number that is not NULL.
    @inline(__always)
    private static func number(_ value: Int64) -> Int64 { max(value, null + 1) }

    @inline(__always)
    init(_ plain: LedgerPlain) {
        let flags = plain.flags
        time = plain.time
        id = plain.id
        marks = RequestMarks(
            status: Int64(plain.status), attempts: 1, estimated: flags & 2 != 0, stream: flags & 1 != 0,
            outcome: plain.outcome)
        cost = Self.number(plain.cost)
        latency = plain.latency
        attempt = plain.attempt
        func number(_ value: UInt32) -> Int64 { value == LedgerPlain.unknown ? Self.null : Int64(value) }
        firstToken = number(plain.firstToken)
        input = number(plain.input)
        output = number(plain.output)
        cached = number(plain.cached)
        cacheWrite = number(plain.cacheWrite)
        reasoning = number(plain.reasoning)
    }

    init(_ row: LedgerRow) {
        time = row.time
        id = row.id
        marks = RequestMarks(
            status: Int64(row.status), attempts: Int64(row.attempts), estimated: row.estimated, stream: row.stream,
            outcome: row.outcome)
        cost = Self.number(row.cost)
        latency = Self.number(row.latency)
        attempt = row.plainAttempt.map(Self.number) ?? Self.null
        firstToken = row.hasFirstToken ? Self.number(row.firstToken) : Self.null
        func counter(_ value: LedgerRow.Counter) -> Int64 {
            value == .max ? Self.null : Int64(min(value, Self.counterLimit))
        }
        input = counter(row.input)
        output = counter(row.output)
        cached = counter(row.cached)
        cacheWrite = counter(row.cacheWrite)
        reasoning = counter(row.reasoning)
    }
}
