import PatchbayPlugin
import PatchbayWire
import Testing

@testable import CanonicalChat
@testable import FormatAnthropicMessages
@testable import FormatOpenAIChat
@testable import FormatOpenAIResponses

@Suite("Requests of the Responses format")
struct ResponsesRequestTests {
    @Test("A Responses request becomes the expected request", arguments: Responses.requests, ["chat", "messages"])
    func golden(name: String, target: String) throws {
        let folder = "requests/responses/\(name)"
        let (wire, context) = try Responses.converted(try Responses.request(name), to: target)
        try Fixture.expect(wire, equals: folder + "/\(target).json")
        try Fixture.expect(Responses.losses(context), equals: folder + "/\(target).losses.json")
    }

    @Test("A Chat request becomes the expected Responses request", arguments: FormatRequestTests.toMessages)
    func chatToResponses(name: String) throws {
        let source = try Fixture.json("requests/chat-to-messages/\(name)/request.json")
        let (wire, context) = try Responses.converted(chat: source)
        try Fixture.expect(wire, equals: "requests/chat-to-responses/\(name).json")
        try Fixture.expect(Responses.losses(context), equals: "requests/chat-to-responses/\(name).losses.json")
    }

    @Test("A Messages request becomes the expected Responses request", arguments: FormatRequestTests.toChat)
    func messagesToResponses(name: String) throws {
        let source = try Fixture.json("requests/messages-to-chat/\(name)/request.json")
        let (wire, context) = try Responses.converted(messages: source)
        try Fixture.expect(wire, equals: "requests/messages-to-responses/\(name).json")
        try Fixture.expect(Responses.losses(context), equals: "requests/messages-to-responses/\(name).losses.json")
    }

    @Test("A Responses request survives the way through the canonical model", arguments: Responses.requests)
    func identity(name: String) throws {
        let source = try Responses.request(name)
        let (wire, context) = try Responses.converted(source, to: "responses")
        var expected = source
        if name == "reasoning-and-schema" {
            // State of another provider would make the server refuse the request.
            expected["input"] = .array((source["input"]?.arrayValue ?? []).filter { $0["type"] != "reasoning" })
            #expect(context.losses.map(\.code) == ["reasoning.history", "reasoning.history"])
        } else {
            // A reference is said again here, and to nobody else.
            #expect(context.losses.map(\.code) == (name == "native-items" ? ["input.item_reference"] : []))
        }
        #expect(Fixture.pretty(wire.sorted) == Fixture.pretty(normalised(expected).sorted))
    }

    /// Spellings that the reader repairs on purpose.
    private func normalised(_ value: JSONValue) -> JSONValue {
        guard case .object(var members) = value, let input = members["input"]?.arrayValue else { return value }
        members["input"] = .array(
            input.map { item in
                guard item["role"] != nil || item["type"] != nil else { return item }
                var item = item
                if item["role"]?.stringValue == "assistant", item["type"] == nil { return item }
                if item["type"] == "function_call", item["arguments"] == nil { item["arguments"] = "" }
                return item
            })
        return .object(members)
    }

    @Test("E-82 input as a string, items without a type and content as a string are understood")
    func unions() throws {
        let (wire, _) = try Responses.converted(
            ["model": "m", "input": [["role": "user", "content": "a"], ["role": "assistant", "content": "b"]]],
            to: "chat")
        #expect(
            wire["messages"] == [["role": "user", "content": "a"], ["role": "assistant", "content": "b"]])
        let (text, _) = try Responses.converted(["model": "m", "input": "hi"], to: "chat")
        #expect(text["messages"] == [["role": "user", "content": "hi"]])
    }

    @Test("E-77 what the assistant said goes to the upstream as output, never as input")
    func assistantHistory() throws {
        let (wire, _) = try Responses.converted(chat: [
            "model": "m",
            "messages": [
                ["role": "user", "content": "a"], ["role": "assistant", "content": "b"],
                ["role": "assistant", "refusal": "no", "content": .null], ["role": "user", "content": "c"],
            ],
        ])
        #expect(!wire.description.contains(#""role":"assistant","content":[{"type":"input_text""#))
        #expect(wire["input"]?[1] == ["type": "message", "role": "assistant", "content": "b"])
        #expect(wire["input"]?[2]?["content"] == [["type": "refusal", "refusal": "no"]])
        // A client that gets it wrong is repaired on the way through the model.
        let (own, _) = try Responses.converted(
            ["model": "m", "input": [["role": "assistant", "content": [["type": "input_text", "text": "x"]]]]],
            to: "responses")
        #expect(own["input"]?[0]?["content"]?[0]?["type"] == "output_text")
    }

    @Test("E-76 a limit below what servers take is raised", arguments: [(1, 16), (15, 16), (16, 16), (500, 500)])
    func smallLimit(asked: Int, sent: Int) throws {
        let (wire, context) = try Responses.converted(messages: [
            "model": "m", "max_tokens": .int(asked), "messages": [["role": "user", "content": "a"]],
        ])
        #expect(wire["max_output_tokens"] == .int(sent))
        #expect(context.losses.contains { $0.code == "limits.max_output" } == (asked < 16))
    }

    @Test("E-71 calls and results are paired by call_id, whatever their own ids are")
    func pairing() throws {
        let (wire, context) = try Responses.converted(
            [
                "model": "m",
                "input": [
                    ["type": "function_call", "id": "fc_same", "call_id": "call_1", "name": "f", "arguments": "{}"],
                    ["type": "function_call", "id": "fc_same", "call_id": "call_2", "name": "f", "arguments": "{}"],
                    ["type": "function_call_output", "id": "fc_same", "call_id": "call_2", "output": "two"],
                    ["type": "function_call_output", "call_id": "call_1", "output": "one"],
                ],
            ], to: "chat")
        let messages = try #require(wire["messages"]?.arrayValue)
        #expect(messages[0]["tool_calls"]?.arrayValue?.compactMap { $0["id"] } == ["call_1", "call_2"])
        #expect(messages[1]["tool_call_id"] == "call_2" && messages[1]["content"] == "two")
        #expect(messages[2]["tool_call_id"] == "call_1")
        #expect(context.losses.isEmpty)
    }

    @Test("E-78 phases survive within the format, and their text goes to others")
    func phases() throws {
        let request: JSONValue = [
            "model": "m",
            "input": [
                ["role": "user", "content": "a"],
                ["type": "message", "role": "assistant", "phase": "commentary", "content": "looking. "],
                ["type": "message", "role": "assistant", "phase": "final_answer", "content": "found."],
                ["role": "user", "content": "b"],
            ],
        ]
        let (own, _) = try Responses.converted(request, to: "responses")
        #expect(own["input"]?[1]?["phase"] == "commentary" && own["input"]?[2]?["phase"] == "final_answer")
        let (chat, _) = try Responses.converted(request, to: "chat")
        #expect(chat["messages"]?[1]?["content"] == "looking. found.")
    }

    @Test("E-81 hosted tools that the upstream lacks go with the choice that names them, and are told")
    func hostedTools() throws {
        let request: JSONValue = [
            "model": "m", "input": "a", "tool_choice": ["type": "web_search"],
            "tools": [
                ["type": "web_search"], ["type": "function", "name": "f", "parameters": .null, "strict": .null],
            ],
        ]
        let (chat, context) = try Responses.converted(request, to: "chat")
        #expect(chat["tools"]?.arrayValue?.count == 1 && chat["tool_choice"] == "auto")
        #expect(context.losses.map(\.code) == ["tools.server", "tool_choice.server"])
        let (messages, _) = try Responses.converted(request, to: "messages")
        #expect(messages["tools"]?.arrayValue?.count == 1 && messages["tool_choice"]?["type"] == "auto")
    }

    @Test("E-70 items go to the server without ids, which it would look up in vain")
    func itemIDs() throws {
        let (wire, _) = try Responses.converted(messages: [
            "model": "m", "max_tokens": 100,
            "messages": [
                ["role": "user", "content": "a"],
                [
                    "role": "assistant",
                    "content": [
                        ["type": "text", "text": "x"],
                        ["type": "tool_use", "id": "toolu_1", "name": "f", "input": [:]],
                    ],
                ],
                ["role": "user", "content": [["type": "tool_result", "tool_use_id": "toolu_1", "content": "y"]]],
            ],
        ])
        #expect(wire["store"] == false)
        #expect(wire["input"]?.arrayValue?.allSatisfy { $0["id"] == nil } == true)
        #expect(wire["input"]?[2]?["call_id"] == "toolu_1" && wire["input"]?[3]?["call_id"] == "toolu_1")
    }

    @Test("What one answer cannot give, and what no item can carry, is refused with a sentence")
    func refused() throws {
        let user: JSONValue = ["role": "user", "content": "a"]
        let audio: JSONValue = [
            "role": "user", "content": [["type": "input_audio", "input_audio": ["data": "UklG", "format": "wav"]]],
        ]
        let requests: [JSONValue] = [
            ["model": "m", "messages": [user], "n": 2],
            ["model": "m", "messages": [user], "modalities": ["text", "audio"]], ["model": "m", "messages": [audio]],
        ]
        for request in requests {
            do {
                _ = try Responses.converted(chat: request)
                Issue.record("was not refused: \(request)")
            } catch let error as ConversionError {
                #expect(error.code == .unsupported && error.sentence.contains("openai.responses"))
            }
        }
    }

    @Test("Malformed requests are refused with the name of the field")
    func malformed() throws {
        let cases: [(JSONValue, String)] = [
            ([], "JSON object"), (["input": "a"], "`model`"), (["model": "m"], "`input`"),
            (["model": "m", "input": 5], "`input`"), (["model": "m", "input": ["x"]], "`input[0]`"),
            (["model": "m", "input": [["role": "robot", "content": "a"]]], "`input[0].role`"),
            (["model": "m", "input": [["content": "a"]]], "`input[0].type`"),
            (["model": "m", "input": [["type": "function_call", "name": "f"]]], "call_id"),
            (["model": "m", "input": [["type": "function_call_output"]]], "`input[0].call_id`"),
            (["model": "m", "input": [["role": "user", "content": [["text": "a"]]]]], "`input[0].content[0].type`"),
            (["model": "m", "input": "a", "tools": [["name": "f"]]], "`tools[0].type`"),
            (["model": "m", "input": "a", "tools": [["type": "function"]]], "`tools[0].name`"),
            (["model": "m", "input": "a", "temperature": "hot"], "`temperature`"),
            (["model": "m", "input": "a", "max_output_tokens": 1.5], "`max_output_tokens`"),
            (["model": "m", "input": "a", "tool_choice": "sometimes"], "`tool_choice`"),
        ]
        for (request, word) in cases {
            do {
                var context = Formats.context()
                _ = try ResponsesRequestReader.read(request, context: &context)
                Issue.record("was not refused: \(request)")
            } catch {
                #expect(error.code == .invalid && error.sentence.contains(word), "\(error.sentence)")
            }
        }
    }

    @Test("Functions of a group get names of their own, and their calls find back")
    func namespaces() throws {
        let request = try Responses.request("namespaces")
        let (chat, _) = try Responses.converted(request, to: "chat")
        let names = chat["tools"]?.arrayValue?.compactMap { $0["function"]?["name"]?.stringValue }
        #expect(names == ["files__read", "files__write", "other"])
        let events: [AnswerEvent] = [
            .start(id: "x", model: "m"), .open(0, 0, .toolCall, id: "call_9", name: "files__write"), .close(0, 0),
            .finish(0, CanonicalFinish(.toolCalls)), .end(clean: true),
        ]
        let call = try Responses.stream(events, for: request).last?["response"]?["output"]?[0]
        #expect(call?["name"] == "write" && call?["namespace"] == "files" && call?["arguments"] == "{}")
    }
}
