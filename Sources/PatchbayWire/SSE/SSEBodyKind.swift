/// What a body looks like that was meant to be an event stream. The content type of upstreams cannot be relied on.
package enum SSEBodyKind: Sendable, Hashable {
    /// Begins like a field, a comment or a blank line.
    case eventStream
    /// Begins with `{` or `[`.
    case json
    /// Anything else, for example an HTML page.
    case other

    /// Judges the first byte that is neither white space nor part of a byte order mark; nil when there is none yet.
    package init?(sniffing bytes: UnsafeRawBufferPointer) {
        let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
        let text = bytes.starts(with: mark) ? bytes.dropFirst(3) : bytes[...]
        if bytes.count < 3, !bytes.isEmpty, mark.starts(with: bytes) { return nil }
        switch text.first(where: { $0 > 0x20 }) {
        case nil: return nil
        case UInt8(ascii: "{"), UInt8(ascii: "["): self = .json
        case UInt8(ascii: "d"), UInt8(ascii: "e"), UInt8(ascii: "i"), UInt8(ascii: "r"), UInt8(ascii: ":"):
            self = .eventStream
        default: self = .other
        }
    }
}
