import PatchbayWire
import Testing

@testable import PatchbaySimulator

/// What the simulated models say, in both formats, whole and streamed.
@Suite struct SimulatedAnswerTests {
    static let weather: JSONValue = [
        "type": "object",
        "properties": ["city": ["type": "string"], "days": ["type": "integer"]], "required": ["city"],
    ]
    static let chatTool: JSONValue = [
        "type": "function", "function": ["name": "get_weather", "parameters": weather],
    ]
    static let messagesTool: JSONValue = ["name": "get_weather", "input_schema": weather]

    @Test func chatStreamsSayTheSameAsWholeAnswers() throws {
        var bench = SiteBench()
        let question = "Tell me about cats"
        let whole = try bench.json("POST", "/v1/chat/completions", chat(question))
        let events = try bench.events("/v1/chat/completions", chat(question, [("stream", true)]))
        let text = events.compactMap { $0["choices"]?[0]?["delta"]?["content"]?.stringValue }.joined()
        #expect(text == whole["choices"]?[0]?["message"]?["content"]?.stringValue)
        #expect(events.last == "[DONE]")
        #expect(!events.contains { $0["usage"] != nil })
        #expect(events.compactMap { $0["choices"]?[0]?["finish_reason"]?.stringValue } == ["stop"])
    }

    @Test func theUsageChunkComesWhenAskedForAndHasNoChoices() throws {
        var bench = SiteBench()
        let options: [(String, JSONValue)] = [("stream", true), ("stream_options", ["include_usage": true])]
        let events = try bench.events("/v1/chat/completions", chat("Hi", options))
        let usage = try #require(events.dropLast().last)
        #expect(usage["choices"] == .emptyArray)
        #expect(usage["usage"]?["total_tokens"]?.intValue ?? 0 > 0)
    }

    @Test func messagesStreamsHaveTheirEventsInOrder() throws {
        var bench = SiteBench()
        let body = chat("Why?", model: "sim-reasoner", [("stream", true), ("max_tokens", 1_000)])
        let events = try bench.events("/v1/messages", body)
        let types = events.compactMap { $0["type"]?.stringValue }.filter { $0 != "content_block_delta" }
        #expect(
            types == [
                "message_start", "ping", "content_block_start", "content_block_stop", "content_block_start",
                "content_block_stop", "message_delta", "message_stop",
            ])
        #expect(events.contains { $0["delta"]?["type"] == "signature_delta" })
        let usage = try #require(events.first { $0["type"] == "message_delta" }?["usage"])
        #expect(usage["output_tokens"]?.intValue ?? 0 > 10)
    }

    @Test func reasonersThinkInBothFormats() throws {
        var bench = SiteBench()
        let chatAnswer = try bench.json("POST", "/v1/chat/completions", chat("Why?", model: "sim-reasoner"))
        #expect(chatAnswer["choices"]?[0]?["message"]?["reasoning_content"]?.stringValue?.isEmpty == false)
        let tokens = chatAnswer["usage"]?["completion_tokens_details"]?["reasoning_tokens"]?.intValue ?? 0
        #expect(tokens > 0)
        let message = try bench.json("POST", "/v1/messages", chat("Why?", model: "sim-reasoner", [("max_tokens", 500)]))
        #expect(message["content"]?[0]?["type"] == "thinking")
        #expect(message["content"]?[1]?["type"] == "text")
    }

    @Test func toolsAreCalledWhenAskedFor() throws {
        var bench = SiteBench()
        let plain = try bench.json(
            "POST", "/v1/chat/completions", chat("Tell me about rain", [("tools", [Self.chatTool])]))
        #expect(plain["choices"]?[0]?["finish_reason"] == "stop")
        let asked = try bench.json(
            "POST", "/v1/chat/completions", chat("Use the tool for Rome", [("tools", [Self.chatTool])]))
        #expect(asked["choices"]?[0]?["finish_reason"] == "tool_calls")
        let call = asked["choices"]?[0]?["message"]?["tool_calls"]?[0]?["function"]
        #expect(call == ["name": "get_weather", "arguments": #"{"city":"Rome"}"#])
        let forced = try bench.json(
            "POST", "/v1/messages",
            chat("Rain?", [("tools", [Self.messagesTool]), ("tool_choice", ["type": "any"]), ("max_tokens", 99)]))
        #expect(forced["stop_reason"] == "tool_use")
        #expect(forced["content"]?[0]?["input"] == ["city": "Paris"])
        let forbidden = try bench.json(
            "POST", "/v1/chat/completions",
            chat("Use the tool", [("tools", [Self.chatTool]), ("tool_choice", "none")]))
        #expect(forbidden["choices"]?[0]?["finish_reason"] == "stop")
    }

    @Test func parallelCallsStreamWithTheirOwnIndices() throws {
        var bench = SiteBench()
        let body = chat(
            "Use the tool for both Rome and Oslo", [("tools", [Self.chatTool]), ("stream", true)])
        var arguments: [Int: String] = [:]
        for event in try bench.events("/v1/chat/completions", body) {
            for call in event["choices"]?[0]?["delta"]?["tool_calls"]?.arrayValue ?? [] {
                let index = try #require(call["index"]?.intValue)
                arguments[index, default: ""] += call["function"]?["arguments"]?.stringValue ?? ""
            }
        }
        #expect(arguments == [0: #"{"city":"Rome"}"#, 1: #"{"city":"Oslo"}"#])
    }

    @Test func aToolResultIsUsed() throws {
        var bench = SiteBench()
        let body: JSONValue = [
            "model": "sim-mini", "tools": [Self.chatTool],
            "messages": [
                ["role": "user", "content": "Use the tool"],
                [
                    "role": "assistant",
                    "tool_calls": [["id": "c", "type": "function", "function": ["name": "get_weather"]]],
                ],
                ["role": "tool", "tool_call_id": "c", "content": "sunny"],
            ],
        ]
        let answer = try bench.json("POST", "/v1/chat/completions", body)
        #expect(answer["choices"]?[0]?["message"]?["content"]?.stringValue?.contains("sunny") == true)
    }

    @Test func limitsAndStopSequencesEndTheText() throws {
        var bench = SiteBench()
        let short = try bench.json("POST", "/v1/chat/completions", chat("Tell me a story", [("max_tokens", 4)]))
        #expect(short["choices"]?[0]?["finish_reason"] == "length")
        #expect(short["usage"]?["completion_tokens"] == 4)
        let stopped = try bench.json(
            "POST", "/v1/messages", chat("Count to 9", [("max_tokens", 99), ("stop_sequences", ["5"])]))
        #expect(stopped["stop_reason"] == "stop_sequence")
        #expect(stopped["stop_sequence"] == "5")
        #expect(stopped["content"]?[0]?["text"] == "1, 2, 3, 4, ")
    }

    @Test(arguments: [
        ("What is 6 times 7?", "6 × 7 = 42"), ("Say hello", "hello"), ("Reply with exactly: \"a b\"", "a b"),
        ("count from 3 to 5", "3, 4, 5"), ("What is the capital of Japan?", "The capital of Japan is Tokyo."),
    ]) func questionsWithOneAnswerGetIt(question: String, answer: String) throws {
        var bench = SiteBench()
        let whole = try bench.json("POST", "/v1/chat/completions", chat(question))
        #expect(whole["choices"]?[0]?["message"]?["content"]?.stringValue == answer)
    }

    @Test func structuredAnswersFitTheirSchema() throws {
        var bench = SiteBench()
        let format: JSONValue = ["type": "json_schema", "json_schema": ["name": "x", "schema": Self.weather]]
        let answer = try bench.json("POST", "/v1/chat/completions", chat("In Rome", [("response_format", format)]))
        #expect(answer["choices"]?[0]?["message"]?["content"] == #"{"city":"Rome"}"#)
    }
}
