/// Turns the inside of a JSON string (without its quotes) into text.
///
/// The input must come from a checked document. A lone surrogate escape becomes U+FFFD.
package enum JSONEscape {
    /// The text of a raw string; invalid UTF-8 becomes U+FFFD.
    package static func string(from raw: UnsafeRawBufferPointer, hasEscapes: Bool = true) -> String {
        guard hasEscapes else { return String(decoding: raw, as: UTF8.self) }
        return String(unsafeUninitializedCapacity: raw.count) { room in
            unescape(raw, into: room.baseAddress, replaced: nil)
        }
    }

    /// Appends the unescaped bytes; bytes that are not UTF-8 are kept as they are.
    ///
    /// - Returns: how many lone surrogates were replaced by U+FFFD.
    @discardableResult
    package static func unescape(_ raw: UnsafeRawBufferPointer, into output: inout [UInt8]) -> Int {
        guard !raw.isEmpty else { return 0 }
        var replaced = 0
        // No escape is shorter than what it stands for, so the raw length is room enough.
        let text = [UInt8](unsafeUninitializedCapacity: raw.count) { room, count in
            count = unescape(raw, into: room.baseAddress, replaced: &replaced)
        }
        output.append(contentsOf: text)
        return replaced
    }

    /// The high surrogate that a raw string ends with and that has no partner, or nil.
    ///
    /// Upstreams cut text anywhere, so the other half may begin the next delta of the same part.
    package static func trailingHighSurrogate(_ raw: UnsafeRawBufferPointer) -> UInt16? {
        guard raw.count >= 6, raw[raw.count - 6] == JSONBytes.backslash, raw[raw.count - 5] == UInt8(ascii: "u"),
            let unit = codeUnit(raw, raw.count - 4), unit & 0xFC00 == 0xD800
        else { return nil }
        // An even number of backslashes before it means that this one begins an escape.
        var backslashes = 0
        while backslashes < raw.count - 6, raw[raw.count - 7 - backslashes] == JSONBytes.backslash { backslashes += 1 }
        return backslashes % 2 == 0 ? UInt16(unit) : nil
    }

    /// Whether a raw string says exactly `text`.
    package static func equals(
        _ raw: UnsafeRawBufferPointer, hasEscapes: Bool, _ text: UnsafeRawBufferPointer
    ) -> Bool {
        guard hasEscapes else {
            guard raw.count == text.count else { return false }
            guard let left = raw.baseAddress, let right = text.baseAddress else { return raw.count == 0 }
            return JSONBytes.equal(
                left.assumingMemoryBound(to: UInt8.self), right.assumingMemoryBound(to: UInt8.self), raw.count)
        }
        guard text.count <= raw.count else { return false }
        return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: raw.count) { room in
            let count = unescape(raw, into: room.baseAddress, replaced: nil)
            return UnsafeRawBufferPointer(start: room.baseAddress, count: count).elementsEqual(text)
        }
    }

    // MARK: - Decoding

    private static func unescape(
        _ raw: UnsafeRawBufferPointer, into output: UnsafeMutablePointer<UInt8>?, replaced: UnsafeMutablePointer<Int>?
    ) -> Int {
        guard let output, let start = raw.baseAddress else { return 0 }
        let base = start.assumingMemoryBound(to: UInt8.self)
        var read = 0
        var written = 0
        while read < raw.count {
            var run = read
            while run < raw.count, base[run] != JSONBytes.backslash { run += 1 }
            (output + written).update(from: base + read, count: run - read)
            written += run - read
            read = run
            guard read + 1 < raw.count else { break }
            if base[read + 1] == UInt8(ascii: "u") {
                let scalar = scalar(raw, &read)
                if scalar == nil, let replaced { replaced.pointee += 1 }
                written += encode(scalar ?? 0xFFFD, output + written)
            } else {
                output[written] = single(base[read + 1])
                written += 1
                read += 2
            }
        }
        return written
    }

    /// The scalar of the `\u` escape at `position`, both halves of a pair together; nil for a lone surrogate.
    static func scalar(_ raw: UnsafeRawBufferPointer, _ position: inout Int) -> UInt32? {
        let unit = codeUnit(raw, position + 2) ?? 0xFFFD
        position += 6
        guard unit & 0xF800 == 0xD800 else { return unit }
        guard unit < 0xDC00, position + 6 <= raw.count, raw[position] == JSONBytes.backslash,
            raw[position + 1] == UInt8(ascii: "u"), let second = codeUnit(raw, position + 2), second & 0xFC00 == 0xDC00
        else { return nil }
        position += 6
        return 0x10000 + (unit & 0x3FF) << 10 + second & 0x3FF
    }

    private static func codeUnit(_ raw: UnsafeRawBufferPointer, _ position: Int) -> UInt32? {
        guard position + 4 <= raw.count else { return nil }
        var unit: UInt32 = 0
        for offset in 0..<4 {
            guard let digit = JSONBytes.hexDigit(raw[position + offset]) else { return nil }
            unit = unit << 4 | digit
        }
        return unit
    }

    private static func single(_ letter: UInt8) -> UInt8 {
        switch letter {
        case UInt8(ascii: "n"): 0x0A
        case UInt8(ascii: "t"): 0x09
        case UInt8(ascii: "r"): 0x0D
        case UInt8(ascii: "b"): 0x08
        case UInt8(ascii: "f"): 0x0C
        default: letter
        }
    }

    private static func encode(_ scalar: UInt32, _ output: UnsafeMutablePointer<UInt8>) -> Int {
        if scalar < 0x80 {
            output[0] = UInt8(truncatingIfNeeded: scalar)
            return 1
        }
        if scalar < 0x800 {
            output[0] = UInt8(truncatingIfNeeded: 0xC0 | scalar >> 6)
            output[1] = UInt8(truncatingIfNeeded: 0x80 | scalar & 0x3F)
            return 2
        }
        if scalar < 0x10000 {
            output[0] = UInt8(truncatingIfNeeded: 0xE0 | scalar >> 12)
            output[1] = UInt8(truncatingIfNeeded: 0x80 | scalar >> 6 & 0x3F)
            output[2] = UInt8(truncatingIfNeeded: 0x80 | scalar & 0x3F)
            return 3
        }
        output[0] = UInt8(truncatingIfNeeded: 0xF0 | scalar >> 18)
        output[1] = UInt8(truncatingIfNeeded: 0x80 | scalar >> 12 & 0x3F)
        output[2] = UInt8(truncatingIfNeeded: 0x80 | scalar >> 6 & 0x3F)
        output[3] = UInt8(truncatingIfNeeded: 0x80 | scalar & 0x3F)
        return 4
    }
}
