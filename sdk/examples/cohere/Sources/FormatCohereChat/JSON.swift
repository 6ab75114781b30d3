/// A JSON value that keeps the order of members and the digits of numbers, as canonical documents ask for.
enum JSON: Equatable {
    case null
    case bool(Bool)
    /// As written.
    case number(String)
    case string(String)
    case array([JSON])
    case object([Member])

    struct Member: Equatable {
        var key: String
        var value: JSON
    }

    static func int(_ value: Int) -> JSON { .number(String(value)) }

    /// An object of the members that have a value.
    static func members(_ list: KeyValuePairs<String, JSON?>) -> JSON {
        .object(list.compactMap { entry in entry.value.map { Member(key: entry.key, value: $0) } })
    }

    subscript(key: String) -> JSON? {
        guard case .object(let members) = self else { return nil }
        return members.last { $0.key == key }?.value
    }

    /// The member unless it is missing or null.
    func present(_ key: String) -> JSON? {
        guard let value = self[key], value != .null else { return nil }
        return value
    }

    var text: String? { if case .string(let text) = self { text } else { nil } }
    var list: [JSON]? { if case .array(let list) = self { list } else { nil } }
    var object: [Member]? { if case .object(let members) = self { members } else { nil } }
    var flag: Bool? { if case .bool(let flag) = self { flag } else { nil } }
    var int: Int? {
        if case .number(let digits) = self { Int(digits) ?? Double(digits).flatMap { Int(exactly: $0) } } else { nil }
    }
}

// MARK: - Writing

extension JSON {
    var bytes: [UInt8] {
        var output: [UInt8] = []
        write(into: &output)
        return output
    }

    var description: String { String(decoding: bytes, as: UTF8.self) }

    func write(into output: inout [UInt8]) {
        switch self {
        case .null: output += "null".utf8
        case .bool(let flag): output += (flag ? "true" : "false").utf8
        case .number(let digits): output += digits.utf8
        case .string(let text): Self.write(text, into: &output)
        case .array(let list):
            output.append(UInt8(ascii: "["))
            for (index, value) in list.enumerated() {
                if index > 0 { output.append(UInt8(ascii: ",")) }
                value.write(into: &output)
            }
            output.append(UInt8(ascii: "]"))
        case .object(let members):
            output.append(UInt8(ascii: "{"))
            for (index, member) in members.enumerated() {
                if index > 0 { output.append(UInt8(ascii: ",")) }
                Self.write(member.key, into: &output)
                output.append(UInt8(ascii: ":"))
                member.value.write(into: &output)
            }
            output.append(UInt8(ascii: "}"))
        }
    }

    private static func write(_ text: String, into output: inout [UInt8]) {
        output.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): output += [UInt8(ascii: "\\"), byte]
            case 0x0a: output += "\\n".utf8
            case ..<0x20:
                output += "\\u00".utf8
                output += [byte >> 4, byte & 15].map { $0 < 10 ? 0x30 + $0 : 0x57 + $0 }
            default: output.append(byte)
            }
        }
        output.append(UInt8(ascii: "\""))
    }
}
