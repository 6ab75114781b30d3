import PatchbayWire

/// A random document: its text with arbitrary white space and escapes, and the tree that it means.
struct RandomDocument {
    private(set) var text: [UInt8] = []
    private(set) var value: JSONValue = .null
    private var random: SeededRandom

    init(seed: UInt64, isObject: Bool = false) {
        random = SeededRandom(seed: seed)
        space()
        value = isObject ? object(depth: 4) : any(depth: 4)
        space()
    }

    private mutating func any(depth: Int) -> JSONValue {
        switch random.below(depth > 0 ? 9 : 6) {
        case 0: return word("null", .null)
        case 1: return word("true", .bool(true))
        case 2: return word("false", .bool(false))
        case 3: return number()
        case 4, 5: return .string(string())
        case 6: return array(depth: depth - 1)
        default: return object(depth: depth - 1)
        }
    }

    private mutating func word(_ word: String, _ value: JSONValue) -> JSONValue {
        text += Array(word.utf8)
        return value
    }

    private mutating func number() -> JSONValue {
        let lexemes = [
            "0", "-0", "1", "-17", "3.50", "0.1", "1e3", "2E-7", "-1.25e+10", "9007199254740993", "1e400",
            "123456789012345678901234567890", "0e0",
        ]
        let lexeme = lexemes[random.below(lexemes.count)]
        text += Array(lexeme.utf8)
        return JSONNumber(lexeme: lexeme).map { .number($0) } ?? .null
    }

    private mutating func array(depth: Int) -> JSONValue {
        var elements: [JSONValue] = []
        text.append(UInt8(ascii: "["))
        space()
        for index in 0..<random.below(5) {
            if index > 0 { separator() }
            elements.append(any(depth: depth))
            space()
        }
        text.append(UInt8(ascii: "]"))
        return .array(elements)
    }

    private mutating func object(depth: Int) -> JSONValue {
        var object = JSONObject()
        text.append(UInt8(ascii: "{"))
        space()
        for index in 0..<random.below(6) {
            if index > 0 { separator() }
            let key = string()
            space()
            text.append(UInt8(ascii: ":"))
            space()
            object.append(key, any(depth: depth))
            space()
        }
        text.append(UInt8(ascii: "}"))
        return .object(object)
    }

    private mutating func string() -> String {
        let keys = ["model", "stream", "a", "b", "stream_options", "include_usage"]
        var meaning = ""
        text.append(UInt8(ascii: "\""))
        if random.chance(50) {
            for character in keys[random.below(keys.count)].unicodeScalars { append(character, &meaning) }
        } else {
            for _ in 0..<random.below(random.chance(10) ? 200 : 12) { append(scalar(), &meaning) }
        }
        text.append(UInt8(ascii: "\""))
        return meaning
    }

    private mutating func scalar() -> Unicode.Scalar {
        let special: [Unicode.Scalar] = [
            "\"", "\\", "/", "\n", "\t", "\u{1}", "é", "\u{2028}", "漢", "😀", "\u{FFFF}",
        ]
        if random.chance(30) { return special[random.below(special.count)] }
        return Unicode.Scalar(UInt8(0x20 + random.below(0x5F)))
    }

    private mutating func append(_ scalar: Unicode.Scalar, _ meaning: inout String) {
        meaning.unicodeScalars.append(scalar)
        if random.chance(10) {
            for unit in Character(scalar).utf16 {
                let digits = String(unit, radix: 16, uppercase: random.chance(50))
                text += Array(("\\u" + String(repeating: "0", count: 4 - digits.count) + digits).utf8)
            }
            return
        }
        switch scalar {
        case "\"", "\\": text += [UInt8(ascii: "\\"), UInt8(scalar.value)]
        case "\n": text += Array("\\n".utf8)
        case "\t": text += Array("\\t".utf8)
        case "\u{1}": text += Array("\\u0001".utf8)
        default: text += Array(Character(scalar).utf8)
        }
    }

    private mutating func separator() {
        text.append(UInt8(ascii: ","))
        space()
    }

    private mutating func space() {
        let spaces: [[UInt8]] = [[], [], [0x20], [0x0A], [0x0D, 0x0A], [0x09, 0x20]]
        text += spaces[random.below(spaces.count)]
    }
}
