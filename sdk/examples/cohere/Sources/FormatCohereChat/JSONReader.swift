import PatchbayPlugin

/// Why a text is no JSON, and where.
struct JSONFailure: Error {
    var offset: Int
}

/// Reads JSON text (RFC 8259), nested at most 128 deep.
struct JSONReader {
    private let bytes: UnsafeBufferPointer<UInt8>
    private var position = 0

    static func read(_ view: ByteView) throws(JSONFailure) -> JSON {
        var reader = JSONReader(bytes: view.bytes)
        let value = try reader.value(depth: 0)
        reader.skipBlanks()
        guard reader.position == reader.bytes.count else { throw JSONFailure(offset: reader.position) }
        return value
    }

    /// Nil if the text is no JSON.
    static func read(_ text: String) -> JSON? {
        var text = text
        return text.withUTF8 { bytes in
            try? read(ByteView(UnsafeRawBufferPointer(bytes)))
        }
    }

    private init(bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

    private var current: UInt8? { position < bytes.count ? bytes[position] : nil }
    private var failure: JSONFailure { JSONFailure(offset: position) }

    private mutating func skipBlanks() {
        while let byte = current, byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 { position += 1 }
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        skipBlanks()
        guard current == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func value(depth: Int) throws(JSONFailure) -> JSON {
        guard depth < 128 else { throw failure }
        if take("{") {
            var members: [JSON.Member] = []
            if take("}") { return .object([]) }
            repeat {
                guard take("\"") else { throw failure }
                let key = try string()
                guard take(":") else { throw failure }
                members.append(JSON.Member(key: key, value: try value(depth: depth + 1)))
            } while take(",")
            guard take("}") else { throw failure }
            return .object(members)
        }
        if take("[") {
            var list: [JSON] = []
            if take("]") { return .array([]) }
            repeat { list.append(try value(depth: depth + 1)) } while take(",")
            guard take("]") else { throw failure }
            return .array(list)
        }
        if take("\"") { return .string(try string()) }
        return try word()
    }

    private mutating func word() throws(JSONFailure) -> JSON {
        let start = position
        while let byte = current, byte.isWordByte { position += 1 }
        switch String(decoding: bytes[start..<position], as: UTF8.self) {
        case "null": return .null
        case "true": return .bool(true)
        case "false": return .bool(false)
        case let digits:
            guard let first = digits.utf8.first, first == UInt8(ascii: "-") || first &- 0x30 < 10, Double(digits) != nil
            else { throw failure }
            return .number(digits)
        }
    }

    private mutating func string() throws(JSONFailure) -> String {
        var text: [UInt8] = []
        while let byte = current {
            position += 1
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: text, as: UTF8.self)
            case UInt8(ascii: "\\"): text += Array(String(Character(try escape())).utf8)
            case ..<0x20: throw failure
            default: text.append(byte)
            }
        }
        throw failure
    }

    private mutating func escape() throws(JSONFailure) -> Unicode.Scalar {
        guard let byte = current else { throw failure }
        position += 1
        switch byte {
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{c}"
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
        case UInt8(ascii: "u"): return try unicode()
        default: throw failure
        }
    }

    /// One unit, or two that are a pair; half a pair becomes U+FFFD.
    private mutating func unicode() throws(JSONFailure) -> Unicode.Scalar {
        let unit = try hexadecimal()
        guard unit & 0xfc00 == 0xd800 else { return Unicode.Scalar(unit) ?? "\u{fffd}" }
        let here = position
        if current == UInt8(ascii: "\\") {
            position += 1
            if current == UInt8(ascii: "u") {
                position += 1
                let low = try hexadecimal()
                if low & 0xfc00 == 0xdc00 {
                    return Unicode.Scalar(0x10000 + (unit & 0x3ff) << 10 + low & 0x3ff) ?? "\u{fffd}"
                }
            }
        }
        position = here
        return "\u{fffd}"
    }

    private mutating func hexadecimal() throws(JSONFailure) -> UInt32 {
        let end = position + 4
        guard end <= bytes.count, bytes[position..<end].allSatisfy(\.isHexadecimal),
            let unit = UInt32(String(decoding: bytes[position..<end], as: UTF8.self), radix: 16)
        else { throw failure }
        position = end
        return unit
    }
}

extension UInt8 {
    fileprivate var isWordByte: Bool {
        self &- 0x30 < 10 || (self | 0x20) &- 0x61 < 26 || "+-.".utf8.contains(self)
    }

    fileprivate var isHexadecimal: Bool { self &- 0x30 < 10 || (self | 0x20) &- 0x61 < 6 }
}
