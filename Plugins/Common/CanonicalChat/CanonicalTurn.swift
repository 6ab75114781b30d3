/// Who speaks in a turn.
package enum CanonicalRole: String, Sendable, Hashable {
    case user, assistant, tool, system, developer
}

/// One entry of the conversation: an ordered list of parts.
package struct CanonicalTurn: Sendable, Hashable {
    /// How the origin wrote the content; encoders write the same form where they have it.
    package enum Form: String, Sendable, Hashable {
        case string, parts, null, absent
    }

    package var role: CanonicalRole
    package var name: String?
    package var parts: [CanonicalPart]
    package var form: Form?
    package var native: CanonicalNative?

    package init(role: CanonicalRole, parts: [CanonicalPart] = [], form: Form? = nil) {
        self.role = role
        self.parts = parts
        self.form = form
    }
}
