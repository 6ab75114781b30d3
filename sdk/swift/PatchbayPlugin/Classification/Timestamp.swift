/// Dates as peers write them, as Unix seconds.
public enum Timestamp {
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    /// The form that RFC 9110 prefers, `Sun, 06 Nov 1994 08:49:37 GMT`; nil for another one.
    public static func seconds(httpDate text: String) -> Int? {
        let parts = text.split(separator: " ")
        guard parts.count == 6, parts[5] == "GMT", let month = months.firstIndex(of: String(parts[2])) else {
            return nil
        }
        return seconds(year: parts[3], month: month + 1, day: parts[1], time: parts[4])
    }

    /// RFC 3339, `2026-08-01T12:30:00Z`, with or without a fraction (which is dropped) and with any offset.
    public static func seconds(rfc3339 text: String) -> Int? {
        let text = text.uppercased()
        guard let middle = text.firstIndex(where: { $0 == "T" || $0 == " " }) else { return nil }
        let date = text[..<middle].split(separator: "-")
        let clock = text[text.index(after: middle)...]
        guard date.count == 3, let month = Int(date[1]), (1...12).contains(month),
            let end = clock.firstIndex(where: { $0 == "Z" || $0 == "+" || $0 == "-" }),
            let offset = offset(clock[end...]),
            let local = seconds(year: date[0], month: month, day: date[2], time: clock[..<end].prefix { $0 != "." })
        else { return nil }
        return local - offset
    }

    private static func offset(_ text: Substring) -> Int? {
        if text == "Z" { return 0 }
        let parts = text.dropFirst().split(separator: ":")
        guard parts.count == 2, let hours = Int(parts[0]), let minutes = Int(parts[1]), hours < 24, minutes < 60 else {
            return nil
        }
        return (text.first == "-" ? -1 : 1) * (hours * 3600 + minutes * 60)
    }

    private static func seconds(year: Substring, month: Int, day: Substring, time: Substring) -> Int? {
        let time = time.split(separator: ":").compactMap { Int($0) }
        guard let year = Int(year), (1970...9999).contains(year), let day = Int(day), (1...31).contains(day),
            time.count == 3, (0...23).contains(time[0]), (0...59).contains(time[1]), (0...60).contains(time[2])
        else { return nil }
        return days(year, month, day) * 86400 + time[0] * 3600 + time[1] * 60 + time[2]
    }

    /// Days since 1970-01-01 in the Gregorian calendar; years are counted from March so that leap days come last.
    private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let shifted = month <= 2 ? year - 1 : year
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return shifted * 365 + shifted / 4 - shifted / 100 + shifted / 400 + dayOfYear - 719468
    }
}
