/// How long a peer asks to wait, in the several ways peers say it.
public enum RetryAfter {
    /// The headers `retry-after-ms` and `retry-after` (seconds, or a date relative to the header `date`).
    public static func read(milliseconds: String?, seconds: String?, date: String?) -> Duration? {
        if let text = milliseconds, let value = number(text) { return bounded(value / 1000) }
        guard let text = seconds?.trimmingSpaces, !text.isEmpty else { return nil }
        if let value = number(text) { return bounded(value) }
        return read(until: text, date: date)
    }

    /// The span from the header `date` to a moment, which is a date in the form of HTTP or of RFC 3339.
    public static func read(until moment: String, date: String?) -> Duration? {
        let until = Timestamp.seconds(httpDate: moment) ?? Timestamp.seconds(rfc3339: moment)
        guard let until, let now = date.flatMap({ Timestamp.seconds(httpDate: $0.trimmingSpaces) }) else { return nil }
        return bounded(Double(max(0, until - now)))
    }

    /// A sentence such as `Please try again in 1m30.5s` or `retry after 20 seconds`.
    public static func read(sentence: String) -> Duration? {
        let text = sentence.lowercased()
        for phrase in ["try again in ", "retry after ", "retry in ", "wait "] {
            var rest = text[...]
            while let range = rest.firstRange(of: phrase) {
                rest = rest[range.upperBound...]
                if let duration = span(rest) { return duration }
            }
        }
        return nil
    }

    /// A span such as `6m0s`, `20 seconds`, `250ms`, `1.5s`; a number without a unit counts as seconds.
    public static func span(_ text: Substring) -> Duration? {
        var rest = text.drop { $0 == " " }
        var total = 0.0
        var isEmpty = true
        while let first = rest.first, first.isASCII, first.isNumber {
            let digits = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
            guard let value = number(String(digits.last == "." ? digits.dropLast() : digits)) else { break }
            rest = rest[digits.endIndex...].drop { $0 == " " }
            let unit = rest.prefix { $0.isASCII && $0.isLetter }
            guard let factor = factor(of: unit) else {
                return isEmpty ? bounded(value) : bounded(total)
            }
            total += value * factor
            isEmpty = false
            rest = rest[unit.endIndex...].drop { $0 == " " }
        }
        return isEmpty ? nil : bounded(total)
    }

    private static func factor(of unit: Substring) -> Double? {
        switch unit {
        case "ms", "milliseconds", "millisecond": 0.001
        case "s", "sec", "secs", "second", "seconds": 1
        case "m", "min", "mins", "minute", "minutes": 60
        case "h", "hour", "hours": 3600
        case "d", "day", "days": 86400
        default: nil
        }
    }

    private static func number(_ text: String) -> Double? {
        guard let value = Double(text.trimmingSpaces), value.isFinite, value >= 0 else { return nil }
        return value
    }

    /// At most thirty days: nobody waits longer for an answer, and a nonsense value must not overflow.
    private static func bounded(_ seconds: Double) -> Duration {
        .milliseconds(Int64((min(seconds, 2_592_000) * 1000).rounded(.up)))
    }
}

extension String {
    var trimmingSpaces: String {
        let start = drop { $0 == " " || $0 == "\t" }
        return String(start.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
    }
}
