import PatchbayWire
import Testing

struct JSONGlanceTests {
    private func isObject(_ text: String) -> Bool {
        Array(text.utf8).withUnsafeBytes { JSONGlance.isObject($0) }
    }

    @Test(arguments: ["{}", " {\"a\":[1,2,{\"b\":null}]}\n", "\t{\"a\":\"\\u00e9\\n\"}", "{\"a\":1,\"a\":2}"])
    func acceptsOneObject(text: String) {
        #expect(isObject(text))
    }

    @Test(arguments: [
        "", " ", "[]", "null", "\"{}\"", "1", "{", "}", "{}}", "{} {}", "{\"a\"}", "{\"a\":1,}", "{\"a\":01}", "{'a':1}",
        "{\"a\":\"b}", "{\"a\":\"\n\"}", "{\"a\":tru}", "data: {}", "{a:1}",
    ])
    func refusesEverythingElse(text: String) {
        #expect(!isObject(text))
    }

    @Test func anObjectThatIsCutAnywhereIsNone() {
        let text = "{\"id\":\"c\",\"choices\":[{\"delta\":{\"content\":\"a\\\"b\"},\"index\":0}],\"n\":-1.5e3}"
        for count in 0..<text.utf8.count { #expect(!isObject(String(text.prefix(count)))) }
        #expect(isObject(text))
    }
}
