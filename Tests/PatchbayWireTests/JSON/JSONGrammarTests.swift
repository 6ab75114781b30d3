import Foundation
import PatchbayWire
import Testing

@Suite("JSON grammar")
struct JSONGrammarTests {
    static let accepted = [
        "null", " true ", "false", "0", "-0", "-0.0e-0", "1E+2", "\"\"", "[]", "{}", "[[],{}]", "{\"\":{}}",
        "\t[1 ,\r\n2]",
        #""\u0000\uD83D\uDE00\/\b""#, #"{"a":1,"a":2}"#, "\"\u{7F}\u{2028}\"", "123456789012345678901234567890",
    ]

    static let refused: [(String, JSONError.Code, Int)] = [
        ("", .empty, 0), (" ", .unexpectedEnd, 1), ("01", .invalidNumber, 0), ("-", .invalidNumber, 0),
        ("1.", .invalidNumber, 0), ("1.e1", .invalidNumber, 0), ("1e", .invalidNumber, 0), ("1e+", .invalidNumber, 0),
        ("+1", .unexpectedByte, 0), (".5", .unexpectedByte, 0), ("NaN", .unexpectedByte, 0),
        ("-Infinity", .invalidNumber, 0), ("1-2", .invalidNumber, 0), ("0x10", .trailingBytes, 1),
        ("[1,]", .unexpectedByte, 3), ("[,1]", .unexpectedByte, 1), ("[1 2]", .unexpectedByte, 3),
        ("[1", .unexpectedEnd, 2), ("[", .unexpectedEnd, 1), ("[}", .unexpectedByte, 1), ("{]", .unexpectedByte, 1),
        ("{\"a\":1,}", .unexpectedByte, 7), ("{,}", .unexpectedByte, 1), ("{\"a\" 1}", .unexpectedByte, 5),
        ("{\"a\":}", .unexpectedByte, 5), ("{1:2}", .unexpectedByte, 1), ("{\"a\"}", .unexpectedByte, 4),
        ("{\"a\":1 \"b\":2}", .unexpectedByte, 7), ("{'a':1}", .unexpectedByte, 1), ("tru", .invalidLiteral, 0),
        ("nul ", .invalidLiteral, 0), ("True", .unexpectedByte, 0), ("nullx", .trailingBytes, 4),
        ("1 2", .trailingBytes, 2), ("{}{}", .trailingBytes, 2), ("[]]", .trailingBytes, 2),
        ("\"\n\"", .controlCharacter, 1), ("\"a\u{0}\"", .controlCharacter, 2), ("\"\\x\"", .invalidEscape, 1),
        ("\"\\u12g4\"", .invalidEscape, 1), ("\"\\u12", .unexpectedEnd, 5), ("\"\\", .unexpectedEnd, 2),
        ("\"abc", .unexpectedEnd, 4), ("// c\n1", .unexpectedByte, 0), ("\u{FEFF}{}", .unexpectedByte, 0),
        ("\u{A0}1", .unexpectedByte, 0), ("\u{C}1", .unexpectedByte, 0),
    ]

    @Test("Documents of RFC 8259 are accepted", arguments: accepted)
    func accepts(_ text: String) throws {
        _ = try JSONValue(parsing: text)
    }

    @Test("Anything else is refused with its place", arguments: refused)
    func refuses(_ text: String, _ code: JSONError.Code, _ offset: Int) {
        #expect(throws: JSONError(code, at: offset)) { try JSONValue(parsing: text) }
    }

    @Test("Control characters are found at every place of a long string")
    func controlCharactersAnywhere() {
        for length in 0..<100 {
            for place in 0..<length {
                var text = [UInt8](repeating: UInt8(ascii: "x"), count: length + 2)
                text[0] = UInt8(ascii: "\"")
                text[length + 1] = UInt8(ascii: "\"")
                text[place + 1] = 0x1F
                #expect(throws: JSONError(.controlCharacter, at: place + 1)) { try JSONValue(parsing: text) }
            }
        }
    }

    /// E-106
    @Test("Depth is bounded")
    func depth() throws {
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        _ = try JSONValue(parsing: nested(128))
        #expect(throws: JSONError(.tooDeep, at: 128)) { try JSONValue(parsing: nested(129)) }
        #expect(throws: JSONError(.tooDeep, at: 128)) { try JSONValue(parsing: nested(1_000_000), maxDepth: 5000) }
        #expect(throws: JSONError(.tooDeep, at: 2)) { try JSONValue(parsing: nested(3), maxDepth: 2) }
        #expect(throws: JSONError(.tooDeep, at: 0)) { try JSONValue(parsing: "{}", maxDepth: 0) }
        let mixed = String(repeating: #"{"a":["#, count: 64) + "1" + String(repeating: "]}", count: 64)
        #expect(try JSONValue(parsing: mixed).serialised() == Array(mixed.utf8))
    }

    @Test("No strict beginning of an object or array is a document", arguments: 0..<40 as Range<UInt64>)
    func prefixes(_ seed: UInt64) {
        let document = RandomDocument(seed: seed, isObject: true).text
        guard let end = document.lastIndex(of: UInt8(ascii: "}")) else { return }
        for length in 0...end {
            #expect(throws: JSONError.self) { try JSONValue(parsing: Array(document[..<length])) }
        }
    }

    @Test("Foundation accepts and refuses the same", arguments: 0..<60 as Range<UInt64>)
    func agreesWithFoundation(_ seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let bytes = Array(" \n,:[]{}\"\\0123456789.-+eEtrufalsnx/bu\u{1}".utf8)
        for _ in 0..<40 {
            var text = Array(#"{"a": [1, -2.5e1, true, "x\n\"y\u00e9"], "b" : {"c":null, "d":[ ]}}"#.utf8)
            for _ in 0...random.below(2) { text[random.below(text.count)] = bytes[random.below(bytes.count)] }
            guard Self.isCommonGround(text) else { continue }
            let ours = (try? JSONValue(parsing: text)) != nil
            let theirs = (try? JSONSerialization.jsonObject(with: Data(text), options: .fragmentsAllowed)) != nil
            #expect(ours == theirs, "\(String(decoding: text, as: UTF8.self))")
        }
    }

    /// Foundation refuses numbers beyond Double and lone surrogates, which we keep; those are left out.
    private static func isCommonGround(_ text: [UInt8]) -> Bool {
        let string = String(decoding: text, as: UTF8.self).lowercased()
        return !string.contains("\\ud") && !string.contains(/[0-9][eE]\+?[0-9]{3}/)
    }
}
