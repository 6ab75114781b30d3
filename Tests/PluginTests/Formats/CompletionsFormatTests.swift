import Foundation
import PatchbayPlugin
import PatchbayWire
import Testing

@testable import CanonicalChat
@testable import FormatOpenAIChat
@testable import FormatOpenAICompletions

@Suite struct CompletionsFormatTests {
    private func canonical(_ request: JSONValue) throws -> CanonicalRequest {
        try Formats.crossed(try CompletionsRequestReader.read(request, context: Formats.context()))
    }

    private func chat(_ request: JSONValue) throws -> (JSONValue, [String]) {
        var context = Formats.context()
        let written = try ChatRequestWriter.write(try canonical(request), context: &context)
        return (try JSONValue(parsing: written), context.losses.map { "\($0.severity) \($0.code)" })
    }

    // MARK: - Requests

    @Test func aPromptBecomesOneUserMessage() throws {
        let (written, losses) = try chat([
            "model": "m", "prompt": "to be", "max_tokens": 20, "temperature": 0.5, "stop": "END", "logprobs": 3,
            "user": "u",
        ])
        let expected: JSONValue = [
            "model": "m", "messages": [["role": "user", "content": "to be"]], "max_completion_tokens": 20,
            "temperature": 0.5, "logprobs": true, "top_logprobs": 3, "stop": "END", "user": "u",
        ]
        #expect(written.sorted == expected.sorted)
        #expect(losses.isEmpty)
    }

    @Test func whatAConversationCannotSayIsLost() throws {
        let (_, losses) = try chat(["model": "m", "prompt": "x", "suffix": "y", "echo": true, "best_of": 3])
        #expect(losses == ["semantic native.suffix", "semantic native.echo", "semantic native.best_of"])
    }

    @Test func theLimitOfTheFormatHoldsWhenNoneIsGiven() throws {
        #expect(try chat(["model": "m", "prompt": "x"]).0["max_completion_tokens"] == 16)
    }

    private static let malformed: [(JSONValue, ConversionError.Code)] = [
        (["model": "m", "prompt": ["a", "b"]], .unsupported), (["model": "m", "prompt": [1, 2]], .unsupported),
        (["model": "m", "prompt": [[1], [2]]], .unsupported), (["model": "m", "prompt": 5], .invalid),
        (["model": "m"], .invalid), (["prompt": "x"], .invalid),
        (["model": "m", "prompt": "x", "echo": "yes"], .invalid), ("text", .invalid),
    ]

    @Test(arguments: malformed)
    func malformedRequestsNameTheField(request: JSONValue, code: ConversionError.Code) {
        #expect {
            try CompletionsRequestReader.read(request, context: Formats.context())
        } throws: { ($0 as? ConversionError)?.code == code }
    }

    @Test(
        arguments: [
            ["model": "m", "prompt": "x"], ["model": "m", "prompt": ["x"], "stop": "E", "max_tokens": 3],
            [
                "model": "m", "prompt": "x", "suffix": "y", "echo": true, "logprobs": 0, "n": 2, "best_of": 4,
                "seed": 1.0,
            ],
        ] as [JSONValue])
    func aRequestSurvivesTheWayToCanonicalAndBack(request: JSONValue) throws {
        var context = Formats.context()
        let written = try CompletionsRequestWriter.write(try canonical(request), context: &context)
        #expect(try JSONValue(parsing: written).sorted == request.sorted)
        #expect(context.losses.isEmpty)
    }

    @Test func oneMessageMayBecomeAPromptAndAConversationMayNot() throws {
        func write(_ request: JSONValue) throws -> JSONValue {
            var context = Formats.context()
            let canonical = try ChatRequestReader.read(request, context: context)
            let written = try JSONValue(parsing: CompletionsRequestWriter.write(canonical, context: &context))
            #expect(context.losses.map(\.code) == ["turns"])
            return written
        }
        let user: JSONValue = ["role": "user", "content": "hi"]
        let tool: JSONValue = ["type": "function", "function": ["name": "f"]]
        #expect(try write(["model": "m", "messages": [user]])["prompt"] == "hi")
        #expect(throws: ConversionError.self) { try write(["model": "m", "messages": [user, user]]) }
        #expect(throws: ConversionError.self) {
            try write(["model": "m", "messages": [["role": "system", "content": "s"], user]])
        }
        #expect(throws: ConversionError.self) { try write(["model": "m", "messages": [user], "tools": [tool]]) }
    }

    // MARK: - Answers

    private static let answer: JSONValue = [
        "id": "cmpl-1", "object": "text_completion", "created": 5, "model": "m",
        "choices": [
            [
                "text": "to be", "index": 0,
                "logprobs": [
                    "tokens": ["to", " be"], "token_logprobs": [-0.5, -1], "text_offset": [0, 2],
                    "top_logprobs": [["to": -0.5], ["not": -2]],
                ], "finish_reason": "length",
            ]
        ], "usage": ["prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5],
    ]

    @Test func anAnswerSurvivesTheWayToCanonicalAndBack() throws {
        var context = Formats.context()
        let canonical = try Formats.crossed(try CompletionsResponse.read(Self.answer))
        let written = try JSONValue(parsing: CompletionsResponse.write(canonical, context: &context))
        #expect(written.sorted == Self.answer.sorted)
    }

    @Test func aChatAnswerBecomesText() throws {
        var context = Formats.context { $0.requestedModel = "alias" }
        let answer: JSONValue = [
            "id": "chatcmpl-1", "created": 5, "model": "m",
            "choices": [
                [
                    "index": 0, "message": ["role": "assistant", "reasoning_content": "hm", "content": "hi"],
                    "finish_reason": "stop",
                ]
            ], "usage": ["prompt_tokens": 3, "completion_tokens": 2],
        ]
        let canonical = try ChatResponseReader.read(answer, context: context)
        let written = try JSONValue(parsing: CompletionsResponse.write(canonical, context: &context))
        #expect(written["id"] == "cmpl-req1")
        #expect(written["model"] == "alias")
        #expect(written["choices"] == [["text": "hi", "index": 0, "logprobs": .null, "finish_reason": "stop"]])
        #expect(context.losses.map(\.code) == ["parts.reasoning"])
    }

    @Test func anErrorInDisguiseIsFound() throws {
        func tap(_ text: String) throws -> [AnswerEvent] {
            try Array(text.utf8).withUnsafeBytes { try CompletionsResponse.tap($0) }
        }
        #expect(try tap(#"{"error":{"message":"no"}}"#).types == [.start, .error])
        #expect(try tap(Self.answer.description).types == [.start, .usage, .finish])
        #expect(throws: ConversionError.self) { try tap(#"{"id":"x"}"#) }
    }

    // MARK: - Streams

    private static func chunk(_ text: String, index: Int = 0, finish: String? = nil) -> String {
        let reason = finish.map { "\"\($0)\"" } ?? "null"
        return
            #"{"id":"cmpl-1","model":"m","choices":[{"text":"\#(text)","index":\#(index),"finish_reason":\#(reason)}]}"#
    }

    private func decode(_ frames: [String], tap: Bool = false, then ending: StreamEnd = .endOfStream) -> [AnswerEvent] {
        var decoder = CompletionsStreamDecoder(Formats.context { $0.tap = tap })
        return decoder.takeAll(data: frames, then: ending)
    }

    @Test func aStreamFoldsToItsText() {
        let frames = [
            Self.chunk(#"to \ud83c"#), Self.chunk("other", index: 1), Self.chunk(#"\udf0d be"#),
            Self.chunk("", finish: "length"), Self.chunk("", index: 1, finish: "stop"),
            #"{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}"#, "[DONE]",
        ]
        let fold = decode(frames).folded
        #expect(fold.isClean)
        #expect(fold.response.choices.map { $0.parts.first?.plainText } == ["to 🌍 be", "other"])
        #expect(fold.response.choices.map { $0.finish?.reason } == [.length, .stop])
        #expect(fold.response.usage.output == 2)
        #expect(decode(frames, tap: true).types == [.start, .partOpen, .usage, .finish, .finish, .end])
    }

    @Test(arguments: [StreamEnd.endOfStream, .cut, .timeout, .cancelled])
    func aCutStreamIsNeverWhole(ending: StreamEnd) {
        for tap in [false, true] {
            let fold = decode([Self.chunk("to be")], tap: tap, then: ending).folded
            #expect(fold.isEnded && !fold.isClean && fold.error != nil)
        }
        #expect(decode([Self.chunk("x"), "{cut"]).folded.error?.category == .upstreamInvalid)
    }

    @Test func aChatStreamBecomesChunksOfText() throws {
        let events = Formats.decodeChat([
            Formats.chunk(#"{"role":"assistant","reasoning_content":"hm"}"#), Formats.chunk(#"{"content":"hi"}"#),
            Formats.chunk("{}", finish: "stop"),
            #"{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}"#, "[DONE]",
        ])
        var encoder = CompletionsStreamEncoder(
            Formats.context {
                $0.requestedModel = "alias"
                $0.request.includeUsage = true
            })
        let head =
            #"data: {"id":"cmpl-req1","object":"text_completion","created":1763690000,"model":"alias","choices":"#
        let tail = "\"usage\":null}"
        #expect(
            encoder.text(events).components(separatedBy: "\n\n") == [
                head + #"[{"text":"hi","index":0,"logprobs":null,"finish_reason":null}],"# + tail,
                head + #"[{"text":"","index":0,"logprobs":null,"finish_reason":"stop"}],"# + tail,
                head + #"[],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}"#, "data: [DONE]", "",
            ])
    }

    @Test func aBrokenStreamEndsWithAnErrorAndNoTerminator() {
        var encoder = CompletionsStreamEncoder(Formats.context())
        let text = encoder.text([
            .start(id: "x", model: "m"), .open(0, 0, .text), .delta(0, 0, .text, "hi"), .end(clean: false),
        ])
        #expect(text.contains(#"data: {"error":{"message":"#))
        #expect(!text.contains("[DONE]") && !text.contains(#""finish_reason":"stop""#))
    }
}
