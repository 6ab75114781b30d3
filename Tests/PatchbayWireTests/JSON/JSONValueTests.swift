import PatchbayWire
import Testing

@Suite("JSON values")
struct JSONValueTests {
    /// E-15, E-103, E-110
    @Test("Order, number digits and duplicates survive")
    func roundTrip() throws {
        let text = #"{"z":1.0,"a":[1e3,9007199254740993,-0],"z":null,"":{}}"#
        let value = try JSONValue(parsing: text)
        #expect(value.description == text)
        #expect(value["z"] == .null)
        #expect(value.objectValue?.keys == ["z", "a", "z", ""])
    }

    @Test("Parsing gives the generated tree, and writing gives it back", arguments: 0..<300 as Range<UInt64>)
    func randomRoundTrip(_ seed: UInt64) throws {
        let document = RandomDocument(seed: seed)
        let value = try JSONValue(parsing: document.text)
        #expect(value == document.value)
        let again = try JSONValue(parsing: value.serialised())
        #expect(again == value)
        #expect(again.serialised() == value.serialised())
    }

    @Test("Absent, null and empty differ")
    func absence() throws {
        let value = try JSONValue(parsing: #"{"n":null,"e":"","a":[],"o":{}}"#)
        #expect(value["x"] == nil)
        #expect(value["n"] == .null)
        #expect(value["n"]?.nonNull == nil)
        #expect(value["e"] == "")
        #expect(value["a"] == .emptyArray)
        #expect(value["o"] == .emptyObject)
    }

    @Test("Members are set in place, appended and removed")
    func mutation() {
        var value: JSONValue = ["a": 1, "b": 2, "a": 3]
        value["a"] = "last"
        #expect(value.description == #"{"a":1,"b":2,"a":"last"}"#)
        value["c"] = .null
        value["a"] = nil
        #expect(value.description == #"{"b":2,"c":null}"#)
        value["c"]?["d"] = [1, 2.5, true]
        #expect(value["c"]?["d"]?[1]?.doubleValue == 2.5)
        value["b"]?.append(4)
        #expect(value["b"]?.description == "[4]")
        #expect(value[0] == nil)
        #expect(value["c"]?["d"]?[3] == nil)
    }

    @Test("A changed copy leaves the original alone")
    func copies() {
        let original: JSONValue = ["a": ["b": 1]]
        var copy = original
        copy["a"]?["b"] = 2
        #expect(original["a"]?["b"] == 1)
    }

    /// E-15
    @Test("Integers are exact or absent")
    func integers() throws {
        let cases: [(String, Int?)] = [
            ("9223372036854775807", .max), ("-9223372036854775808", .min), ("9223372036854775808", nil), ("-0", 0),
            ("1.0", 1), ("1e3", 1000), ("1.5", nil), ("1e400", nil), ("1e18", nil),
            ("9007199254740993", 9_007_199_254_740_993),
        ]
        for (text, expected) in cases { #expect(try JSONValue(parsing: text).intValue == expected, "\(text)") }
        #expect(try JSONValue(parsing: "1e400").doubleValue == nil)
        #expect(JSONNumber(lexeme: "1x") == nil)
        #expect(JSONNumber(lexeme: "-1.50")?.doubleValue == -1.5)
        #expect(JSONNumber(Double.nan) == nil)
        #expect(JSONValue.double(.infinity) == .null)
    }

    /// E-13, E-14
    @Test("What is not Unicode becomes U+FFFD")
    func repair() throws {
        let surrogates = try JSONValue(parsing: #""a\ud800b\udc00\ud83d\ude00\ud800\ud83d\ude00""#)
        #expect(surrogates == "a\u{FFFD}b\u{FFFD}😀\u{FFFD}😀")
        let bytes: [UInt8] = [0x22, 0x61, 0xFF, 0xE2, 0x82, 0x5C, 0x6E, 0xC0, 0xAF, 0x22]
        #expect(try JSONValue(parsing: bytes) == "a\u{FFFD}\u{FFFD}\n\u{FFFD}\u{FFFD}")
    }
}
