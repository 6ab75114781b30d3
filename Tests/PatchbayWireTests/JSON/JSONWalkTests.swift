import Testing

@testable import PatchbayWire

@Suite struct JSONWalkTests {
    private func members(_ text: String) throws(JSONError) -> [String] {
        try Array(text.utf8).withDocument { bytes throws(JSONError) in
            var seen: [String] = []
            try JSONWalk.members(of: bytes) { member in
                let name = ["a", "b", "naïve"].first { member.isNamed(StaticString.known($0)) } ?? "?"
                seen.append("\(name)=\(String(decoding: member.field.bytes(in: bytes), as: UTF8.self))")
            }
            return seen
        }
    }

    private func elements(_ text: String) throws(JSONError) -> [String] {
        try Array(text.utf8).withDocument { bytes throws(JSONError) in
            var seen: [String] = []
            try JSONWalk.elementMembers(of: bytes) { position, member in
                seen.append("\(position):\(member.isNamed("a"))")
            } end: { position in
                seen.append("end \(position)")
            }
            return seen
        }
    }

    @Test func everyMemberIsSeenInItsOrder() throws {
        #expect(
            try members(#" {"b" : [1,{"a":2}], "\u0061":"x\"y", "c":{}} "#) == [
                "b=[1,{\"a\":2}]", "a=\"x\\\"y\"", "?={}",
            ])
        #expect(try members(#"{"naïve":null,"na\u00efve":1}"#) == ["naïve=null", "naïve=1"])
        #expect(try members("{}").isEmpty)
    }

    @Test func membersOfElementsAreSeenWithTheirPosition() throws {
        #expect(
            try elements(#"[{"a":1,"b":2}, 7, {}, {"a":[{}]}]"#) == [
                "0:true", "0:false", "end 0", "end 1", "end 2", "3:true", "end 3",
            ])
        #expect(try elements(" [ ] ").isEmpty)
    }

    @Test(arguments: [
        "", "[]", "{", #"{"a"}"#, #"{"a":}"#, #"{"a":1,}"#, #"{"a":1} x"#, #"{"a":01}"#, "{\"a\":\"\u{1}\"}",
        #"{"a":[}"#,
    ])
    func whatIsNoObjectIsRefused(text: String) {
        #expect(throws: JSONError.self) { try members(text) }
    }

    @Test(arguments: ["", "{}", "[", "[1,]", "[1 2]", #"[{"a":1]"#, #"[{"a" 1}]"#, "[] x", "[,1]"])
    func whatIsNoArrayIsRefused(text: String) {
        #expect(throws: JSONError.self) { try elements(text) }
    }

    @Test func everyCutOfADocumentIsRefused() throws {
        let text = #"[{"a":"x\u00e9","b":[1.5e3,true,null]},{"a":{}}]"#
        for count in 0..<text.utf8.count {
            #expect(throws: JSONError.self) { try elements(String(decoding: text.utf8.prefix(count), as: UTF8.self)) }
        }
        #expect(try elements(text).count == 5)
    }
}

extension StaticString {
    fileprivate static func known(_ name: String) -> StaticString {
        switch name {
        case "a": "a"
        case "b": "b"
        default: "naïve"
        }
    }
}

extension [UInt8] {
    /// `withUnsafeBytes` that keeps the type of the error.
    func withDocument<Value>(
        _ body: (UnsafeRawBufferPointer) throws(JSONError) -> Value
    ) throws(JSONError) -> Value {
        let result: Result<Value, JSONError> = withUnsafeBytes { bytes in
            do throws(JSONError) { return .success(try body(bytes)) } catch { return .failure(error) }
        }
        return try result.get()
    }
}
