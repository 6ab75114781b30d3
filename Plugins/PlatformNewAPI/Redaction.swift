/// Makes text of a site fit for our own sentences and logs.
enum Redaction {
    private static let limit = 200

    /// At most 200 characters in one line, without control characters, and without words that look like keys.
    static func sentence(_ text: String) -> String {
        let line = text.prefix(limit * 4).map { $0.isNewline || $0 == "\t" ? " " : $0 }
        let words = String(line).split(separator: " ", omittingEmptySubsequences: true).map { word in
            looksSecret(word) ? "[hidden]" : String(word)
        }
        let result = words.joined(separator: " ")
        guard !result.isEmpty else { return "nothing" }
        let cut = result.count > limit ? result.prefix(limit) + "…" : result[...]
        return cut.last == "." ? String(cut.dropLast()) : String(cut)
    }

    /// `sk-…` without asterisks, a bearer token, or a JSON web token.
    private static func looksSecret(_ word: Substring) -> Bool {
        if word.contains("sk-"), !word.contains("*"), word.count > 12 { return true }
        return word.hasPrefix("eyJ")
            || (word.utf8.count >= 40 && word.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) })
    }
}
