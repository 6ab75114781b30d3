/// Replaces `${NAME}`, `${NAME:-default}` and `${file:path}` in a text; `$${` stands for `${`.
///
/// What is put in is not looked at again.
struct Expansion {
    struct Failure: Error {
        var sentence: String
    }

    private static let longestFile = 65_536

    let environment: [String: String]
    /// Where relative paths begin: the folder of the configuration file.
    let directory: String
    /// Takes note of the files that are read.
    let included: IncludedFiles

    func expand(_ text: String) -> Result<String, Failure> {
        guard text.utf8.contains(0x24) else { return .success(text) }
        var result = ""
        var rest = Substring(text)
        while let dollar = rest.firstIndex(of: "$") {
            result += rest[..<dollar]
            rest = rest[dollar...]
            if rest.hasPrefix("$${") {
                result += "${"
                rest = rest.dropFirst(3)
            } else if rest.hasPrefix("${") {
                guard let end = rest.firstIndex(of: "}") else {
                    return .failure(Failure(sentence: "A ${ has no closing brace; write $${ for the text itself."))
                }
                switch value(of: rest[rest.index(rest.startIndex, offsetBy: 2)..<end]) {
                case .success(let value): result += value
                case .failure(let failure): return .failure(failure)
                }
                rest = rest[rest.index(after: end)...]
            } else {
                result += "$"
                rest = rest.dropFirst()
            }
        }
        return .success(result + rest)
    }

    private func value(of expression: Substring) -> Result<String, Failure> {
        if expression.hasPrefix("file:") { return content(of: String(expression.dropFirst(5))) }
        let name = expression.prefix { $0 != ":" }
        let fallback = expression.dropFirst(name.count)
        guard Self.isName(name), fallback.isEmpty || fallback.hasPrefix(":-") else {
            let sentence = "${...} takes NAME, NAME:-default or file:path; write $${ for the text itself."
            return .failure(Failure(sentence: sentence))
        }
        let value = environment[String(name)]
        if fallback.isEmpty {
            return value.map(Result.success)
                ?? .failure(Failure(sentence: "The environment variable \(name) is not set."))
        }
        return .success(value.flatMap { $0.isEmpty ? nil : $0 } ?? String(fallback.dropFirst(2)))
    }

    private static func isName(_ text: Substring) -> Bool {
        guard let first = text.utf8.first, !(0x30...0x39).contains(first) else { return false }
        return text.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x5F: true
            default: false
            }
        }
    }

    private func content(of path: String) -> Result<String, Failure> {
        let full = path.hasPrefix("/") ? path : "\(directory)/\(path)"
        included.paths.append(full)
        switch TextFile.read(full, limit: Self.longestFile) {
        case .success(let bytes):
            guard var text = String(validating: bytes, as: UTF8.self) else {
                return .failure(Failure(sentence: "The file \(path) is not UTF-8 text."))
            }
            while let last = text.unicodeScalars.last, last == "\n" || last == "\r" { text.unicodeScalars.removeLast() }
            return .success(text)
        case .failure(let failure):
            return .failure(Failure(sentence: "The file \(path) \(failure.rule)."))
        }
    }
}

/// The files that a document has asked for.
final class IncludedFiles {
    fileprivate(set) var paths: [String] = []
}
