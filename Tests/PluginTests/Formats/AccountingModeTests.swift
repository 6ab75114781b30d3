import CanonicalChat
import Testing

@testable import FormatAnthropicMessages
@testable import FormatOpenAIChat

/// What a decoder tells when it only taps, because the frames themselves are passed on to a client of the same format.
@Suite("Accounting mode")
struct AccountingModeTests {
    private let start = #"{"type":"message_start","message":{"id":"m","model":"x","usage":{"input_tokens":1}}}"#
    private let announced = #"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#

    private func chat(_ frames: [String]) -> [AnswerEvent] {
        var decoder = ChatStreamDecoder(Formats.context { $0.tap = true })
        var events: [AnswerEvent] = []
        for data in frames { events += decoder.take(TestFrame(data: data)) }
        return events
    }

    private func messages(_ frames: [String]) -> [AnswerEvent] {
        var decoder = MessagesStreamDecoder(Formats.context { $0.tap = true })
        var events: [AnswerEvent] = []
        for data in frames { events += decoder.take(TestFrame(data: data)) }
        return events
    }

    private func delta(_ text: String) -> String {
        #"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"\#(text)"}}"#
    }

    @Test("A frame that is no JSON ends the stream before it is passed on, wherever it stands")
    func brokenFrame() {
        for broken in [#"{"id":"c","cho"#, "{}}", "hello", #"{"a":"b}"#, "{\"a\":1,}"] {
            for before in 0...2 {
                let sound = Array(repeating: Formats.chunk(#"{"content":"a"}"#), count: before)
                #expect(chat(sound + [broken]).last?.clean == false, "\(broken) after \(before)")
                let frames = [start, announced] + Array(repeating: delta("a"), count: before)
                #expect(messages(frames + [broken]).last?.clean == false, "\(broken) after \(before)")
            }
        }
    }

    @Test("A role without text is no content, and neither is the announcement of an empty block")
    func nothingYet() {
        #expect(!chat([Formats.chunk(#"{"role":"assistant","content":""}"#)]).types.contains(.partOpen))
        #expect(!messages([start, announced, #"{"type":"ping"}"#, delta("")]).types.contains(.partOpen))
    }

    @Test("The first piece of any block tells that the answer has begun, once")
    func begun() {
        #expect(messages([start, announced, delta("a"), delta("b")]).types.count { $0 == .partOpen } == 1)
        for block in [
            #"{"type":"tool_use","id":"t","name":"f","input":{}}"#, #"{"type":"redacted_thinking","data":"x"}"#,
            #"{"type":"text","text":"a"}"#, #"{"type":"thinking","thinking":"a","signature":""}"#, #"{"type":"new"}"#,
        ] {
            let frame = #"{"type":"content_block_start","index":0,"content_block":\#(block)}"#
            #expect(messages([start, frame, delta("b")]).types.count { $0 == .partOpen } == 1, "\(block)")
        }
    }
}
