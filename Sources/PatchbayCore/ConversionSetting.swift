/// The members of a site's `conversion` object: what conversions have to know of its models.
///
/// ```json
/// {"streaming": "always", "profile": {"max_output": 64000},
///  "models": [{"model": "qwq*", "streaming": "always", "profile": {"think_tags": true}}]}
/// ```
package enum ConversionSetting {
    /// Names of the object's members.
    package static let members = ["streaming", "profile", "models"]
    /// Names of the members of an element of `models`.
    package static let modelMembers = ["model", "streaming", "profile"]

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
