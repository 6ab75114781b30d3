import NIOCore
import Testing

@testable import PatchbayGateway

@Suite("Tokens that are reserved")
struct TokenReservationTests {
    private func reservation(_ text: String) -> TokenReservation {
        let body = ByteBuffer(string: text)
        var scanner = RequestFields.scanner
        let fields = try? RequestFields(scanning: body, with: &scanner, defaultModel: "m")
        return TokenEstimate.reservation(body, fields ?? RequestFields())
    }
    private func tokens(_ text: String) -> Int { reservation(text).prompt }

    @Test("Text is a fourth of its bytes")
    func text() {
        #expect(tokens("") == 1)
        #expect(tokens(String(repeating: "a", count: 400)) == 101)
        let long = #"{"messages":[{"content":""# + String(repeating: "one two ", count: 10_000) + #""}]}"#
        #expect((19_000...21_000).contains(tokens(long)))
    }

    @Test("A file is not text")
    func file() {
        let image = #"{"url":"data:image/png;base64,"# + String(repeating: "iVBORw0KGgo", count: 100_000) + #""}"#
        #expect((1_000...1_100).contains(tokens(image)))
    }

    @Test("Every quote is found wherever the body ends", arguments: ["\"", "\"\"", "a", ""])
    func end(end: String) {
        #expect(tokens(String(repeating: "b c ", count: 5_000) + end) >= 5_000)
    }

    @Test(
        "The longest answer that the client wants is reserved with the prompt",
        arguments: [
            (#"{"model":"m","max_tokens":700}"#, 700), (#"{"max_completion_tokens":800,"model":"m"}"#, 800),
            (#"{"max_output_tokens":900}"#, 900), (#"{"max_tokens":10,"max_completion_tokens":20}"#, 20),
            (#"{"contents":[],"generationConfig":{"temperature":1,"maxOutputTokens":1000}}"#, 1000),
            (#"{"model":"m"}"#, 0), (#"{"max_tokens":null}"#, 0), (#"{"max_tokens":-5}"#, 0),
            (#"{"max_tokens":"many"}"#, 0), (#"{"messages":[{"max_tokens":5}]}"#, 0), ("no json", 0),
        ])
    func answer(body: String, expected: Int) {
        let found = reservation(body)
        #expect(found.answer == expected)
        #expect(found.prompt == body.utf8.count / 4 + 1 && found.total == found.prompt + expected)
    }

    @Test("An absurd wish does not overflow")
    func overflow() {
        let found = reservation(#"{"max_tokens":9223372036854775807}"#)
        #expect(found.answer == .max && found.total == .max)
    }
}
