import PatchbayWire
import Testing

@Suite("JSON patch")
struct JSONPatchTests {
    private func patch(_ document: String, _ operations: [JSONPatchOperation]) throws -> String {
        var output = Array("before|".utf8)
        try Array(document.utf8).withUnsafeBytes { try JSONPatch.apply(operations, to: $0, into: &output) }
        return String(String(decoding: output, as: UTF8.self).dropFirst(7))
    }

    private func set(_ path: String..., to value: String?) throws -> JSONPatchOperation {
        try JSONPatchOperation(path: path, value: value.map { Array($0.utf8) })
    }

    @Test("Everything else stays byte-identical")
    func replace() throws {
        let document = " {\r\n\"model\" :\t\"a\" , \"t\": 1.00, \"x\\u0079\":[ 1 ,2 ] } \n"
        #expect(
            try patch(document, [set("model", to: "\"b\"")])
                == " {\r\n\"model\" :\t\"b\" , \"t\": 1.00, \"x\\u0079\":[ 1 ,2 ] } \n")
        #expect(try patch(document, [set("xy", to: "{}")]).hasSuffix("\"x\\u0079\":{} } \n"))
        #expect(try patch(document, []) == document)
    }

    @Test(
        "Removing takes one comma with it",
        arguments: [
            (["a"], "{ \"b\" : 2 , \"c\":3 }"), (["b"], "{ \"a\":1 , \"c\":3 }"), (["c"], "{ \"a\":1, \"b\" : 2 }"),
            (["a", "b"], "{ \"c\":3 }"), (["b", "c"], "{ \"a\":1 }"), (["a", "c"], "{ \"b\" : 2 }"),
            (["a", "b", "c"], "{ }"), (["x"], "{ \"a\":1, \"b\" : 2 , \"c\":3 }"),
        ])
    func remove(_ names: [String], _ expected: String) throws {
        let operations = names.map { JSONPatchOperation($0, value: nil) }
        #expect(try patch("{ \"a\":1, \"b\" : 2 , \"c\":3 }", operations) == expected)
    }

    @Test("New members go behind the last")
    func add() throws {
        #expect(try patch("{}", [set("a", to: "1")]) == #"{"a":1}"#)
        #expect(try patch("{ }", [set("a", to: "1"), set("b\"", to: "2")]) == #"{"a":1,"b\"":2 }"#)
        #expect(try patch("{\"x\":0 }", [set("a", to: "1")]) == #"{"x":0,"a":1 }"#)
        #expect(try patch("{\"x\":0}", [set("x", to: nil), set("a", to: "1")]) == #"{"a":1}"#)
        #expect(try patch("{\"x\":0}", [set("a", to: "1"), set("a", to: "2")]) == #"{"x":0,"a":2}"#)
        #expect(try patch("{\"x\":0}", [set("a", to: "1"), set("a", to: nil)]) == #"{"x":0}"#)
    }

    @Test("Nested members are set, added and removed")
    func nested() throws {
        let on = try set("so", "u", to: "true")
        #expect(try patch(#"{"so":{ "u":false,"k":1}}"#, [on]) == #"{"so":{ "u":true,"k":1}}"#)
        #expect(try patch(#"{"so":{"k":1}}"#, [on]) == #"{"so":{"k":1,"u":true}}"#)
        #expect(try patch(#"{"so":{}}"#, [on]) == #"{"so":{"u":true}}"#)
        #expect(try patch(#"{"so":null}"#, [on]) == #"{"so":{"u":true}}"#)
        #expect(try patch(#"{"a":1}"#, [on]) == #"{"a":1,"so":{"u":true}}"#)
        let off = try set("so", "u", to: nil)
        #expect(try patch(#"{"so":{"u":1,"k":1}}"#, [off]) == #"{"so":{"k":1}}"#)
        #expect(try patch(#"{"so":{"u":1}}"#, [off]) == #"{"so":{}}"#)
        #expect(try patch(#"{"so":null,"a":1}"#, [off]) == #"{"so":null,"a":1}"#)
        #expect(try patch(#"{"so":3,"a":1}"#, [off]) == #"{"so":3,"a":1}"#)
        #expect(try patch(#"{"a":1}"#, [off]) == #"{"a":1}"#)
        #expect(throws: JSONError(.notAnObject, at: 6)) { try patch(#"{"so":[1]}"#, [on]) }
    }

    @Test("Later operations win over earlier ones")
    func order() throws {
        let whole = try set("so", to: #"{"x":1}"#)
        let nested = try set("so", "u", to: "2")
        #expect(try patch(#"{"so":{"k":0}}"#, [nested, whole]) == #"{"so":{"x":1}}"#)
        #expect(try patch(#"{"so":{"k":0}}"#, [whole, nested]) == #"{"so":{"x":1,"u":2}}"#)
        #expect(try patch(#"{}"#, [whole, nested]) == #"{"so":{"x":1,"u":2}}"#)
        #expect(try patch(#"{"so":{"k":0}}"#, [set("so", to: nil), nested]) == #"{"so":{"u":2}}"#)
        #expect(try patch(#"{"so":{"k":0}}"#, [nested, set("so", to: nil)]) == #"{}"#)
    }

    /// E-110
    @Test("Every occurrence of a duplicate name is changed")
    func duplicates() throws {
        let document = #"{"model":"a","mod\u0065l":"b","so":{"u":0,"u":1},"so":{}}"#
        let patched = try patch(document, [set("model", to: "9"), set("so", "u", to: "7")])
        #expect(patched == #"{"model":9,"mod\u0065l":9,"so":{"u":7,"u":7},"so":{"u":7}}"#)
        #expect(try patch(document, [set("model", to: nil), set("so", to: nil)]) == "{}")
    }

    @Test("Bad documents, values and paths are refused and leave the output alone")
    func refusals() throws {
        let good = try set("a", to: "1")
        for document in ["", "[]", "{", "{}x", #"{"a":1,}"#, #"{"a":{"b":tru}}"#] {
            var output: [UInt8] = [1, 2]
            Array(document.utf8).withUnsafeBytes { bytes in
                _ = #expect(throws: JSONError.self) { try JSONPatch.apply([good], to: bytes, into: &output) }
            }
            #expect(output == [1, 2])
        }
        for value in ["", "1 2", "{", "tru", "\"\n\""] {
            #expect(throws: JSONError(.invalidPatch, at: 0)) { try patch("{}", [set("a", to: value)]) }
        }
        #expect(throws: JSONError(.invalidPatch, at: 0)) { try JSONPatchOperation(path: [], value: nil) }
        #expect(throws: JSONError(.invalidPatch, at: 0)) { try JSONPatchOperation(path: ["a", "b", "c"], value: nil) }
        #expect(throws: JSONError(.invalidPatch, at: 0)) { try patch("{}", Array(repeating: good, count: 65)) }
        #expect(try patch("{}", Array(repeating: good, count: 64)) == #"{"a":1}"#)
    }

    @Test("Patching equals changing the tree", arguments: 0..<300 as Range<UInt64>)
    func equalsRebuild(_ seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let document = RandomDocument(seed: seed, isObject: true)
        let names = ["model", "stream", "a", "stream_options", "new"]
        let values: [JSONValue?] = [nil, 1, "x\"y", .null, ["include_usage": false, "z": [1]], []]
        var expected = Self.merged(document.value)
        var operations: [JSONPatchOperation] = []
        for _ in 0..<random.below(5) {
            let name = names[random.below(names.count)]
            let value = values[random.below(values.count)]
            if random.chance(40), Self.isObjectOrAbsent(document.value, expected, name) {
                operations.append(JSONPatchOperation(name, "include_usage", value: value?.serialised()))
                Self.setNested(&expected, name, value)
            } else {
                operations.append(JSONPatchOperation(name, value: value?.serialised()))
                expected[name] = value
            }
        }
        var output: [UInt8] = []
        try document.text.withUnsafeBytes { try JSONPatch.apply(operations, to: $0, into: &output) }
        let patched = Self.merged(try JSONValue(parsing: output))
        #expect(patched.objectValue?.asDictionary == expected.objectValue?.asDictionary)
    }

    /// Of duplicate names only the last, as readers see the document, two levels deep.
    private static func merged(_ value: JSONValue, depth: Int = 2) -> JSONValue {
        guard depth > 0, let object = value.objectValue else { return value }
        var result = JSONObject()
        for key in Set(object.keys).sorted() { result[key] = object[key].map { merged($0, depth: depth - 1) } }
        return .object(result)
    }

    private static func isObjectOrAbsent(_ original: JSONValue, _ current: JSONValue, _ name: String) -> Bool {
        let occurrences = original.objectValue?.members.filter { $0.key == name } ?? []
        return (occurrences.map(\.value) + [current[name] ?? .null]).allSatisfy { $0.isNull || $0.kind == .object }
    }

    private static func setNested(_ value: inout JSONValue, _ name: String, _ new: JSONValue?) {
        guard let new else {
            value[name]?["include_usage"] = nil
            return
        }
        if value[name]?.kind != .object { value[name] = .emptyObject }
        value[name]?["include_usage"] = new
    }

    @Test("A field found by a scan is replaced by its place")
    func replaceSpan() throws {
        try Array(#"{"model":"a","x":1}"#.utf8).withUnsafeBytes { bytes in
            let fields = try JSONFieldScanner.scanTopLevel(bytes, names: ["model"])
            let span = try #require(fields[0]?.span)
            var output: [UInt8] = []
            Array("\"longer\"".utf8).withUnsafeBytes { JSONPatch.replace(span, with: $0, in: bytes, into: &output) }
            #expect(output == Array(#"{"model":"longer","x":1}"#.utf8))
        }
    }
}

extension JSONObject {
    /// Members without their order; inner objects too.
    fileprivate var asDictionary: [String: String] {
        var result: [String: String] = [:]
        for member in self {
            let inner = member.value.objectValue.map { $0.asDictionary.sorted { $0.key < $1.key }.description }
            result[member.key] = inner ?? member.value.description
        }
        return result
    }
}
