package import PatchbayCore

/// Reads the one file that can configure everything.
package enum ConfigurationFile {
    package static let longest = 16 << 20

    /// Reads, expands and validates a file.
    ///
    /// - Parameters:
    ///   - path: the file; relative paths in `${file:...}` begin in its folder.
    ///   - environment: the variables that `${NAME}` may name.
    /// - Throws: `ConfigurationError` with everything that is wrong.
    package static func load(
        path: String, environment: [String: String]
    ) throws(ConfigurationError) -> Configuration {
        func refuse(_ sentence: String) -> ConfigurationError {
            ConfigurationError(problems: [.init(file: path, line: 0, column: 0, sentence: sentence)])
        }
        switch TextFile.read(path, limit: longest) {
        case .failure(let failure):
            throw refuse("The file \(failure.rule).")
        case .success(let bytes):
            let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
            return try parse(bytes, file: path, directory: folder.isEmpty ? "/" : folder, environment: environment)
        }
    }

    /// The same for bytes that have been read already. `file` is used in messages only.
    package static func parse(
        _ bytes: [UInt8], file: String, directory: String = ".", environment: [String: String]
    ) throws(ConfigurationError) -> Configuration {
        let problems = ProblemList(file: file)
        var configuration = Configuration()
        if bytes.count > longest {
            problems.add(nil, "The file is longer than \(longest) bytes.")
        } else if let text = String(validating: bytes, as: UTF8.self) {
            let expansion = Expansion(environment: environment, directory: directory)
            var reader = DocumentReader(expansion: expansion, problems: problems)
            if let root = reader.read(text) {
                configuration = ConfigurationDecoder(problems: problems).decode(root)
            }
        } else {
            problems.add(firstInvalid(bytes), "The file must be UTF-8 text.")
        }
        if let error = problems.error { throw error }
        return configuration
    }

    /// The line of the first byte that cannot be UTF-8.
    private static func firstInvalid(_ bytes: [UInt8]) -> Place {
        var line = 1
        for part in bytes.split(separator: 0x0A, omittingEmptySubsequences: false) {
            if String(validating: part, as: UTF8.self) == nil {
                let valid = part.indices.last { String(validating: part[part.startIndex..<$0], as: UTF8.self) != nil }
                let prefix = part[part.startIndex..<(valid ?? part.startIndex)]
                return Place(line: line, column: String(decoding: prefix, as: UTF8.self).unicodeScalars.count + 1)
            }
            line += 1
        }
        return Place(line: 1, column: 1)
    }
}
