/// Carries the opaque state of one provider through a client whose format belongs to another.
///
/// Such a client keeps the value as it got it and sends it back with the history; the reader of its format takes the
/// provider's own value out again. A carried value is never sent to a provider.
package enum OpaqueCarrier {
    private static let mark = "pb1:"

    /// The text that stands for `opaque` in another provider's format.
    package static func wrapped(_ opaque: CanonicalOpaque) -> String {
        "\(mark)\(opaque.provider ?? ""):\(opaque.kind):\(opaque.data)"
    }

    /// What a text carries; nil if it is a value of the format's own provider.
    package static func unwrapped(_ text: String) -> CanonicalOpaque? {
        guard text.hasPrefix(mark) else { return nil }
        let fields = text.dropFirst(mark.count).split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
        guard fields.count == 3, !fields[1].isEmpty else { return nil }
        return CanonicalOpaque(
            kind: String(fields[1]), provider: fields[0].isEmpty ? nil : String(fields[0]), data: String(fields[2]))
    }
}
