import PatchbayWire
import Testing

@Suite("Members found by name without parsing")
struct JSONMemberSearchTests {
    private let search = JSONMemberSearch("finish_reason", "usage", "error")

    private func found(_ text: String) -> Bool {
        Array(text.utf8).withUnsafeBytes { search.hasValue(in: $0) }
    }

    @Test("A member that is there and not null is found, at any distance from the beginning")
    func values() {
        for padding in 0..<70 {
            let before = #"{"a":""# + String(repeating: "x", count: padding) + "\","
            for name in ["finish_reason", "usage", "error"] {
                #expect(found(before + "\"\(name)\":{}}"), "\(name) behind \(padding)")
                #expect(found(before + "\"\(name)\" : \"stop\"}"), "\(name) behind \(padding)")
                #expect(!found(before + "\"\(name)\":null}"), "\(name) behind \(padding)")
                #expect(!found(before + "\"\(name)\" : null,\"z\":1}"), "\(name) behind \(padding)")
            }
        }
    }

    @Test("Longer, shorter and escaped names are other names")
    func otherNames() {
        for name in ["finish_reasons", "finish", "usag", "usages", "errors", "err", "user", "end", "xusage", ""] {
            #expect(!found("{\"choices\":[{\"index\":0}],\"\(name)\":1}"), "\(name)")
        }
        #expect(!found(#"{"content":"she said \"usage\": 5"}"#))
        #expect(!found(""))
        #expect(!found("\""))
    }

    @Test("Several candidates in one block, the last of which counts")
    func crowded() {
        #expect(found(#"{"f":0,"u":0,"e":0,"fi":0,"us":0,"er":0,"usage":1}"#))
        #expect(!found(#"{"f":0,"u":0,"e":0,"fi":0,"us":0,"er":0,"usage":null}"#))
        #expect(found(#"{"usage":null,"finish_reason":null,"error":{"message":"no"}}"#))
    }

    @Test("A frame that is cut anywhere is read no further than it goes")
    func cuts() {
        let whole = Array(#"{"choices":[{"delta":{},"finish_reason":null}],"usage":{"total_tokens":1}}"#.utf8)
        for length in 0...whole.count {
            // A copy of exactly this length, so that a sanitizer sees a read behind its end.
            let part = Array(whole[..<length])
            let isFound = part.withUnsafeBytes { search.hasValue(in: $0) }
            // The name with its closing quote has to be there.
            #expect(isFound == (length >= whole.count - #":{"total_tokens":1}}"#.utf8.count), "cut at \(length)")
        }
    }
}
