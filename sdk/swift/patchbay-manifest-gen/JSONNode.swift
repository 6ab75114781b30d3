/// A JSON value that remembers where it stands in its file, for messages.
struct JSONNode {
    indirect enum Value {
        case null
        case bool(Bool)
        case number(Double)
        case string(String)
        case array([JSONNode])
        case object([(key: String, value: JSONNode)])
    }

    var value: Value
    /// Offset of its first byte.
    var offset: Int

    var string: String? {
        guard case .string(let text) = value else { return nil }
        return text
    }

    var number: Double? {
        guard case .number(let number) = value else { return nil }
        return number
    }

    var array: [JSONNode]? {
        guard case .array(let nodes) = value else { return nil }
        return nodes
    }

    var members: [(key: String, value: JSONNode)]? {
        guard case .object(let members) = value else { return nil }
        return members
    }

    subscript(key: String) -> JSONNode? {
        members?.last { $0.key == key }?.value
    }
}

/// Something wrong in a manifest: where, which field, and the rule.
struct Problem: Error {
    var offset: Int
    var sentence: String
}

/// A small strict JSON reader that keeps offsets.
struct JSONReader {
    private let bytes: [UInt8]
    private var position = 0
    private var depth = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    static func read(_ bytes: [UInt8]) throws(Problem) -> JSONNode {
        var reader = JSONReader(bytes)
        let node = try reader.value()
        reader.skipSpace()
        guard reader.position == bytes.count else { throw reader.problem("nothing may follow the manifest object") }
        return node
    }

    private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

    private func problem(_ rule: String) -> Problem {
        Problem(offset: min(position, bytes.count), sentence: "The manifest must be JSON: \(rule).")
    }

    private mutating func skipSpace() {
        while let byte = current, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
    }

    private mutating func expect(_ character: Unicode.Scalar) throws(Problem) {
        skipSpace()
        guard current == UInt8(ascii: character) else { throw problem("\"\(character)\" is expected here") }
        position += 1
    }

    /// Consumes `character` if it comes next.
    private mutating func accept(_ character: Unicode.Scalar) -> Bool {
        skipSpace()
        guard current == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func value() throws(Problem) -> JSONNode {
        skipSpace()
        let offset = position
        depth += 1
        defer { depth -= 1 }
        guard depth < 100 else { throw problem("it is nested too deeply") }
        switch current {
        case UInt8(ascii: "{"): return JSONNode(value: .object(try members()), offset: offset)
        case UInt8(ascii: "["): return JSONNode(value: .array(try elements()), offset: offset)
        case UInt8(ascii: "\""): return JSONNode(value: .string(try string()), offset: offset)
        default: return JSONNode(value: try word(), offset: offset)
        }
    }

    private mutating func members() throws(Problem) -> [(key: String, value: JSONNode)] {
        try expect("{")
        var members: [(key: String, value: JSONNode)] = []
        if accept("}") { return members }
        repeat {
            skipSpace()
            let key = try string()
            guard !members.contains(where: { $0.key == key }) else {
                throw problem("the member \(key) stands there twice")
            }
            try expect(":")
            members.append((key, try value()))
        } while accept(",")
        try expect("}")
        return members
    }

    private mutating func elements() throws(Problem) -> [JSONNode] {
        try expect("[")
        var elements: [JSONNode] = []
        if accept("]") { return elements }
        repeat { elements.append(try value()) } while accept(",")
        try expect("]")
        return elements
    }

    private mutating func word() throws(Problem) -> JSONNode.Value {
        let start = position
        while let byte = current, isWordByte(byte) { position += 1 }
        switch String(decoding: bytes[start..<position], as: UTF8.self) {
        case "true": return .bool(true)
        case "false": return .bool(false)
        case "null": return .null
        case let text:
            guard let first = text.utf8.first, first == UInt8(ascii: "-") || (0x30...0x39).contains(first),
                let number = Double(text), number.isFinite
            else {
                position = start
                throw problem("a value is expected here")
            }
            return .number(number)
        }
    }

    private func isWordByte(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte) || byte == UInt8(ascii: "E")
            || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "+") || byte == UInt8(ascii: ".")
    }

    private mutating func string() throws(Problem) -> String {
        guard current == UInt8(ascii: "\"") else { throw problem("a string is expected here") }
        position += 1
        var text: [UInt8] = []
        while let byte = current {
            position += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let string = String(validating: text, as: UTF8.self) else { throw problem("text must be UTF-8") }
                return string
            case UInt8(ascii: "\\"): text += Array(String(try escape()).utf8)
            case 0..<0x20: throw problem("control characters in a string must be escaped")
            default: text.append(byte)
            }
        }
        throw problem("a string does not end")
    }

    private mutating func escape() throws(Problem) -> Character {
        guard let byte = current else { throw problem("a string does not end") }
        position += 1
        switch byte {
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Character(Unicode.Scalar(byte))
        case UInt8(ascii: "u"): return try unicodeEscape()
        default: throw problem("\\\(Character(Unicode.Scalar(byte))) is no escape")
        }
    }

    private mutating func unicodeEscape() throws(Problem) -> Character {
        let digits = String(decoding: bytes[position..<min(position + 4, bytes.count)], as: UTF8.self)
        guard digits.utf8.count == 4, let code = UInt32(digits, radix: 16) else {
            throw problem("\\u takes four digits")
        }
        guard let scalar = Unicode.Scalar(code) else {
            throw problem("characters above U+FFFF are written as they are, not as \\u pairs")
        }
        position += 4
        return Character(scalar)
    }
}
