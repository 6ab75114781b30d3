import PatchbayWire
import Testing

@Suite("Documents read in place")
struct JSONNodeTests {
    /// What a reader sees of a value, written down as a tree.
    private func seen(_ value: JSONNode) -> JSONValue {
        if let text = value.stringValue { return .string(text) }
        if value.isArray { return .array(value.elements.map { seen($0) }) }
        if value.isObject {
            return .object(
                JSONObject(value.members.map { JSONObject.Member(key: $0.name.text, value: seen($0.value)) }))
        }
        if let flag = value.boolValue { return .bool(flag) }
        return value.tree
    }

    private func read<Result>(_ text: [UInt8], _ body: (JSONNode) -> Result) throws -> Result {
        try JSONNode.with(text, malformed: { $0 as any Error }, body)
    }

    @Test("A place on a tape and a tree say the same of any document")
    func agreement() throws {
        for seed in 0..<400 {
            let document = RandomDocument(seed: UInt64(seed))
            let (tree, walked) = try read(document.text) { ($0.tree, seen($0)) }
            #expect(tree == document.value, "seed \(seed)")
            #expect(walked == document.value, "seed \(seed)")
        }
    }

    @Test("Members are found by name, of duplicates the last")
    func members() throws {
        let text = #"{"a":1,"b":{"c":[true,"x"]},"a":2,"d\u0065":"y","n":null}"#
        try read(Array(text.utf8)) { node in
            #expect(node["a"]?.intValue == 2)
            #expect(node["b"]?["c"]?.elements.first?.boolValue == true)
            #expect(node["b"]?["c"]?.childCount == 2)
            #expect(node["b"]?.members.first?.name.equals("c") == true)
            #expect(node.members.map(\.name.text) == ["a", "b", "a", "de", "n"])
            #expect(node["de"]?.stringValue == "y")
            #expect(node["n"]?.tree == .null)
            #expect(node["z"] == nil)
            #expect(node["a"]?["z"] == nil)
            #expect(node.stringValue == nil)
            #expect(node["a"]?.elements.first == nil && node["a"]?.members.first == nil)
            #expect(node["de"]?.equals("y") == true && node["a"]?.equals("2") == false)
        }
    }

    @Test("What is no JSON is an error")
    func malformed() {
        #expect(throws: JSONError.self) { try read(Array("{".utf8)) { _ in } }
    }
}
