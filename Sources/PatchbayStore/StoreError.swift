/// Why the store, its ledger or its sealing refused something.
package struct StoreError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Bounded word, for metrics and for choosing a status code.
    package enum Code: String, Sendable, CaseIterable {
        /// Somebody else holds the database; trying again later may help.
        case busy
        /// No room on the disk.
        case full
        /// The file is not a database, or is damaged.
        case corrupt
        /// A value breaks a rule of the schema.
        case constraint
        /// The value has changed since the caller read it.
        case conflict
        /// What was asked for does not exist.
        case notFound
        /// A value was refused before it reached the database; `field` names it.
        case invalid
        /// The database was written by a newer program.
        case newerSchema
        /// A sealed value or the sealing key cannot be used.
        case sealing
        /// The operating system refused.
        case system
        /// The store was closed.
        case closed
        /// Anything else, always a defect.
        case internalError = "internal"
    }

    package var code: Code
    /// Which input was at fault; nil when none was.
    package var field: String?
    /// One sentence for people. Never contains a secret.
    package var sentence: String

    package init(_ code: Code, field: String? = nil, _ sentence: String) {
        self.code = code
        self.field = field
        self.sentence = sentence
    }

    package var description: String { sentence }
}
