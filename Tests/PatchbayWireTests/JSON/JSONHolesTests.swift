import PatchbayWire
import Testing

@Suite("Values that vary from one document to the next")
struct JSONHolesTests {
    private let names = JSONHoles(strings: ["text", "noise"], digits: ["n"], unless: ["error"])

    private func found(_ document: String) -> [String]? {
        let bytes = Array(document.utf8)
        return bytes.withUnsafeBytes { raw in
            names.find(in: raw)?.map { ($0.isString ? "s:" : "d:") + String(decoding: raw[$0.range], as: UTF8.self) }
        }
    }

    @Test("They are found at any depth, in the order of the document")
    func depth() {
        #expect(
            found(#"{"n": 12,"a":[{"text":"x\"y","b":{"noise":""}},"text"],"error":null}"#)
                == ["d:12", #"s:x\"y"#, "s:"])
        #expect(found(#"{"a":1}"#) == [])
    }

    @Test("Values of another kind are none")
    func kinds() {
        #expect(found(#"{"text":null,"noise":[],"n":"1"}"#) == [])
        #expect(found(#"{"text":{"text":"a"},"n":-1}"#) == ["s:a"])
        #expect(found(#"{"n":1.5}"#) == [])
        #expect(found(#"{"n":1e2}"#) == [])
    }

    @Test(
        "What is no object, or has a member that it may not have, is refused",
        arguments: [
            "", "[]", "{", "{} {}", #"{"text":"a"#, #"{"text":"a",}"#, #"{"error":1}"#, #"{"a":{"error":{}}}"#,
            #"{"error":"x","text":"a"}"#, #"{"\u0065rror":1}"#,
        ])
    func refused(document: String) {
        #expect(found(document) == nil)
    }
}
