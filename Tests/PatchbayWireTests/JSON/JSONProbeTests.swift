import Testing

@testable import PatchbayWire

@Suite struct JSONProbeTests {
    private static let probe = JSONProbe([
        .value("a"), .object("b", [.value("a"), .object("c", [.value("d")])]), .array("e", [.value("a"), .value("f")]),
        .value("a longer name of more than eight bytes"),
    ])

    /// The values that were found, by number; nil if the document is odd.
    private func found(_ text: String, _ probe: JSONProbe = Self.probe) throws -> [String?]? {
        let bytes = Array(text.utf8)
        return try bytes.withUnsafeBytes { raw in
            try withUnsafeTemporaryAllocation(of: JSONField.self, capacity: probe.count) { room in
                let base = try #require(room.baseAddress)
                guard let present = probe.find(in: raw, base) else { return nil }
                return (0..<probe.count).map { id in
                    guard present & (1 << UInt32(id)) != 0 else { return nil }
                    let field = base[id]
                    guard !field.kind.isContainer else { return "\(field.kind)" }
                    return String(decoding: field.bytes(in: raw), as: UTF8.self)
                }
            }
        }
    }

    @Test func findsMembersWhereTheyBelong() throws {
        let document = #"""
             { "x" : {"a":0, "b":[{"a":0}]}, "a":1, "b": {"a":"two","c":{"a":0,"d":null},"f":3 },
               "e": [ {"b":{"a":0}, "f" : true, "a":-1.5} ] , "a longer name of more than eight bytes": [[],{"a":0}] }
            """#
        #expect(
            try found(document) == ["1", "object", "\"two\"", "object", "null", "array", "-1.5", "true", "array"])
        #expect(try found("{}") == [nil, nil, nil, nil, nil, nil, nil, nil, nil])
        #expect(try found(#"{"b":3,"e":{"a":1}}"#) == [nil, "3", nil, nil, nil, "object", nil, nil, nil])
        #expect(try found(#"{"b":[{"a":1}],"e":[]}"#) == [nil, "array", nil, nil, nil, "array", nil, nil, nil])
    }

    @Test(
        "what has more than one meaning, or is no object, is odd",
        arguments: [
            "", " ", "{", "}", "{}}", "{} x", #"{"a"}"#, #"{"a":}"#, #"{"a":1,}"#, #"{"x":[1,]}"#, #"{"x":[}"#, #"{,}"#,
            #"{"a":1,"a":2}"#, #"{"\u0061":1}"#, #"{"e":[{},{}]}"#, #"{"e":[1]}"#, #"{"e":[[]]}"#, "[]", "3",
            #"{"b":{"a":1,"a":1}}"#, #"{"b":{},"b":{}}"#,
        ])
    func odd(document: String) throws {
        #expect(try found(document) == nil)
    }

    @Test(
        "names within what is passed over mean nothing",
        arguments: [#"{"x":{"a":1,"a":2,"\u0061":{"e":[1]}}}"#, #"{"a":[{"a":1},{"a":2}]}"#, #"{"aa":1,"":2}"#])
    func passed(document: String) throws {
        #expect(try found(document) != nil)
    }

    /// Whatever the bytes, it takes what the other readers take, if it is an object and nothing in it is looked for.
    @Test func checksTheWholeDocument() {
        let probe = JSONProbe([.value("a name that no random document has")])
        var random = SeededRandom(seed: 7)
        var taken = 0
        for seed in 0..<1500 {
            var text = RandomDocument(seed: UInt64(seed), isObject: true).text
            if seed % 3 != 0, !text.isEmpty { text[random.below(text.count)] = UInt8(random.below(256)) }
            let isObject = text.withUnsafeBytes { JSONGlance.isObject($0) }
            let isFound = text.withUnsafeBytes { raw in
                withUnsafeTemporaryAllocation(of: JSONField.self, capacity: 1) { room in
                    room.baseAddress.map { probe.find(in: raw, $0) == 0 } ?? false
                }
            }
            // It is never more generous; only names with escapes make it stricter.
            if isFound { #expect(isObject) }
            if isObject, !text.contains(UInt8(ascii: "\\")) { #expect(isFound) }
            if isFound { taken += 1 }
        }
        #expect(taken > 100)
    }

    @Test(arguments: ["[[[[1]]]]", #"{"\u0061":"\n"}"#, #"["\ud83d\ude00", "long string of more than sixteen bytes"]"#])
    func cutAnywhereItIsNoDocument(value: String) throws {
        let text = "{\"x\":\(value),\"a\":[true,false,null,0,-0.5e+3,12]}"
        #expect(try found(text) != nil)
        for end in 0..<text.utf8.count {
            #expect(try found(String(decoding: text.utf8.prefix(end), as: UTF8.self)) == nil)
        }
    }

    @Test func deepDocumentsAreLeftToOthers() throws {
        for (depth, isFound) in [(62, true), (63, true), (64, false), (200, false)] {
            let text = "{\"x\":" + String(repeating: "[", count: depth) + String(repeating: "]", count: depth) + "}"
            #expect((try found(text) != nil) == isFound)
        }
    }

    @Test func readsPlainNumbersOnly() throws {
        let probe = JSONProbe([.value("n")])
        for (text, number, odd) in [
            ("0", 0, false), ("17", 17, false), ("999999999999999999", 999_999_999_999_999_999, false),
            ("1000000000000000000", nil, true), ("-1", nil, true), ("1.0", nil, true), ("1e3", nil, true),
            ("\"1\"", nil, true), ("null", nil, false), ("[1]", nil, true), ("true", nil, true),
        ] as [(String, Int?, Bool)] {
            let bytes = Array("{\"n\":\(text)}".utf8)
            try bytes.withUnsafeBytes { raw in
                try withUnsafeTemporaryAllocation(of: JSONField.self, capacity: 1) { room in
                    let base = try #require(room.baseAddress)
                    let fields = JSONProbeFields(base, present: try #require(probe.find(in: raw, base)), of: raw)
                    var isOdd = false
                    #expect(fields.plainInt(0, isOdd: &isOdd) == number)
                    #expect(isOdd == odd)
                }
            }
        }
    }
}
