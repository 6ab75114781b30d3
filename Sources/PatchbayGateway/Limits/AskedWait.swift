import NIOCore
import PatchbayCore
import PatchbayHost
import PatchbayWire

/// How long an upstream asks to wait: `retry-after-ms`, or `retry-after` in seconds or as a date (RFC 9110 section
/// 10.2.3).
enum AskedWait {
    /// Nobody is believed for longer than a day.
    private static let longest = 86_400_000.0

    /// Milliseconds; 0 = nothing was asked for, or nothing that can be understood.
    ///
    /// - Parameters:
    ///   - sent: The upstream's own clock, the header `date`; dates are relative to it.
    ///   - now: Milliseconds since 1970, where the upstream does not tell its time.
    static func milliseconds(milliseconds: String?, seconds: String?, sent: String?, now: Int64) -> Int {
        if let number = milliseconds.flatMap(number) { return bounded(number) }
        guard let seconds else { return 0 }
        if let number = number(seconds) { return bounded(number * 1000) }
        guard let until = HTTPDate.milliseconds(seconds) else { return 0 }
        return bounded(Double(until - (sent.flatMap(HTTPDate.milliseconds) ?? now)))
    }

    private static func number(_ text: String) -> Double? {
        guard text.utf8.count <= 32, text.utf8.allSatisfy({ $0 &- 48 < 10 || $0 == UInt8(ascii: ".") }) else {
            return nil
        }
        return Double(text)
    }

    private static func bounded(_ milliseconds: Double) -> Int {
        guard milliseconds > 0 else { return 0 }
        return Int(min(milliseconds, longest).rounded(.up))
    }
}

/// Dates of HTTP (RFC 9110 section 5.6.7): `Sun, 06 Nov 1994 08:49:37 GMT` and the two old forms.
enum HTTPDate {
    private static let months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]

    /// Milliseconds since 1970; nil if it is none.
    static func milliseconds(_ text: String) -> Int64? {
        guard text.utf8.count <= 64 else { return nil }
        let words = text.split { $0 == " " || $0 == "," || $0 == "-" }.map { $0.lowercased() }
        // Sun 06 Nov 1994 08:49:37 GMT | Sunday 06 Nov 94 08:49:37 GMT | Sun Nov 6 08:49:37 1994
        let isOld = words.count == 5
        guard words.count == 6 && words[5] == "gmt" || isOld else { return nil }
        let (day, name, year, time) =
            isOld ? (words[2], words[1], words[4], words[3]) : (words[1], words[2], words[3], words[4])
        guard let month = months.firstIndex(of: name), let day = Int(day), var year = Int(year) else { return nil }
        if year < 100 { year += year < 70 ? 2000 : 1900 }
        func padded(_ number: Int, _ width: Int) -> String {
            let digits = String(number)
            return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
        }
        guard day >= 0, year >= 0 else { return nil }
        return Timestamp.milliseconds("\(padded(year, 4))-\(padded(month + 1, 2))-\(padded(day, 2))T\(time)Z")
    }
}

extension Exchange {
    /// What the answer of the attempt asks for, in milliseconds.
    func askedWait() -> Int {
        guard !attempt.fields.isEmpty else { return 0 }
        return AskedWait.milliseconds(
            milliseconds: answerField(named: "retry-after-ms"), seconds: answerField(.retryAfter),
            sent: answerField(named: "date"), now: SystemTime.unixMilliseconds())
    }

    private func answerField(named name: StaticString) -> String? {
        attempt.headBytes.withUnsafeReadableBytes { bytes in
            for field in attempt.fields where field.name.bytes(in: bytes).equalsIgnoringCase(name) {
                return String(decoding: field.value.bytes(in: bytes), as: UTF8.self)
            }
            return nil
        }
    }
}
