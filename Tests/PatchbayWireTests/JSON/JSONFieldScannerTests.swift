import PatchbayWire
import Testing

@Suite("JSON field scanner")
struct JSONFieldScannerTests {
    @Test("Fields of a request are found with kind and place")
    func request() throws {
        let text = Array(
            (#" {"messages":[{"model":"inner"}],"model" : "gpt\u002d5", "stream":true,"#
                + #""n":2,"stream_options":{"a":[]}} "#).utf8)
        var scanner = JSONFieldScanner(["model", "stream", "stream_options", "user", "n"])
        try text.withUnsafeBytes { bytes in
            try scanner.scan(bytes)
            #expect(scanner[0]?.string(in: bytes) == "gpt-5")
            #expect(scanner[0]?.hasEscapes == true)
            #expect(scanner[1]?.boolValue == true)
            #expect(scanner[2]?.kind == .object)
            #expect(scanner[2].map { $0.bytes(in: bytes).elementsEqual(#"{"a":[]}"#.utf8) } == true)
            #expect(scanner[3] == nil)
            #expect(scanner[4]?.int(in: bytes) == 2)
            #expect(scanner[4]?.string(in: bytes) == nil)
        }
    }

    /// What a scanner says of a document: kinds, values and whether they have escapes, or the refusal.
    private func said(_ scanner: inout JSONFieldScanner, _ text: [UInt8]) -> Result<[String?], JSONError> {
        text.withUnsafeBytes { bytes in
            Result { () throws(JSONError) in
                try scanner.scan(bytes)
                return scanner.names.indices.map { index in
                    scanner[index].map {
                        "\($0.kind) \($0.hasEscapes) \(String(decoding: $0.bytes(in: bytes), as: UTF8.self))"
                    }
                }
            }
        }
    }

    @Test("With a probe it says the same")
    func probed() throws {
        let names: [StaticString] = ["a", "b", "key", "model", "long name of more than sixteen bytes"]
        var plain = JSONFieldScanner(names)
        var fast = JSONFieldScanner(names, probe: JSONProbe(names.map { .value($0) }))
        let values = [
            "1", "-0.5e1", "null", "true", "false", #""x""#, #""\u0078\n""#, "[]", "{}", #"[{"a":[1,{"b":2}]},3]"#,
            #"{"a":{"b":[]},"x":"} ]"}"#, "\"\(String(repeating: "longer than a block ", count: 5))\"", "[1,]",
            "01", #""open"#, "tru",
        ]
        var random = SeededRandom(seed: 11)
        for _ in 0..<4000 {
            let count = random.below(5)
            let members = (0..<count).map { _ in
                let name = random.below(6)
                let text = name < names.count ? "\(names[name])" : #"\u0061"#
                return "\"\(text)\"\(random.below(3) == 0 ? " " : ""):\(values[random.below(values.count)])"
            }
            let text = Array("{\(members.joined(separator: random.below(4) == 0 ? " ,\n" : ","))}".utf8)
            #expect(said(&fast, text) == said(&plain, text), "\(String(decoding: text, as: UTF8.self))")
            let cut = Array(text[..<random.below(text.count)])
            #expect(said(&fast, cut) == said(&plain, cut))
        }
        let brackets = String(repeating: "[", count: 100) + String(repeating: "]", count: 100)
        let deep = Array("{\"a\":\(brackets)}".utf8)
        #expect(said(&fast, deep) == said(&plain, deep))
    }

    @Test("Only the outermost object counts, and of duplicates the last")
    func duplicates() throws {
        let text = Array(#"{"model":"a","x":{"model":"c"},"m\u006fdel":"b"}"#.utf8)
        try text.withUnsafeBytes { bytes in
            let fields = try JSONFieldScanner.scanTopLevel(bytes, names: ["model"])
            #expect(fields[0]?.string(in: bytes) == "b")
        }
    }

    @Test("A document that is no object is refused", arguments: ["[]", "1", "\"model\"", "null", " [{}]"])
    func otherKinds(_ text: String) {
        Array(text.utf8).withUnsafeBytes { bytes in
            let error = #expect(throws: JSONError.self) { try JSONFieldScanner.scanTopLevel(bytes, names: []) }
            #expect(error?.code == .notAnObject)
        }
    }

    @Test("An error forgets the fields found before it")
    func error() throws {
        var scanner = JSONFieldScanner(["model"])
        try Array(#"{"model":"a"}"#.utf8).withUnsafeBytes { try scanner.scan($0) }
        #expect(scanner[0] != nil)
        Array(#"{"model":"a",}"#.utf8).withUnsafeBytes { bytes in
            _ = #expect(throws: JSONError(.unexpectedByte, at: 13)) { try scanner.scan(bytes) }
        }
        #expect(scanner[0] == nil)
    }

    @Test("Scanner, tape and patch accept the same documents", arguments: 0..<200 as Range<UInt64>)
    func agreement(_ seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var text = RandomDocument(seed: seed, isObject: true).text
        for _ in 0..<20 {
            text.withUnsafeBytes { bytes in
                var tape = JSONTape()
                let parsed = Result { try tape.parse(bytes) }
                let scanned = Result { try JSONFieldScanner.scanTopLevel(bytes, names: ["model", "a"]) }
                var copy: [UInt8] = []
                let patched = Result { try JSONPatch.apply([], to: bytes, into: &copy) }
                let isObject = (try? parsed.get()) != nil && tape.kind(tape.root) == .object
                #expect(isObject == ((try? scanned.get()) != nil))
                #expect(isObject == ((try? patched.get()) != nil))
                if isObject {
                    #expect(copy.elementsEqual(bytes))
                    let field = (try? scanned.get())?[1]
                    #expect(field?.span == tape.member(tape.root, named: "a").map(tape.span))
                }
            }
            text[random.below(text.count)] = UInt8(truncatingIfNeeded: random.next())
        }
    }

    @Test("The depth bound counts the outermost object")
    func depth() throws {
        let text = Array(#"{"a":[[1]]}"#.utf8)
        try text.withUnsafeBytes { bytes in
            var scanner = JSONFieldScanner(["a"], maxDepth: 3)
            try scanner.scan(bytes)
            var shallow = JSONFieldScanner(["a"], maxDepth: 2)
            #expect(throws: JSONError(.tooDeep, at: 6)) { try shallow.scan(bytes) }
        }
    }
}
