package import PatchbayCore

/// Reads the one file that can configure everything.
package enum ConfigurationFile {
    package static let longest = 16 << 20

    /// What came of reading a file.
    package struct Reading: Sendable {
        package var outcome: Result<Configuration, ConfigurationError>
        /// Every file that the outcome depends on: the file itself and those that `${file:...}` names.
        package var files: [String]

        package init(outcome: Result<Configuration, ConfigurationError>, files: [String]) {
            self.outcome = outcome
            self.files = files
        }
    }

    /// Reads, expands and validates a file.
    ///
    /// - Parameters:
    ///   - path: the file; relative paths in `${file:...}` begin in its folder.
    ///   - environment: the variables that `${NAME}` may name.
    ///   - mayBeEmpty: false refuses a file of no bytes.
    package static func read(path: String, environment: [String: String], mayBeEmpty: Bool = true) -> Reading {
        let included = IncludedFiles()
        do throws(ConfigurationError) {
            let bytes = try content(of: path)
            if bytes.isEmpty, !mayBeEmpty { throw refusal(of: path, "The file is empty.") }
            let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
            let expansion = Expansion(
                environment: environment, directory: folder.isEmpty ? "/" : folder, included: included)
            let configuration = try parse(bytes, file: path, expansion: expansion)
            return Reading(outcome: .success(configuration), files: [path] + included.paths)
        } catch {
            return Reading(outcome: .failure(error), files: [path] + included.paths)
        }
    }

    /// As ``read(path:environment:)``, for those who only want the configuration.
    ///
    /// - Throws: `ConfigurationError` with everything that is wrong.
    package static func load(
        path: String, environment: [String: String]
    ) throws(ConfigurationError) -> Configuration {
        try read(path: path, environment: environment).outcome.get()
    }

    /// The same for bytes that have been read already. `file` is used in messages only.
    package static func parse(
        _ bytes: [UInt8], file: String, directory: String = ".", environment: [String: String]
    ) throws(ConfigurationError) -> Configuration {
        try parse(
            bytes, file: file,
            expansion: Expansion(environment: environment, directory: directory, included: IncludedFiles()))
    }

    private static func content(of path: String) throws(ConfigurationError) -> [UInt8] {
        switch TextFile.read(path, limit: longest) {
        case .success(let bytes): return bytes
        case .failure(let failure): throw refusal(of: path, "The file \(failure.rule).")
        }
    }

    private static func refusal(of path: String, _ sentence: String) -> ConfigurationError {
        ConfigurationError(problems: [.init(file: path, line: 0, column: 0, sentence: sentence)])
    }

    private static func parse(
        _ bytes: [UInt8], file: String, expansion: Expansion
    ) throws(ConfigurationError) -> Configuration {
        let problems = ProblemList(file: file)
        var configuration = Configuration()
        if bytes.count > longest {
            problems.add(nil, "The file is longer than \(longest) bytes.")
        } else if String(validating: bytes, as: UTF8.self) != nil {
            var reader = DocumentReader(bytes, expansion: expansion, problems: problems)
            if let root = reader.read() {
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
