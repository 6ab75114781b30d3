import PatchbayCore

/// Writes a part of the document as JSON, for the settings that only a plugin understands.
enum JSONRendering {
    static func text(_ node: ConfigurationNode) -> String {
        switch node.content {
        case .empty: return "null"
        case .scalar(let text, let quoted): return quoted ? JSONText.string(text) : plain(text)
        case .list(let items): return "[" + items.map(text).joined(separator: ",") + "]"
        case .map(let members):
            let pairs = members.map { "\(JSONText.string($0.key)):\(text($0.value))" }
            return "{" + pairs.joined(separator: ",") + "}"
        }
    }

    private static func plain(_ text: String) -> String {
        switch text {
        case "true", "True", "TRUE": "true"
        case "false", "False", "FALSE": "false"
        default: isNumber(text) ? text : JSONText.string(text)
        }
    }

    /// The grammar of JSON numbers, which is narrower than what Swift accepts.
    private static func isNumber(_ text: String) -> Bool {
        var rest = Substring(text)
        if rest.first == "-" { rest.removeFirst() }
        let whole = takeDigits(&rest)
        guard !whole.isEmpty, whole == "0" || whole.first != "0" else { return false }
        if rest.first == "." {
            rest.removeFirst()
            guard !takeDigits(&rest).isEmpty else { return false }
        }
        if rest.first == "e" || rest.first == "E" {
            rest.removeFirst()
            if rest.first == "+" || rest.first == "-" { rest.removeFirst() }
            guard !takeDigits(&rest).isEmpty else { return false }
        }
        return rest.isEmpty
    }

    private static func takeDigits(_ rest: inout Substring) -> Substring {
        let digits = rest.prefix { ("0"..."9").contains($0) }
        rest = rest.dropFirst(digits.count)
        return digits
    }
}
