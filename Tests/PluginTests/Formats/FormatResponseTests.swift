import PatchbayPlugin
import PatchbayWire
import Testing

@testable import CanonicalChat
@testable import FormatAnthropicMessages
@testable import FormatOpenAIChat

@Suite("Answers of conversation formats")
struct FormatResponseTests {
    private func normalised(_ value: JSONValue) -> JSONValue {
        var value = value
        value["id"] = "id"
        value["model"] = "model"
        value["created"] = nil
        return value.sorted
    }

    @Test("A Chat answer survives the way through the canonical model")
    func chatIdentity() throws {
        let source = try Fixture.json("turn/chat.response.json")
        var context = Formats.context()
        let canonical = try Formats.crossed(try ChatResponseReader.read(source, context: context))
        let wire = try JSONValue(parsing: ChatResponseWriter.write(canonical, context: &context))
        #expect(Fixture.pretty(wire.sorted) == Fixture.pretty(source.sorted))
    }

    @Test("A Messages answer survives the way through the canonical model")
    func messagesIdentity() throws {
        let source = try Fixture.json("turn/messages.response.json")
        var context = Formats.context()
        let canonical = try Formats.crossed(try MessagesResponseReader.read(source, context: context))
        let wire = try JSONValue(parsing: MessagesResponseWriter.write(canonical, context: &context))
        #expect(Fixture.pretty(wire.sorted) == Fixture.pretty(source.sorted))
    }

    @Test("A Messages answer becomes the Chat answer of the same turn")
    func messagesToChat() throws {
        var context = Formats.context()
        let source = try Fixture.json("turn/messages.response.json")
        let canonical = try Formats.crossed(try MessagesResponseReader.read(source, context: context))
        let wire = try JSONValue(parsing: ChatResponseWriter.write(canonical, context: &context))
        let expected = try Fixture.json("turn/chat.response.json")
        #expect(Fixture.pretty(normalised(wire)) == Fixture.pretty(normalised(expected)))
    }

    @Test("A Chat answer becomes the Messages answer of the same turn")
    func chatToMessages() throws {
        var context = Formats.context()
        let source = try Fixture.json("turn/chat.response.json")
        let canonical = try Formats.crossed(try ChatResponseReader.read(source, context: context))
        let wire = try JSONValue(parsing: MessagesResponseWriter.write(canonical, context: &context))
        let expected = try Fixture.json("turn/messages.response.json")
        #expect(Fixture.pretty(normalised(wire)) == Fixture.pretty(normalised(expected)))
    }

    @Test("The answer names the model that the client asked for and keeps ids in the client's shape")
    func identity() throws {
        var context = Formats.context { $0.requestedModel = "alias" }
        let canonical = try MessagesResponseReader.read(
            try Fixture.json("turn/messages.response.json"), context: context)
        let chat = try JSONValue(parsing: ChatResponseWriter.write(canonical, context: &context))
        #expect(chat["model"] == "alias")
        #expect(chat["id"] == "chatcmpl-req1")
        #expect(chat["created"] == 1_763_690_000)
    }

    private func tap(_ name: String, _ body: String) throws -> [AnswerEvent] {
        var body = body
        return try body.withUTF8 { bytes in
            let raw = UnsafeRawBufferPointer(bytes)
            return name == "chat" ? try ChatFormat.tapResponse(raw) : try MessagesFormat.tapResponse(raw)
        }
    }

    @Test("Accounting reads a complete answer without converting it")
    func tap() throws {
        for name in ["chat", "messages"] {
            let events = try tap(name, try Fixture.text("turn/\(name).response.json"))
            #expect(events.types == [.start, .usage, .finish])
            #expect(
                events[1].usage == TokenCounts(input: 100, output: 42, cached: 75, cacheWrite: 5, reasoning: 12))
            #expect(events[2].finishValue.reason == .toolCalls)
        }
    }

    @Test("Accounting sees every choice of a chat answer, wherever its members stand")
    func choices() throws {
        let body = #"""
            {"choices":[{"index":0},{"finish_reason":"length","message":{"index":7}},3,{"index":9,"finish_reason":"e\u006fs"}],
             "error":null,"usage":{"prompt_tokens":1e1,"prompt_tokens_details":{"cached_tokens":4},"x":[{}]},
             "model":"m","id":"i"}
            """#
        let events = try tap("chat", body)
        #expect(events.types == [.start, .usage, .finish, .finish, .finish, .finish])
        #expect((events[0].id, events[0].name) == ("i", "m"))
        #expect(events[1].usage == TokenCounts(input: 10, cached: 4))
        #expect(events[2...].map(\.choice) == [0, 1, 2, 9])
        #expect(events[2...].map(\.finishValue.reason) == [.stop, .length, .stop, .stop])
        #expect(events[5].finishValue.native == "eos")
        let one = try tap("chat", #"{"choices":[],"choices":[{"finish_reason":"tool_calls"}],"error":{},"usage":null}"#)
        #expect(one.types == [.start, .finish])
        #expect(one[1].finishValue == CanonicalFinish(.toolCalls, native: "tool_calls"))
    }

    @Test("E-114 an error in the clothes of an answer is reported as error")
    func disguised() throws {
        let bodies = [
            #"{"error":{"message":"no","type":"x"}}"#, #"{"code":500,"message":"no"}"#,
            #"{"success":false,"msg":"no"}"#,
        ]
        for body in bodies {
            for name in ["chat", "messages"] {
                let events = try tap(name, body)
                #expect(events.types == [.start, .error])
                #expect(events[1].text == "no")
            }
            #expect(throws: ConversionError.self) {
                _ = try ChatResponseReader.read(try JSONValue(parsing: body), context: Formats.context())
            }
            #expect(throws: ConversionError.self) {
                _ = try MessagesResponseReader.read(try JSONValue(parsing: body), context: Formats.context())
            }
        }
    }

    @Test("A document of another kind is no answer")
    func foreign() {
        for body in ["{}", "[]", "null", #"{"choices":{}}"#, #"{"content":"x"}"#] {
            for name in ["chat", "messages"] {
                #expect(throws: ConversionError.self) { try tap(name, body) }
            }
        }
    }
}
