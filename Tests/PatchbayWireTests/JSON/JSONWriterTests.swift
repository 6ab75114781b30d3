import PatchbayWire
import Testing

@Suite("JSON writer")
struct JSONWriterTests {
    private func text(_ body: (inout JSONWriter) -> Void) -> String {
        var writer = JSONWriter()
        body(&writer)
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    @Test("Commas stand between members and elements")
    func commas() {
        let written = text { writer in
            writer.object { writer in
                writer.member("a", 1)
                writer.key("b")
                writer.array { writer in
                    writer.beginObject()
                    writer.endObject()
                    writer.beginArray()
                    writer.endArray()
                    writer.null()
                    writer.bool(false)
                    writer.raw(Array("[1, 2]".utf8))
                }
                writer.member("c", ifPresent: nil as String?)
                writer.nullMember("d")
                writer.member("e", -1.5)
                writer.member("f", ["x": [true, "y"]])
            }
            writer.beginDocument()
            writer.number(Int.min)
        }
        #expect(
            written == #"{"a":1,"b":[{},[],null,false,[1, 2]],"d":null,"e":-1.5,"f":{"x":[true,"y"]}}"#
                + "-9223372036854775808")
    }

    @Test("Strings are escaped as far as JSON requires")
    func escapes() {
        #expect(
            text { $0.string("\"\\/\u{8}\u{C}\n\r\t\u{0}\u{1F}\u{7F}é\u{2028}😀") }
                == #""\"\\/\b\f\n\r\t\u0000\u001f"# + "\u{7F}é\u{2028}😀\"")
        let object = text { writer in
            writer.object { writer in
                writer.key("a\"b" as String)
                writer.string("static" as StaticString)
            }
        }
        #expect(object == #"{"a\"b":"static"}"#)
    }

    @Test("Any bytes become valid UTF-8, as String repairs them", arguments: 0..<200 as Range<UInt64>)
    func repair(_ seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let leads: [UInt8] = [
            0x41, 0x80, 0xBF, 0xC0, 0xC3, 0xE0, 0xE2, 0xED, 0xEF, 0xF0, 0xF4, 0xF5, 0xA0, 0x9F, 0x90, 0x22,
        ]
        let bytes = (0..<random.below(40)).map { _ in leads[random.below(leads.count)] }
        var writer = JSONWriter()
        bytes.withUnsafeBytes { writer.string(utf8: $0) }
        #expect(String(validating: writer.bytes, as: UTF8.self) != nil)
        #expect(try JSONValue(parsing: writer.bytes).stringValue == String(decoding: bytes, as: UTF8.self))
    }

    @Test("A raw string keeps its escapes, except those that are not Unicode")
    func rawStrings() {
        let cases = [
            (#"a\n\u00e9\/"#, #"a\n\u00e9\/"#), (#"\ud83d\ude00"#, #"\ud83d\ude00"#), (#"x\ud83dy"#, "x\u{FFFD}y"),
            (#"\\ud83d"#, #"\\ud83d"#), (#"\udc00\ud800"#, "\u{FFFD}\u{FFFD}"), ("é😀", "é😀"),
            (#"\ud800\u0041"#, "\u{FFFD}" + #"\u0041"#),
        ]
        for (raw, expected) in cases {
            let written = text { writer in Array(raw.utf8).withUnsafeBytes { writer.string(raw: $0) } }
            #expect(written == "\"" + expected + "\"")
        }
    }

    @Test("Appending keeps what was there")
    func appending() {
        var writer = JSONWriter(appendingTo: Array("data: ".utf8))
        writer.number(7)
        #expect(writer.bytes == Array("data: 7".utf8))
        writer.removeAll()
        writer.number(8)
        #expect(writer.bytes == Array("8".utf8))
    }

    @Test("Every character is written so that it is read again, wherever it stands in a string of any length")
    func everyPlace() throws {
        for length in 0..<36 {
            for position in 0...length {
                for scalar in Array(0..<0x80) + [0x80, 0xFF, 0x7FF, 0x800, 0xFFFD, 0x1F600] {
                    let plain = String(repeating: "a", count: position)
                    let rest = String(repeating: "~", count: length - position)
                    let value = plain + String(try #require(Unicode.Scalar(scalar))) + rest
                    let written = text { $0.string(value) }
                    #expect(try JSONValue(parsing: written) == .string(value))
                }
            }
        }
    }

    @Test("Numbers of every length have all their digits")
    func digits() {
        var number = 1
        for _ in 0..<19 {
            for value in [number, number - 1, -number, number + 7] {
                #expect(text { $0.number(value) } == String(value))
            }
            number = number &* 10
        }
        #expect(text { $0.number(Int.max) } == String(Int.max))
    }
}
