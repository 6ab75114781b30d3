/// Everything that is wrong with a configuration file, in the order of the file.
package struct ConfigurationError: Error, Sendable, Hashable, CustomStringConvertible {
    /// One thing that is wrong, and where.
    package struct Problem: Sendable, Hashable, CustomStringConvertible {
        package var file: String
        /// From 1; 0 when the whole file is meant.
        package var line: Int
        /// From 1, in Unicode scalars; 0 when the whole file is meant.
        package var column: Int
        /// One sentence that names the field and the rule, and never contains a secret.
        package var sentence: String

        package var description: String { "\(file):\(line):\(column): \(sentence)" }
    }

    /// Never empty.
    package var problems: [Problem]

    package init(problems: [Problem]) {
        self.problems = problems
    }

    /// One line per problem: `file:line:column: sentence`.
    package var description: String { problems.map(\.description).joined(separator: "\n") }
}
