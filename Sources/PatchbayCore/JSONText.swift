/// Writes small JSON texts without a tree. For reading, and for anything large, there is PatchbayWire.
package enum JSONText {
    /// A JSON string literal, quotes included.
    package static func string(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case "\u{0}"..."\u{1F}":
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }

    /// An array of strings.
    package static func array(_ texts: some Sequence<String>) -> String {
        "[" + texts.map(string).joined(separator: ",") + "]"
    }
}
