package import PatchbayWire

/// Turns the raw strings of deltas into text, and joins surrogate pairs that were cut between two deltas.
package struct SurrogateJoiner: Sendable {
    private var high: UInt16?

    package init() {}

    /// Half of a pair waits for the other one.
    package var isWaiting: Bool { high != nil }

    /// The text of a string of `tape`; a high surrogate at its end waits for the next call.
    package mutating func text(_ tape: borrowing JSONTape, _ index: JSONIndex) -> String {
        guard tape.hasEscapes(index) || high != nil else {
            return String(decoding: tape.rawString(index), as: UTF8.self)
        }
        var raw = tape.rawString(index)
        guard !raw.isEmpty else { return "" }
        var text = ""
        if let first = high {
            high = nil
            if let second = Self.leadingLowSurrogate(raw) {
                let scalar = 0x10000 + (UInt32(first) & 0x3FF) << 10 + UInt32(second) & 0x3FF
                Unicode.Scalar(scalar).map { text.unicodeScalars.append($0) }
                raw = UnsafeRawBufferPointer(rebasing: raw[6...])
            } else {
                text = "\u{FFFD}"
            }
        }
        if let trailing = JSONEscape.trailingHighSurrogate(raw) {
            high = trailing
            raw = UnsafeRawBufferPointer(rebasing: raw[..<(raw.count - 6)])
        }
        return text + JSONEscape.string(from: raw)
    }

    /// What is left when nothing more comes: a lone half becomes U+FFFD.
    package mutating func flush() -> String {
        guard high != nil else { return "" }
        high = nil
        return "\u{FFFD}"
    }

    private static func leadingLowSurrogate(_ raw: UnsafeRawBufferPointer) -> UInt16? {
        guard raw.count >= 6, raw[0] == UInt8(ascii: "\\"), raw[1] == UInt8(ascii: "u") else { return nil }
        let digits = String(decoding: raw[2..<6], as: UTF8.self)
        guard let unit = UInt16(digits, radix: 16), unit & 0xFC00 == 0xDC00 else { return nil }
        return unit
    }
}
