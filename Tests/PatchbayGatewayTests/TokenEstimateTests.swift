import Testing

@testable import PatchbayGateway

@Suite("Token estimates")
struct TokenEstimateTests {
    private func tokens(_ text: String) -> Int {
        Array(text.utf8).withUnsafeBytes { TokenEstimate.tokens($0) }
    }

    /// Counts of a usual vocabulary, and how far the estimate may be off.
    @Test(
        "Texts are estimated within a quarter",
        arguments: [
            ("The quick brown fox jumps over the lazy dog.", 10),
            ("Antidisestablishmentarianism is a long word.", 11),
            ("func add(_ a: Int, _ b: Int) -> Int { return a + b }", 21),
            ("3.14159265358979", 9), ("敏捷的棕色狐狸跳过懒狗", 10),
        ])
    func texts(text: String, counted: Int) {
        let estimate = tokens(text)
        #expect(abs(estimate - counted) <= max(2, counted * 3 / 10), "\(text): \(estimate)")
    }

    @Test("Nothing costs nothing")
    func empty() {
        #expect(tokens("") == 0 && tokens("   ") == 0)
    }

    @Test("A request counts what the model reads, not the data of its images")
    func request() throws {
        let image = String(repeating: "A", count: 100_000)
        let canonical = """
            {"canon":1,"system":[{"role":"system","parts":[{"k":"text","text":"Be brief."}]}],"turns":[{"role":"user",\
            "parts":[{"k":"text","text":"What is this?"},{"k":"image","src":{"kind":"base64","data":"\(image)"}}]}],\
            "tools":[{"kind":"function","name":"look","schema":{"type":"object"}}]}
            """
        let count = try #require(TokenEstimate.request(Array(canonical.utf8)))
        #expect((TokenEstimate.image + 20)...(TokenEstimate.image + 60) ~= count)
        #expect(TokenEstimate.request(Array("[]".utf8)) == nil)
        #expect(TokenEstimate.request(Array("{".utf8)) == nil)
    }

    @Test("An answer counts text, reasoning and calls")
    func response() throws {
        let canonical = """
            {"canon":1,"choices":[{"index":0,"parts":[{"k":"reasoning","text":"hm hm"},{"k":"text","text":"hello"},\
            {"k":"tool_call","call_id":"c","name":"look","args_raw":"{}"}]}]}
            """
        let count = try #require(TokenEstimate.response(Array(canonical.utf8)))
        #expect(12...18 ~= count)
    }

    @Test("Bodies that no codec reads count by their texts, media by piece, names not at all")
    func body() {
        func tokens(_ body: String) -> Int { Array(body.utf8).withUnsafeBytes { TokenEstimate.body($0) } }
        #expect(tokens(#"{"contents":[{"role":"user","parts":[{"text":"twelve chars"}]}]}"#) == 2)
        #expect(tokens(#"{"contents":[{"parts":[{"text":"世界世界世界"}]}]}"#) == 5)
        let picture = #"{"contents":[{"parts":[{"inlineData":{"mimeType":"image/png","data":"AAAA"}}]}]}"#
        #expect(tokens(picture) == TokenEstimate.image)
        #expect(tokens("no json") == 0)
    }

    @Test("Frames that are passed on tell the length of their content by their size")
    func frames() {
        var sizes = FrameSizes()
        #expect(sizes.tokens == 0)
        sizes.add(160)
        for _ in 0..<100 { sizes.add(165) }
        sizes.add(12)
        #expect(100...125 ~= sizes.tokens)
    }
}
