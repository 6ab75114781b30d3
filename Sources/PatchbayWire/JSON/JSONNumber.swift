/// A number as it was written. `1.0`, `1e3` and integers of any length keep their digits.
package struct JSONNumber: Sendable, Hashable {
    /// Valid JSON number text.
    package let lexeme: String

    package init(_ value: Int) {
        lexeme = String(value)
    }

    /// Nil for infinities and NaN, which JSON cannot express.
    package init?(_ value: Double) {
        guard value.isFinite else { return nil }
        lexeme = value.description
    }

    /// Nil unless `lexeme` is a JSON number and nothing else.
    package init?(lexeme: String) {
        var copy = lexeme
        let valid = copy.withUTF8 { text in
            guard var cursor = try? JSONCursor(UnsafeRawBufferPointer(text)) else { return false }
            return (try? cursor.skipNumber()) != nil && cursor.position == text.count
        }
        guard valid else { return nil }
        self.lexeme = lexeme
    }

    init(checked lexeme: String) {
        self.lexeme = lexeme
    }

    /// The value when it is an integer that Int can hold, also when written as `1.0` or `1e3`.
    package var intValue: Int? {
        var copy = lexeme
        return copy.withUTF8 { JSONNumber.integer(UnsafeRawBufferPointer($0)) }
    }

    /// The nearest double; nil when the number is out of its range.
    package var doubleValue: Double? {
        guard let value = Double(lexeme), value.isFinite else { return nil }
        return value
    }

    /// The integer that checked number text stands for.
    static func integer(_ text: UnsafeRawBufferPointer) -> Int? {
        var value = 0
        let isNegative = text.first == UInt8(ascii: "-")
        for byte in text.dropFirst(isNegative ? 1 : 0) {
            guard byte &- 0x30 < 10 else { return integralDouble(text) }
            let (shifted, tooBig) = value.multipliedReportingOverflow(by: 10)
            let digit = Int(byte &- 0x30)
            let (sum, overflow) = shifted.addingReportingOverflow(isNegative ? -digit : digit)
            guard !tooBig, !overflow else { return nil }
            value = sum
        }
        return value
    }

    private static func integralDouble(_ text: UnsafeRawBufferPointer) -> Int? {
        guard let value = Double(String(decoding: text, as: UTF8.self)), value.magnitude <= 0x1p53 else { return nil }
        // Not Int(exactly:), which would need libm's trunc from every plugin that links this module.
        let integer = Int(value)
        return Double(integer) == value ? integer : nil
    }
}

extension JSONNumber: ExpressibleByIntegerLiteral, CustomStringConvertible {
    package init(integerLiteral value: Int) {
        self.init(value)
    }

    package var description: String { lexeme }
}
