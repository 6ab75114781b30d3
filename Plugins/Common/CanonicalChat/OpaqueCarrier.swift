/// Lets opaque state of one provider travel through a client of another provider's format.
///
/// Clients hand such state back as they got it. Wrapped into a text that names its owner it survives the way, is put
/// back by the reader of that format, and is never taken for state of the format's own provider.
package enum OpaqueCarrier {
    /// What a carrier begins with; no provider's own state does.
    package static let mark = "pb1:"

    /// The text that carries the state, and the id of the item it belongs to.
    package static func wrapped(_ opaque: CanonicalOpaque, id: String? = nil) -> String {
        "\(mark)\(opaque.provider ?? ""):\(opaque.kind):\(id ?? ""):\(opaque.data)"
    }

    /// What a carrier holds; nil for any other text.
    package static func unwrapped(_ text: String) -> (opaque: CanonicalOpaque, id: String?)? {
        guard text.hasPrefix(mark) else { return nil }
        let fields = text.utf8.dropFirst(mark.utf8.count)
            .split(separator: UInt8(ascii: ":"), maxSplits: 3, omittingEmptySubsequences: false)
            .map { String(Substring($0)) }
        guard fields.count == 4, !fields[1].isEmpty else { return nil }
        let provider = fields[0].isEmpty ? nil : fields[0]
        let opaque = CanonicalOpaque(kind: fields[1], provider: provider, data: fields[3])
        return (opaque, fields[2].isEmpty ? nil : fields[2])
    }
}
