extension JSONWriter {
    /// Appends text with the escapes JSON requires and nothing else escaped.
    mutating func appendEscaped(_ text: UnsafeRawBufferPointer) {
        guard let start = text.baseAddress else { return }
        let base = start.assumingMemoryBound(to: UInt8.self)
        var copied = 0
        var index = 0
        while true {
            index = JSONBytes.firstSpecialOrNonASCII(base, index, text.count)
            guard index < text.count else { break }
            if base[index] >= 0x80 {
                let sequence = UTF8Sequence(base, index, text.count)
                index += sequence.length
                if sequence.isValid { continue }
                append(base, copied, index - sequence.length)
                appendReplacement()
            } else {
                append(base, copied, index)
                appendEscape(base[index])
                index += 1
            }
            copied = index
        }
        append(base, copied, text.count)
    }

    /// Appends the inside of a checked JSON string, repaired where it is not Unicode.
    mutating func appendRaw(_ raw: UnsafeRawBufferPointer) {
        guard let start = raw.baseAddress else { return }
        let base = start.assumingMemoryBound(to: UInt8.self)
        var copied = 0
        var index = 0
        while true {
            index = JSONBytes.firstSpecialOrNonASCII(base, index, raw.count)
            guard index < raw.count else { break }
            let before = index
            if base[index] >= 0x80 {
                let sequence = UTF8Sequence(base, index, raw.count)
                index += sequence.length
                if sequence.isValid { continue }
            } else if index + 1 < raw.count, base[index + 1] == UInt8(ascii: "u") {
                if JSONEscape.scalar(raw, &index) != nil { continue }
            } else {
                index += 2
                continue
            }
            append(base, copied, before)
            appendReplacement()
            copied = index
        }
        append(base, copied, raw.count)
    }

    private mutating func append(_ base: UnsafePointer<UInt8>, _ from: Int, _ to: Int) {
        guard to > from else { return }
        bytes.append(contentsOf: UnsafeBufferPointer(start: base + from, count: to - from))
    }

    /// U+FFFD.
    private mutating func appendReplacement() {
        bytes.append(0xEF)
        bytes.append(0xBF)
        bytes.append(0xBD)
    }

    private mutating func appendEscape(_ byte: UInt8) {
        bytes.append(JSONBytes.backslash)
        switch byte {
        case JSONBytes.quote, JSONBytes.backslash: bytes.append(byte)
        case 0x0A: bytes.append(UInt8(ascii: "n"))
        case 0x0D: bytes.append(UInt8(ascii: "r"))
        case 0x09: bytes.append(UInt8(ascii: "t"))
        case 0x08: bytes.append(UInt8(ascii: "b"))
        case 0x0C: bytes.append(UInt8(ascii: "f"))
        default:
            let low = byte & 0x0F
            bytes.append(UInt8(ascii: "u"))
            bytes.append(0x30)
            bytes.append(0x30)
            bytes.append(0x30 + byte >> 4)
            bytes.append(low < 10 ? low + 0x30 : low + 0x57)
        }
    }
}
