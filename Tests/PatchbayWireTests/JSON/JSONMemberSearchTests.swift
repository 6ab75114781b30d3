import PatchbayWire
import Testing

@Suite("Members found by name without parsing")
struct JSONMemberSearchTests {
    private let search = JSONMemberSearch("finish_reason", "usage", "error")

    private func isWithout(_ text: String) -> Bool {
        Array(text.utf8).withUnsafeBytes { search.isObjectWithout($0) }
    }

    @Test("A member that is there and not null is found, at any depth", arguments: ["finish_reason", "usage", "error"])
    func values(name: String) {
        for value in ["{}", "[]", "0", "\"\"", "false", "true", "{\"a\":null}"] {
            #expect(!isWithout("{\"\(name)\":\(value)}"))
            #expect(!isWithout("{\"choices\":[{\"index\":0, \"\(name)\" : \(value) }]}"))
        }
        #expect(isWithout("{\"\(name)\":null}"))
        #expect(isWithout("{\"choices\":[{\"\(name)\" : null},{}]}"))
        #expect(!isWithout("{\"\(name)\":null,\"a\":{\"\(name)\":1}}"))
    }

    @Test("Longer and shorter names, and strings that say the same, are something else")
    func otherNames() {
        for name in ["finish_reasons", "finish", "usag", "usages", "errors", "err", "user", "xusage", ""] {
            #expect(isWithout("{\"choices\":[{\"index\":0}],\"\(name)\":1}"), "\(name)")
        }
        #expect(isWithout(#"{"content":"usage","a":["error",{"b":"finish_reason"}]}"#))
        #expect(isWithout(#"{"content":"she said \"usage\": 5"}"#))
    }

    @Test("A key with escapes is not read, so it is not passed over")
    func escapedKeys() {
        #expect(!isWithout(#"{"us\u0061ge":1}"#))
        #expect(isWithout(#"{"us\u0061ge":null}"#))
    }

    @Test("Only one whole object is passed over")
    func malformed() {
        let whole = #" {"choices":[{"delta":{"content":"a"},"finish_reason":null}],"usage":null} "#
        #expect(isWithout(whole))
        let bytes = Array(whole.utf8)
        for length in 0..<bytes.count - 1 {
            // A copy of exactly this length, so that a sanitizer sees a read behind its end.
            let part = Array(bytes[..<length])
            #expect(!part.withUnsafeBytes { search.isObjectWithout($0) }, "cut at \(length)")
        }
        for text in ["[]", "null", "1", "\"{}\"", "{}{}", "{} x", "{\"a\":}", "{'a':1}"] { #expect(!isWithout(text), "\(text)") }
    }
}
