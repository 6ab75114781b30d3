import PatchbayWire
import Testing

@Suite("JSON tape")
struct JSONTapeTests {
    @Test("Tape and tree agree", arguments: 0..<200 as Range<UInt64>)
    func agreesWithTree(_ seed: UInt64) throws {
        let document = RandomDocument(seed: seed)
        var tape = JSONTape()
        try document.text.withUnsafeBytes { bytes in
            try tape.parse(bytes)
            compare(tape, tape.root, document.value)
        }
    }

    private func compare(_ tape: JSONTape, _ index: JSONIndex, _ value: JSONValue) {
        #expect(tape.kind(index) == value.kind)
        switch value {
        case .null: #expect(tape.raw(index).elementsEqual("null".utf8))
        case .bool(let expected): #expect(tape.bool(index) == expected)
        case .number(let number): #expect(tape.raw(index).elementsEqual(number.lexeme.utf8))
        case .string(let text):
            #expect(tape.string(index) == text)
            #expect(Array(text.utf8).withUnsafeBytes { tape.equals(index, $0) })
            #expect(!tape.equals(index, "no such text"))
        case .array(let elements):
            let indices = Array(tape.elements(of: index))
            #expect(indices.count == elements.count)
            for (index, element) in zip(indices, elements) { compare(tape, index, element) }
        case .object(let object): compare(tape, index, object)
        }
    }

    private func compare(_ tape: JSONTape, _ index: JSONIndex, _ object: JSONObject) {
        let members = Array(tape.members(of: index))
        #expect(members.count == object.count)
        for (member, expected) in zip(members, object) {
            #expect(tape.string(member.key) == expected.key)
            compare(tape, member.value, expected.value)
        }
        for key in object.keys {
            let found = Array(key.utf8).withUnsafeBytes { tape.member(index, named: $0) }
            #expect(found.map { JSONValue(tape, $0) } == object[key])
        }
    }

    @Test("Members are found by name, the last of duplicates")
    func members() throws {
        let text = Array(#"{"a":1,"usage":{"n":{"x":null}},"\u0061":2,"s":"l\u00f6w"}"#.utf8)
        var tape = JSONTape()
        try text.withUnsafeBytes { bytes in
            try tape.parse(bytes)
            #expect(tape.member(tape.root, named: "a").flatMap(tape.int) == 2)
            #expect(tape.member(tape.root, path: "usage", "n", "x").map(tape.kind) == .null)
            #expect(tape.present(tape.root, named: "usage") != nil)
            #expect(tape.member(tape.root, named: "missing") == nil)
            let inner = try #require(tape.member(tape.root, path: "usage", "n"))
            #expect(tape.present(inner, named: "x") == nil)
            #expect(tape.member(tape.root, named: "s").map { tape.equals($0, "löw") } == true)
            #expect(tape.member(inner, named: "x").map { tape.member($0, named: "y") } == .some(nil))
        }
    }

    @Test("Containers end where they should when walked by hand")
    func walking() throws {
        let text = Array("[[],[1,[2]],{},3]".utf8)
        var tape = JSONTape()
        try text.withUnsafeBytes { bytes in
            try tape.parse(bytes)
            let spans = tape.elements(of: tape.root).map { String(decoding: tape.raw($0), as: UTF8.self) }
            #expect(spans == ["[]", "[1,[2]]", "{}", "3"])
            #expect(tape.next(tape.root) == nil)
            #expect(tape.first(JSONIndex(1)) == nil)
        }
    }

    @Test("Storage grows, is reused, and is given back")
    func storage() throws {
        var tape = JSONTape()
        for count in [3, 5000, 2, 1000] {
            let text = Array(("[" + (0..<count).map(String.init).joined(separator: ",") + "]").utf8)
            try text.withUnsafeBytes { bytes in
                try tape.parse(bytes)
                #expect(tape.count == count + 1)
                #expect(tape.elements(of: tape.root).map { tape.int($0) } == (0..<count).map { $0 })
                tape.reset(keeping: 128)
                #expect(tape.count == 0)
            }
        }
    }

    @Test("The number of tokens is bounded, and a failed parse leaves an empty tape")
    func bounds() throws {
        var tape = JSONTape()
        for (text, limit) in [("[1,2,3]", 3), ("[" + String(repeating: "1,", count: 300) + "1]", 301)] {
            try Array(text.utf8).withUnsafeBytes { bytes in
                #expect(throws: JSONError(.tooManyTokens, at: 0)) { try tape.parse(bytes, maxTokens: limit) }
                #expect(tape.count == 0)
                try tape.parse(bytes, maxTokens: limit + 1)
                #expect(tape.count == limit + 1)
            }
        }
    }

    @Test("Escapes are resolved, and a cut surrogate pair is reported")
    func escapes() {
        func raw<Result>(_ text: String, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
            Array(text.utf8).withUnsafeBytes(body)
        }
        var output: [UInt8] = []
        #expect(raw(#"\"\\\/\b\f\n\r\t\u0041\ud83d\ude00\ud83d!"#) { JSONEscape.unescape($0, into: &output) } == 1)
        #expect(output == Array("\"\\/\u{8}\u{C}\n\r\tA😀\u{FFFD}!".utf8))
        #expect(raw(#"x\ud83d"#, JSONEscape.trailingHighSurrogate) == 0xD83D)
        #expect(raw(#"x\\ud83d"#, JSONEscape.trailingHighSurrogate) == nil)
        #expect(raw(#"\ud83d\ude00"#, JSONEscape.trailingHighSurrogate) == nil)
        #expect(raw("ud83d", JSONEscape.trailingHighSurrogate) == nil)
    }
}
