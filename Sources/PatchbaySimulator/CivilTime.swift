/// A moment in UTC as people write it. Days are counted with the proleptic Gregorian calendar.
struct CivilTime: Sendable {
    let year: Int64
    let month: Int64
    let day: Int64
    let second: Int64

    /// - Parameter seconds: since 1970-01-01T00:00:00Z.
    init(seconds: Int64) {
        var days = seconds / 86_400
        second = ((seconds % 86_400) + 86_400) % 86_400
        if seconds % 86_400 < 0 { days -= 1 }
        // Days since 0000-03-01, so that a leap day is the last day of its year.
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }

    /// `2026-08-10`.
    var date: String { "\(year)-\(two(month))-\(two(day))" }

    /// `2026-08-10T12:00:00Z`.
    var timestamp: String { "\(date)T\(two(second / 3600)):\(two(second / 60 % 60)):\(two(second % 60))Z" }

    /// `20260810120000`.
    var digits: String {
        "\(year)\(two(month))\(two(day))\(two(second / 3600))\(two(second / 60 % 60))\(two(second % 60))"
    }

    private func two(_ value: Int64) -> String { value < 10 ? "0\(value)" : String(value) }
}
