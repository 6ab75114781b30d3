/// Writes the text exposition format 0.0.4 of Prometheus.
struct PrometheusText {
    static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    private(set) var text = ""

    mutating func header(_ name: String, help: String, kind: MetricKind) {
        text += "# HELP \(name) \(Self.escaped(help, quote: false))\n# TYPE \(name) \(kind.rawValue)\n"
    }

    mutating func sample(_ name: String, _ labels: [(String, String)], _ value: Double) {
        text += name
        if !labels.isEmpty {
            let pairs = labels.map { "\($0)=\"\(Self.escaped($1, quote: true))\"" }
            text += "{\(pairs.joined(separator: ","))}"
        }
        text += " \(Self.number(value))\n"
    }

    /// - Parameter buckets: One more than `bounds`, not added up.
    mutating func histogram(
        _ name: String, _ labels: [(String, String)], bounds: [Double], buckets: [Int64], sum: Double
    ) {
        var count: Int64 = 0
        for (index, bucket) in buckets.enumerated() {
            count &+= bucket
            let bound = index < bounds.count ? Self.number(bounds[index]) : "+Inf"
            sample("\(name)_bucket", labels + [("le", bound)], Double(count))
        }
        sample("\(name)_sum", labels, sum)
        sample("\(name)_count", labels, Double(count))
    }

    /// Whole numbers without a fraction.
    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        if let whole = Int64(exactly: value) { return String(whole) }
        return "\(value)"
    }

    private static func escaped(_ text: String, quote: Bool) -> String {
        var result = ""
        for character in text.unicodeScalars {
            switch character {
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\"" where quote: result += "\\\""
            default: result.unicodeScalars.append(character)
            }
        }
        return result
    }
}
