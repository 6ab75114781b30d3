/// Points in time as text: RFC 3339 in UTC with milliseconds, without Foundation.
package enum Timestamp {
    /// `2026-11-21T04:48:19.414Z` from milliseconds since 1970.
    package static func text(milliseconds: Int64) -> String {
        let days = floorDivision(milliseconds, 86_400_000)
        let rest = Int(milliseconds - days * 86_400_000)
        let (year, month, day) = civil(days: Int(days))
        let date = "\(pad(year, 4))-\(pad(month, 2))-\(pad(day, 2))"
        let time = "\(pad(rest / 3_600_000, 2)):\(pad(rest / 60_000 % 60, 2)):\(pad(rest / 1000 % 60, 2))"
        return "\(date)T\(time).\(pad(rest % 1000, 3))Z"
    }

    /// `2026-11-21T04:48:19Z` from seconds since 1970 of the years 1970 to 9999, as bytes that are valid during the
    /// call; nothing is allocated.
    package static func withText<Result>(seconds: Int64, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        let seconds = Int(min(max(seconds, 0), 253_402_300_799))
        let (year, month, day) = civil(days: seconds / 86_400)
        let rest = seconds % 86_400
        return withUnsafeTemporaryAllocation(byteCount: 20, alignment: 1) { bytes in
            var position = 0
            func put(_ value: Int, _ width: Int, _ end: UInt8) {
                var value = value
                for place in stride(from: position + width - 1, through: position, by: -1) {
                    bytes[place] = UInt8(48 + value % 10)
                    value /= 10
                }
                bytes[position + width] = end
                position += width + 1
            }
            put(year, 4, UInt8(ascii: "-"))
            put(month, 2, UInt8(ascii: "-"))
            put(day, 2, UInt8(ascii: "T"))
            put(rest / 3600, 2, UInt8(ascii: ":"))
            put(rest / 60 % 60, 2, UInt8(ascii: ":"))
            put(rest % 60, 2, UInt8(ascii: "Z"))
            return body(UnsafeRawBufferPointer(bytes))
        }
    }

    /// Milliseconds since 1970 of an RFC 3339 timestamp with any offset; digits beyond milliseconds are cut off. Nil if
    /// it is not one.
    package static func milliseconds(_ text: String) -> Int64? {
        var rest = Substring(text)
        guard let year = number(&rest, 4), take(&rest, "-"), let month = number(&rest, 2), take(&rest, "-"),
            let day = number(&rest, 2), let separator = rest.popFirst(), "Tt ".contains(separator),
            let hour = number(&rest, 2), take(&rest, ":"), let minute = number(&rest, 2), take(&rest, ":"),
            let second = number(&rest, 2), (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60,
            second <= 60, civil(days: days(year, month, day)) == (year, month, day)
        else { return nil }
        var fraction = 0
        if take(&rest, ".") {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            guard !digits.isEmpty else { return nil }
            rest = rest.dropFirst(digits.count)
            fraction = Int((digits.prefix(3) + "00").prefix(3)) ?? 0
        }
        guard let offset = offsetMinutes(&rest), rest.isEmpty else { return nil }
        let minutes = days(year, month, day) * 1440 + hour * 60 + minute - offset
        return Int64(minutes * 60 + second) * 1000 + Int64(fraction)
    }

    private static func offsetMinutes(_ rest: inout Substring) -> Int? {
        switch rest.popFirst() {
        case "Z", "z": return 0
        case let sign? where sign == "+" || sign == "-":
            guard let hours = number(&rest, 2), take(&rest, ":"), let minutes = number(&rest, 2), hours < 24,
                minutes < 60
            else { return nil }
            return (hours * 60 + minutes) * (sign == "+" ? 1 : -1)
        default: return nil
        }
    }

    private static func number(_ rest: inout Substring, _ width: Int) -> Int? {
        let digits = rest.prefix(width)
        guard digits.count == width, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        rest = rest.dropFirst(width)
        return Int(digits)
    }

    private static func take(_ rest: inout Substring, _ character: Character) -> Bool {
        guard rest.first == character else { return false }
        rest.removeFirst()
        return true
    }

    private static func pad(_ value: Int, _ width: Int) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }

    private static func floorDivision(_ value: Int64, _ divisor: Int64) -> Int64 {
        value / divisor - (value % divisor < 0 ? 1 : 0)
    }

    // MARK: - The proleptic Gregorian calendar, with years that begin in March so that leap days come last

    private static func civil(days: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let month = (5 * dayOfYear + 2) / 153
        let civilMonth = month < 10 ? month + 3 : month - 9
        return (yearOfEra + era * 400 + (civilMonth <= 2 ? 1 : 0), civilMonth, dayOfYear - (153 * month + 2) / 5 + 1)
    }

    private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let year = month <= 2 ? year - 1 : year
        let era = (year >= 0 ? year : year - 399) / 400
        let yearOfEra = year - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}
