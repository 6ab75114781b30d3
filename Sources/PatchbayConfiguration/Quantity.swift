/// Durations and sizes as people write them.
enum Quantity {
    /// Nil unless it is a number with `ms`, `s`, `m` or `h`.
    static func milliseconds(_ text: String) -> Int? {
        scaled(text, ["ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000])
    }

    /// Nil unless it is a number, alone or with a unit.
    static func bytes(_ text: String) -> Int? {
        scaled(
            text,
            [
                "": 1, "B": 1, "kB": 1_000, "KB": 1_000, "MB": 1_000_000, "GB": 1_000_000_000, "KiB": 1_024,
                "MiB": 1_048_576, "GiB": 1_073_741_824,
            ])
    }

    private static func scaled(_ text: String, _ units: [String: Double]) -> Int? {
        let digits = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        let unit = text.dropFirst(digits.count).drop { $0 == " " }
        guard let factor = units[String(unit)], let number = Double(digits), digits.first != ".", digits.last != "."
        else { return nil }
        let value = (number * factor).rounded()
        return value <= 0x1p53 ? Int(value) : nil
    }

    /// A number without a fraction that says nothing.
    static func plain(_ number: Double) -> String {
        number == number.rounded() && abs(number) < 0x1p53 ? String(Int(number)) : String(number)
    }
}
