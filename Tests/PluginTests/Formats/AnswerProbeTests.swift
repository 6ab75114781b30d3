import PatchbayPlugin
import PatchbayWire
import Testing

@testable import CanonicalChat
@testable import FormatAnthropicMessages
@testable import FormatOpenAIChat

/// The short way through an answer says what the long one says, or nothing.
@Suite("Answers as nearly all are")
struct AnswerProbeTests {
    private enum Said: Equatable {
        case nothing
        case events([AnswerEvent])
    }

    private func short(_ format: String, _ body: [UInt8]) -> Said {
        var events: [AnswerEvent] = []
        let isTaken = body.withUnsafeBytes { raw in
            format == "chat"
                ? ChatAnswerProbe.send(raw, to: &events) : MessagesAnswerProbe.send(raw, to: &events)
        }
        if !isTaken { #expect(events.isEmpty) }
        return isTaken ? .events(events) : .nothing
    }

    private func long(_ format: String, _ body: [UInt8]) -> Said {
        body.withUnsafeBytes { raw in
            let events = try? format == "chat" ? ChatFormat.tapResponse(raw) : MessagesFormat.tapResponse(raw)
            return events.map { .events($0) } ?? .nothing
        }
    }

    private func agree(_ format: String, _ body: [UInt8]) {
        let said = short(format, body)
        if said != .nothing { #expect(said == long(format, body), "\(String(decoding: body, as: UTF8.self))") }
    }

    /// Answers with every member that is looked for.
    private static let whole = [
        "chat": #"""
            {"id":"chatcmpl-1","object":"chat.completion","created":1763690000,"model":"m-1","choices":[{"index":0,
            "message":{"role":"assistant","content":"Hello \"there\" [{","refusal":null,"annotations":[]},
            "logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":312,"completion_tokens":60,"total_tokens":372,
            "prompt_cache_hit_tokens":3,"cached_tokens":4,"cache_creation_input_tokens":5,
            "prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0,"cache_write_tokens":7},
            "completion_tokens_details":{"reasoning_tokens":8}},"error":null,"service_tier":"default"}
            """#,
        "messages": #"""
            {"id":"msg_1","type":"message","role":"assistant","model":"m-1",
            "content":[{"type":"text","text":"Hi {[\\"}],"stop_reason":"end_turn","stop_sequence":null,"error":null,"usage":{"input_tokens":312,"output_tokens":60,
            "cache_creation_input_tokens":4,"cache_read_input_tokens":5,"cache_creation":{"input_tokens":9},
            "output_tokens_details":{"thinking_tokens":6}}}
            """#,
    ]

    @Test("An ordinary answer takes the short way", arguments: ["chat", "messages"])
    func ordinary(format: String) throws {
        let whole = Array(try #require(Self.whole[format]).utf8)
        #expect(short(format, whole) != .nothing)
        #expect(short(format, whole) == long(format, whole))
        let golden = Array(try Fixture.text("turn/\(format).response.json").utf8)
        #expect(short(format, golden) != .nothing)
        #expect(short(format, golden) == long(format, golden))
    }

    @Test("White space changes nothing", arguments: ["chat", "messages"])
    func pretty(format: String) throws {
        let golden = Fixture.pretty(try Fixture.json("turn/\(format).response.json"))
        #expect(short(format, Array(golden.utf8)) != .nothing)
        agree(format, Array(golden.utf8))
    }

    @Test("What is cut off anywhere is no answer", arguments: ["chat", "messages"])
    func cut(format: String) throws {
        let whole = Array(try #require(Self.whole[format]).utf8)
        for end in whole.indices { #expect(short(format, Array(whole[..<end])) == .nothing) }
    }

    @Test("Whatever byte is changed, both ways agree", arguments: ["chat", "messages"])
    func changed(format: String) throws {
        let whole = Array(try #require(Self.whole[format]).utf8)
        for position in whole.indices {
            for byte in Array(#""\{}[]:,01-.enx"#.utf8) + [0x0a, 0x00, 0xff] {
                var body = whole
                body[position] = byte
                agree(format, body)
            }
        }
    }

    @Test("Whatever token is put in the place of another, both ways agree", arguments: ["chat", "messages"])
    func replaced(format: String) throws {
        let whole = try #require(Self.whole[format])
        let values = [
            "null", "true", "-1", "1.0", "1e2", #""x""#, #""\u0078""#, "[]", "{}", "[{}]", "[1]", #"{"a":{}}"#,
        ]
        let tokens = [
            "null", "312", "60", "372", "0", "7", "8", #""stop""#, #""end_turn""#, #""chatcmpl-1""#, #""m-1""#,
            #""id""#, #""usage""#, #""choices""#, #""content""#, #""finish_reason""#, #""stop_reason""#, #""index""#,
            #""prompt_tokens""#, #""prompt_tokens_details""#, #""output_tokens""#, #""output_tokens_details""#,
        ]
        let names = [#""error""#, #""usage""#, #""model""#, #""i\u0064""#, #""index""#, #""prompt_tokens""#]
        for token in tokens {
            for value in values + names + ["", "null,null", #"null,"id":"y""#, #"1},{"index":1"#] {
                agree(format, Array(whole.replacing(token, with: value, maxReplacements: 1).utf8))
                agree(format, Array(whole.replacing(token, with: value).utf8))
            }
        }
    }

    @Test("Answers out of the ordinary are left to the long way")
    func odd() {
        let bodies = [
            "", "[]", "{}", "null", #"{"choices":[]}"#, #"{"id":"i","model":"m","choices":[{"finish_reason":"eos"}]}"#,
            #"{"id":"i","model":"m","choices":[{"finish_reason":"stop"},{"finish_reason":"stop"}]}"#,
            #"{"id":"i","model":"m","choices":[{"finish_reason":"stop"}],"error":{"message":"no"}}"#,
            #"{"id":"i","id":"j","model":"m","choices":[{"finish_reason":"stop"}]}"#,
            #"{"\u0069d":"i","model":"m","choices":[{"finish_reason":"stop"}]}"#,
            #"{"id":"i","model":"m","choices":[{"finish_reason":"stop"}],"usage":{"prompt_tokens":1.0}}"#,
            #"{"id":"i","model":"m","choices":[3,{"finish_reason":"stop"}]}"#,
            #"{"id":"i","model":"m","choices":{"finish_reason":"stop"}}"#,
            #"{"id":"i","model":"m","choices":[{"finish_reason":"stop"}]} x"#,
        ]
        for body in bodies { #expect(short("chat", Array(body.utf8)) == .nothing, "\(body)") }
        let plain = #"{"choices":[{"finish_reason":"length"}],"model":"m","usage":[],"id":"i"}"#
        #expect(short("chat", Array(plain.utf8)) == long("chat", Array(plain.utf8)))
        #expect(short("chat", Array(plain.utf8)) != .nothing)
    }
}
