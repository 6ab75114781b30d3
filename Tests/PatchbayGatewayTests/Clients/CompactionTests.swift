import PatchbayStore
import PatchbayWire
import Testing

@testable import PatchbayGateway

/// Summaries that stand for conversations.
@Suite struct CompactionTests {
    private let seal: CompactionSeal
    private let other: CompactionSeal

    init() throws {
        let key = try SealingKey(bytes: [UInt8](repeating: 7, count: 32))
        seal = CompactionSeal(key: key, owner: "a")
        other = CompactionSeal(key: key, owner: "b")
    }

    private func opened(_ body: String, with seal: CompactionSeal) throws -> JSONValue? {
        try Array(body.utf8).withUnsafeBytes { try seal.opened($0) }.map { try JSONValue(parsing: $0) }
    }

    @Test func whatIsSealedOpensForItsOwnerOnly() throws {
        let sealed = try seal.sealed("It was \"so\".")
        let body = #"{"model":"m","input":[{"role":"user","content":"x"},{"type":"compaction","encrypted_content":""#
            + sealed + #""}]}"#
        let plain = try #require(try opened(body, with: seal))
        #expect(plain["input"]?[0] == ["role": "user", "content": "x"] && plain["model"] == "m")
        let message = plain["input"]?[1]
        #expect(message?["role"] == "user" && message?["content"]?.stringValue?.hasSuffix("\n\nIt was \"so\".") == true)
        #expect(throws: GatewayError.self) { try opened(body, with: other) }
        let damaged = body.replacing(sealed.suffix(6), with: "AAAAAA")
        #expect(throws: GatewayError.self) { try opened(damaged, with: seal) }
        #expect(throws: GatewayError.self) { try opened(body.replacing(sealed.suffix(6), with: "$"), with: seal) }
    }

    @Test(arguments: [
        #"{"input":"x"}"#, "{}", "[]", "{", #"{"input":[{"type":"compaction","encrypted_content":"gAAAA"}]}"#,
        #"{"input":[{"role":"user","content":"pb1:patchbay:compaction::x"}]}"#,
    ])
    func whatIsNoneOfOursStays(body: String) throws {
        #expect(try opened(body, with: seal) == nil)
    }

    @Test func everyLengthSurvives() {
        for count in 0..<70 {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ count) }
            #expect(Base64URL.bytes(Base64URL.text(bytes)) == bytes)
        }
        #expect(Base64URL.bytes("a+b/") == nil)
    }

    @Test func theTranscriptHasEveryItemButReasoning() throws {
        let body = """
            {"model":"m","service_tier":"flex","tools":[],"input":[
            {"role":"user","content":[{"type":"input_text","text":"look"},{"type":"input_image","image_url":"data:x"}]},
            {"type":"reasoning","summary":[],"encrypted_content":"s"},
            {"type":"function_call","call_id":"c","name":"read","arguments":"{\\"p\\":1}"},
            {"type":"function_call_output","call_id":"c","output":"seven"},
            {"type":"custom_tool_call","call_id":"d","name":"run","input":"ls"},
            {"type":"web_search_call","id":"ws","status":"completed"},
            {"role":"assistant","content":"done"}]}
            """
        let request = try #require(Array(body.utf8).withUnsafeBytes { CompactionRequest($0) })
        let made = try JSONValue(parsing: request.body)
        #expect(made["model"] == "m" && made["store"] == false && made["service_tier"] == "flex" && made["tools"] == nil)
        let transcript = try #require(made["input"]?[0]?["content"]?.stringValue)
        for words in [
            "[user]\nlook\n(input_image)", "[call of read]\n{\"p\":1}", "[result]\nseven", "[call of run]\nls",
            "web_search_call", "[assistant]\ndone",
        ] { #expect(transcript.contains(words)) }
        #expect(!transcript.contains("reasoning"))
        #expect(request.kept.count == 1 && request.kept[0]["role"] == "user")
        #expect(Array(#"{"model":"m","input":[]}"#.utf8).withUnsafeBytes { CompactionRequest($0) } == nil)
    }

    @Test(arguments: [
        (#"{"status":"completed","output":[{"type":"message","content":[{"type":"output_text","text":"s"}]}]}"#, "s"),
        (#"{"status":"incomplete","output":[{"type":"message","content":[{"type":"output_text","text":"s"}]}]}"#, nil),
        (#"{"status":"completed","output":[{"type":"message","content":[{"type":"refusal","refusal":"no"}]}]}"#, nil),
        (#"{"status":"completed","output":[]}"#, nil), ("{", nil),
    ] as [(String, String?)])
    func onlyACompleteSummaryIsOne(response: String, summary: String?) {
        #expect(CompactionAnswer.summary(of: Array(response.utf8)) == summary)
    }
}
