import PatchbayWire
import Testing

@Suite("Arrays that arrive in pieces")
struct JSONArraySplitterTests {
    private func elements(_ text: String, cutAt split: Int? = nil, limit: Int = 1 << 20) throws -> [String] {
        var splitter = JSONArraySplitter(maxElementBytes: limit)
        let bytes = Array(text.utf8)
        let split = split ?? bytes.count
        var found: [String] = []
        for piece in [bytes[..<split], bytes[split...]] {
            try Array(piece).withUnsafeBytes { raw in
                try splitter.feed(raw) { found.append(String(decoding: $0, as: UTF8.self)) }
            }
        }
        return found
    }

    private let text = " \u{FEFF}[ {\"a\":\"]},\\\"{\"} ,\r\n[1,[2]],\"x,y\", 3 ,null\n] trailing"

    @Test("Elements are cut at their own borders, wherever the bytes are cut")
    func everyCut() throws {
        let expected = [#"{"a":"]},\"{"}"#, "[1,[2]]", #""x,y""#, "3", "null"]
        for split in 0...text.utf8.count {
            #expect(try elements(text, cutAt: split) == expected)
        }
    }

    @Test("An object is handed over before the comma behind it has come")
    func early() throws {
        #expect(try elements(#"[{"a":1}"#) == [#"{"a":1}"#])
        #expect(try elements(#"[{"a":1},{"b":"#) == [#"{"a":1}"#])
        #expect(try elements("[]").isEmpty)
        #expect(try elements("[}]") == ["}"])
    }

    @Test("What is no array, and what is too large, is refused")
    func refused() {
        #expect(throws: JSONArraySplitter.Failure.notAnArray) { try elements("{}") }
        #expect(throws: JSONArraySplitter.Failure.elementTooLarge) { try elements(#"["0123456789"]"#, limit: 8) }
        #expect(throws: JSONArraySplitter.Failure.elementTooLarge) { try elements("[[[[[[[[[[[[", limit: 8) }
    }
}
