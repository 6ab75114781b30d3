import PatchbayPlugin
import PatchbayWire
import Testing

@testable import CanonicalChat
@testable import FormatOpenAIChat

@Suite("Reasoning between think tags")
struct ThinkTagTests {
    private func pieces(_ deltas: [String]) -> (reasoning: String, text: String) {
        var splitter = ThinkTagSplitter()
        let all = deltas.flatMap { splitter.add($0) } + splitter.finish()
        var (reasoning, text) = ("", "")
        for piece in all {
            switch piece {
            case .reasoning(let more): reasoning += more
            case .text(let more): text += more
            }
        }
        return (reasoning, text)
    }

    @Test(
        "E-36 tags are found however the deltas cut them",
        arguments: [
            ("<think>hm</think>\n\nhello", "hm", "hello"), ("\n<think>\nhm\n</think>hello", "hm\n", "hello"),
            ("hello <think>no</think>", "", "hello <think>no</think>"), ("<think>never closed", "never closed", ""),
            ("<think></think>hello", "", "hello"), ("<thin", "", "<thin"), ("<thinking>x", "", "<thinking>x"),
            ("<think>a < b </thin k</think>c", "a < b </thin k", "c"), ("", "", ""), ("   ", "", "   "),
            ("<think>a</think>b</think>", "a", "b</think>"), ("```\n<think>\n```", "", "```\n<think>\n```"),
        ])
    func everyCut(whole: String, reasoning: String, text: String) {
        #expect(pieces([whole]) == (reasoning, text))
        #expect(pieces(whole.map { String($0) }) == (reasoning, text))
        for cut in whole.indices {
            #expect(pieces([String(whole[..<cut]), String(whole[cut...])]) == (reasoning, text))
        }
    }

    @Test("E-36 a stream and a document are split alike, and only where the profile says so")
    func streamAndDocument() throws {
        let whole = "<think>hm</think>hello"
        let document: JSONValue = [
            "choices": [["index": 0, "message": ["role": "assistant", "content": .string(whole)], "finish_reason": "stop"]]
        ]
        for tags in [true, false] {
            let context = Formats.context { $0.profile.thinkTags = tags }
            var decoder = ChatStreamDecoder(context)
            let frames = ["<thi", "nk>h", "m</", "think>hel", "lo"].map {
                Formats.chunk(#"{"content":"\#($0)"}"#)
            }
            let streamed = decoder.takeAll(data: frames + [Formats.chunk("{}", finish: "stop")]).folded.response
            let read = try ChatResponseReader.read(document, context: context)
            #expect(streamed.choices[0].parts == read.choices[0].parts)
            let expected: [CanonicalPart] =
                tags
                ? [CanonicalPart(.reasoning(CanonicalReasoning(text: "hm"))), CanonicalPart(.text("hello"))]
                : [CanonicalPart(.text(whole))]
            #expect(read.choices[0].parts == expected)
        }
    }
}

@Suite("Members of an answer without events of their own")
struct CanonicalMemberTests {
    @Test("E-38 probabilities of tokens survive a stream, empty lists too")
    func logprobs() throws {
        func chunk(_ text: String, _ content: String) -> String {
            #"{"id":"c","model":"m","service_tier":"default","system_fingerprint":"fp","choices":[{"index":0,"delta":{"content":"\#(text)"},"logprobs":{"content":\#(content),"refusal":null},"finish_reason":null}]}"#
        }
        let events = Formats.decodeChat([
            chunk("a", #"[{"token":"a","logprob":-0.5,"bytes":null,"top_logprobs":[]}]"#), chunk("", "[]"),
            chunk("b", #"[{"token":"b","logprob":-9999.0,"bytes":[98],"top_logprobs":[]}]"#),
            Formats.chunk("{}", finish: "stop"),
        ])
        let response = events.folded.response
        let tokens = response.choices[0].logprobs?["content"]?.arrayValue?.map { $0["token"]?.stringValue ?? "" }
        #expect(tokens == ["a", "b"])
        #expect(response.serviceTier == "default")
        #expect(response.native?.members["system_fingerprint"] == "fp")
        var encoder = ChatStreamEncoder(Formats.context())
        var decoder = ChatStreamDecoder(Formats.context())
        let again = decoder.takeAll(TestFrame.all(encoder.text(events))).folded.response
        #expect(again.choices[0].logprobs?["content"] == response.choices[0].logprobs?["content"])
    }
}
