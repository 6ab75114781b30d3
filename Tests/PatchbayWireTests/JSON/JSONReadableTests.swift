import PatchbayWire
import Testing

@Suite("Documents read in place")
struct JSONReadableTests {
    /// What a reader sees of a value, written down as a tree.
    private func seen<Value: JSONReadable>(_ value: Value) -> JSONValue {
        if let text = value.stringValue { return .string(text) }
        if let list = value.arrayValue { return .array(list.map { seen($0) }) }
        if let members = value.memberList {
            return .object(JSONObject(members.map { JSONObject.Member(key: $0.key, value: seen($0.value)) }))
        }
        if let flag = value.boolValue { return .bool(flag) }
        if let number = value.intValue { return .int(number) }
        return value.tree
    }

    private func read<Result>(_ text: [UInt8], _ body: (JSONNode) -> Result) throws -> Result {
        try text.withUnsafeBytes { try JSONNode.with($0, malformed: { $0 as any Error }, body) }
    }

    @Test("A place on a tape and a tree say the same of any document")
    func agreement() throws {
        for seed in 0..<400 {
            let document = RandomDocument(seed: UInt64(seed))
            let node = try read(document.text) { ($0.tree, seen($0)) }
            #expect(node.0 == document.value, "seed \(seed)")
            #expect(node.1 == seen(document.value), "seed \(seed)")
        }
    }

    @Test("Members are found by name, of duplicates the last")
    func members() throws {
        let text = #"{"a":1,"b":{"c":[true,"x"]},"a":2,"d\u0065":"y","n":null}"#
        let tree = try JSONValue(parsing: text)
        try read(Array(text.utf8)) { node in
            #expect(node["a"]?.intValue == 2)
            #expect(tree["a" as StaticString]?.intValue == 2)
            #expect(node["b"]?["c"]?.arrayValue?.first?.boolValue == true)
            #expect(node["b"]?["c"]?.arrayValue?.last?.stringValue == "x")
            #expect(node["de"]?.stringValue == "y")
            #expect(tree["de" as StaticString]?.stringValue == "y")
            #expect(node["n"]?.tree == .null)
            #expect(node["z"] == nil)
            #expect(node["a"]?["z"] == nil)
            #expect(node.stringValue == nil)
        }
    }

    @Test("What is no JSON is an error")
    func malformed() {
        #expect(throws: JSONError.self) { try read(Array("{".utf8)) { _ in } }
    }
}
