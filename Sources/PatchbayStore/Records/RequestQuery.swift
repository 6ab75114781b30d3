package import PatchbayCore

/// Which requests of the ledger to show. Nil parts match everything.
package struct RequestQuery: Sendable, Hashable {
    package static let longestPage = 1_000

    package var key: String?
    package var model: String?
    package var site: String?
    package var account: String?
    /// Hundreds of the status: 2, 4, 5; 0 for requests that got none.
    package var statusClass: Int?
    /// Exactly this HTTP status.
    package var status: Int?
    package var outcome: RequestOutcome?
    /// First millisecond since 1970 to include.
    package var since: Int64?
    /// First millisecond since 1970 to leave out.
    package var until: Int64?
    /// Where the last page ended, as it said itself.
    package var cursor: String?
    /// Rows per page, 1 to 1000.
    package var limit = 50

    package init() {}

    /// The condition with its values.
    func condition() throws(StoreError) -> (sql: String, values: [SQLValue]) {
        var parts: [String] = []
        var values: [SQLValue] = []
        func add(_ sql: String, _ value: SQLValue?) {
            guard let value else { return }
            parts.append(sql)
            values.append(value)
        }
        add("key = ?", key.map(SQLValue.text))
        add("model = ?", model.map(SQLValue.text))
        add("site = ?", site.map(SQLValue.text))
        add("account = ?", account.map(SQLValue.text))
        add("status / 100 = ?", statusClass.map { .integer(Int64($0)) })
        add("outcome = ?", outcome.map { .integer(Int64($0.rawValue)) })
        add("status = ?", status.map { .integer(Int64($0)) })
        add("number >= ?", since.map { .integer(RequestNumber.first(of: $0)) })
        add("number < ?", until.map { .integer(RequestNumber.first(of: $0)) })
        add("number < ?", try cursor.map { cursor throws(StoreError) in .integer(try Self.parse(cursor)) })
        return (parts.isEmpty ? "" : " WHERE " + parts.joined(separator: " AND "), values)
    }

    /// Where a page ends, as ``cursor`` takes it.
    static func cursor(_ number: Int64) -> String { "\(number)" }

    private static func parse(_ cursor: String) throws(StoreError) -> Int64 {
        guard let number = Int64(cursor) else {
            throw StoreError(.invalid, field: "cursor", "cursor must be what the last page gave as next.")
        }
        return number
    }
}

/// Some rows, and where the following ones begin.
package struct Page<Element: Sendable>: Sendable {
    package var data: [Element]
    /// Cursor of the next page; nil = this is the last one.
    package var next: String?

    package init(data: [Element], next: String? = nil) {
        self.data = data
        self.next = next
    }
}

/// What usage is summed by.
package enum UsageGroup: String, Sendable, CaseIterable {
    case key
    case model
    case site
}

/// The sums of one key, model or site.
package struct UsageRow: Sendable, Hashable {
    package var group: String
    package var requests: Int
    /// Requests that did not complete; those the client gave up are not among them.
    package var failures: Int
    package var inputTokens: Int
    package var outputTokens: Int
    package var cachedTokens: Int
    package var cost: Money
}
