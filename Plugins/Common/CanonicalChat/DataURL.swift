/// A `data:` URL taken apart, and what the bytes of an image say about their type.
package struct DataURL: Sendable, Hashable {
    package var mime: String
    /// Standard base64 with padding and without white space.
    package var base64: String

    /// Nil unless `text` is a base64 `data:` URL. Parameters and upper case are tolerated.
    package init?(_ text: String) {
        let bytes = text.utf8
        guard bytes.count > 5, text.prefix(5).lowercased() == "data:",
            let comma = bytes.firstIndex(of: UInt8(ascii: ","))
        else { return nil }
        let head = text[text.index(text.startIndex, offsetBy: 5)..<comma].lowercased()
        let fields = head.split(separator: ";", omittingEmptySubsequences: false)
        guard fields.dropFirst().contains(where: { $0 == "base64" }) else { return nil }
        mime = String(fields.first ?? "")
        base64 = Self.normalised(text[bytes.index(after: comma)...])
    }

    /// Base64 in the standard alphabet, padded, without white space.
    package static func normalised(_ text: some StringProtocol) -> String {
        let bytes = text.utf8
        let isClean = bytes.count % 4 == 0 && bytes.allSatisfy(isStandard)
        if isClean { return String(text) }
        var output: [UInt8] = []
        output.reserveCapacity(bytes.count + 3)
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "-"): output.append(UInt8(ascii: "+"))
            case UInt8(ascii: "_"): output.append(UInt8(ascii: "/"))
            case 0x09, 0x0A, 0x0D, 0x20, UInt8(ascii: "="): continue
            default: output.append(byte)
            }
        }
        while output.count % 4 != 0 { output.append(UInt8(ascii: "=")) }
        return String(decoding: output, as: UTF8.self)
    }

    private static func isStandard(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "-"), UInt8(ascii: "_"), 0x09, 0x0A, 0x0D, 0x20: false
        default: true
        }
    }

    /// The type that the first bytes of base64 data stand for; nil if they are of no known type.
    package static func sniffed(_ base64: String) -> String? {
        let head = decodedPrefix(base64)
        func starts(_ bytes: [UInt8], at offset: Int = 0) -> Bool {
            head.count >= offset + bytes.count && Array(head[offset..<offset + bytes.count]) == bytes
        }
        if starts([0x89, 0x50, 0x4E, 0x47]) { return "image/png" }
        if starts([0xFF, 0xD8, 0xFF]) { return "image/jpeg" }
        if starts(Array("GIF8".utf8)) { return "image/gif" }
        if starts(Array("RIFF".utf8)), starts(Array("WEBP".utf8), at: 8) { return "image/webp" }
        if starts(Array("%PDF".utf8)) { return "application/pdf" }
        if starts(Array("ftypavif".utf8), at: 4) { return "image/avif" }
        if starts(Array("ftyphei".utf8), at: 4) || starts(Array("ftypmif1".utf8), at: 4) { return "image/heic" }
        return nil
    }

    private static func decodedPrefix(_ base64: String) -> [UInt8] {
        decode(base64.utf8.prefix(24))
    }

    /// The bytes of base64 text; decoding stops at the first character that is none.
    package static func decode(_ text: some Sequence<UInt8>) -> [UInt8] {
        var output: [UInt8] = []
        var bits: UInt32 = 0
        var count = 0
        for byte in text {
            guard let value = sextet(byte) else { break }
            bits = bits << 6 | UInt32(value)
            count += 6
            if count >= 8 {
                count -= 8
                output.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
            }
        }
        return output
    }

    private static func sextet(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte - UInt8(ascii: "A")
        case UInt8(ascii: "a")...UInt8(ascii: "z"): byte - UInt8(ascii: "a") + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0") + 52
        case UInt8(ascii: "+"), UInt8(ascii: "-"): 62
        case UInt8(ascii: "/"), UInt8(ascii: "_"): 63
        default: nil
        }
    }
}
