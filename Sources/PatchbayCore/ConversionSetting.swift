/// The members of a site's `conversion` object: what conversions have to know of its models.
///
/// ```json
/// {"streaming": "always", "profile": {"max_output": 64000},
///  "drop": ["metadata"], "models": [{"model": "qwq*", "streaming": "always", "profile": {"think_tags": true}}]}
/// ```
package enum ConversionSetting {
    /// Names of the object's members.
    package static let members = ["streaming", "profile", "drop", "models"]
    /// Names of the members of an element of `models`.
    package static let modelMembers = ["model", "streaming", "profile", "drop"]

    /// Members without which a request says nothing; they cannot be left out.
    package static let undroppable: Set<String> = ["model", "messages", "input", "contents", "prompt", "stream"]

    /// How an upstream can answer.
    package enum Streaming: String, Sendable, Hashable, CaseIterable {
        /// As it is asked.
        case either
        /// With a stream only.
        case always
        /// With a document only.
        case never
    }
}
