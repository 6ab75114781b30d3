import Foundation
import PatchbayPlugin
import PatchbayWire
import Testing

@testable import CanonicalChat
@testable import FormatAnthropicMessages
@testable import FormatOpenAIChat
@testable import FormatOpenAIResponses

/// Requests at the edges, numbered as in docs/edge-cases.md.
@Suite("Requests at the edges")
struct RequestEdgeTests {
    private func toMessages(_ text: String, profile: JSONValue = .emptyObject) throws -> JSONValue {
        var context = Formats.context { $0.profile = CapabilityProfile(profile) }
        return try Formats.toMessages(try JSONValue(parsing: text), &context)
    }

    private func toChat(_ text: String, profile: JSONValue = .emptyObject) throws -> (JSONValue, [ConversionLoss]) {
        var context = Formats.context { $0.profile = CapabilityProfile(profile) }
        return (try Formats.toChat(try JSONValue(parsing: text), &context), context.losses)
    }

    /// A Messages conversation in which the call `id` was answered.
    private func called(_ id: String, input: String = "{}", thinking: String = "") -> String {
        #"""
        {"model":"m","max_tokens":1,"messages":[{"role":"user","content":"a"},{"role":"assistant",
        "content":[\#(thinking){"type":"tool_use","id":"\#(id)","name":"f","input":\#(input)}]},
        {"role":"user","content":[{"type":"tool_result","tool_use_id":"\#(id)","content":"r"}]}]}
        """#
    }

    @Test("E-45 members that only one vendor knows do not reach another, and their loss is told")
    func vendorMembers() throws {
        let request =
            #"""
            {"model":"m","max_tokens":1,"messages":[{"role":"user","content":"a"}],
            "context_management":{"edits":[{"type":"clear_thinking_20251015"}]},"container":"c","mcp_servers":[]}
            """#
        let (wire, losses) = try toChat(request)
        #expect(wire.objectValue?.keys.sorted() == ["max_completion_tokens", "messages", "model"])
        #expect(losses.contains { $0.code == "native.context_management" && $0.severity == .info })
        #expect(losses.contains { $0.code == "native.container" && $0.severity == .semantic })
        // Within the format they stay as they are.
        var context = Formats.context()
        let same = try MessagesRequestReader.read(try JSONValue(parsing: request), context: context)
        let again = try JSONValue(parsing: MessagesRequestWriter.write(try Formats.crossed(same), context: &context))
        #expect(again["context_management"]?["edits"]?[0]?["type"] == "clear_thinking_20251015")
    }

    @Test(
        "E-56 ids of calls get a shape that the server takes, call and result alike",
        arguments: [
            "call.1:a/b", "", "функция", String(repeating: "x", count: 200), "functions.f:0",
        ])
    func callIDs(id: String) throws {
        let history =
            #"""
            {"model":"m","messages":[{"role":"user","content":"a"},{"role":"assistant","tool_calls":[
            {"id":"\#(id)","type":"function","function":{"name":"f","arguments":"{}"}}]},
            {"role":"tool","tool_call_id":"\#(id)","content":"r"}]}
            """#
        let wire = try toMessages(history)
        let call = wire["messages"]?[1]?["content"]?[0]?["id"]?.stringValue ?? ""
        #expect(call == wire["messages"]?[2]?["content"]?[0]?["tool_use_id"]?.stringValue)
        #expect(!call.isEmpty && call.utf8.count <= 128)
        #expect(call.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_" || $0 == "-") })
        #expect(try toMessages(history) == wire, "the same request gives the same ids")
    }

    @Test("E-56 ids that the server takes stay, too long ones are shortened")
    func keptIDs() throws {
        #expect(try toChat(called("toolu_01")).0["messages"]?[1]?["tool_calls"]?[0]?["id"] == "toolu_01")
        let long = try toChat(called(String(repeating: "t", count: 70))).0
        let id = long["messages"]?[1]?["tool_calls"]?[0]?["id"]
        #expect(id?.stringValue?.utf8.count == 64 && id == long["messages"]?[2]?["tool_call_id"])
    }

    @Test("E-56 a server that demands nine letters and digits gets them", arguments: ["toolu_01", "abc", "_________"])
    func exactIDs(id: String) throws {
        let wire = try toChat(called(id), profile: ["tool_id": ["exact": 9]]).0
        let call = wire["messages"]?[1]?["tool_calls"]?[0]?["id"]?.stringValue ?? ""
        #expect(call.utf8.count == 9 && call.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) })
        #expect(wire["messages"]?[2]?["tool_call_id"]?.stringValue == call)
        let kept = try toChat(called("aB3dE5gH9"), profile: ["tool_id": ["exact": 9]]).0
        #expect(kept["messages"]?[1]?["tool_calls"]?[0]?["id"] == "aB3dE5gH9")
    }

    @Test("E-56 a limit too small for distinct ids is raised", arguments: [-1, 0, 5, 8])
    func smallLimits(limit: Int) throws {
        let profile: JSONValue = [
            "tool_id": ["max": .int(limit), "exact": .int(limit)], "tool_name": ["max": .int(limit)],
        ]
        let wire = try toChat(called("toolu_01_long"), profile: profile).0
        let call = wire["messages"]?[1]?["tool_calls"]?[0]
        #expect(call?["id"]?.stringValue?.utf8.count == IdentifierMap.smallestLimit)
        #expect(call?["id"] == wire["messages"]?[2]?["tool_call_id"])
    }

    @Test(
        "E-65 instructions may be a string or blocks; blank ones and the client's own header line stay away",
        arguments: [
            #""S""#, #"[{"type":"text","text":"S"}]"#, #"[{"type":"text","text":"S"},{"type":"text","text":""}]"#,
            #"""
            [{"type":"text","text":"x-anthropic-billing-header: cc_version=2.1.0; cch=1;"},
            {"type":"text","text":"S","cache_control":{"type":"ephemeral"}}]
            """#,
        ])
    func systemForms(system: String) throws {
        let request = #"{"model":"m","max_tokens":1,"system":\#(system),"messages":[{"role":"user","content":"a"}]}"#
        #expect(try toChat(request).0["messages"]?[0] == ["role": "system", "content": "S"])
        let (responses, _) = try Responses.converted(messages: try JSONValue(parsing: request))
        #expect(responses["instructions"] == "S" || responses["input"]?[0]?["content"]?[0]?["text"] == "S")
        #expect(!responses.description.contains("billing-header"))
        let none = request.replacingOccurrences(of: #""S""#, with: #""""#)
        #expect(try toChat(none).0["messages"]?[0]?["role"] == "user")
    }

    @Test("E-101 arguments that are no JSON are never repaired in silence")
    func brokenArguments() throws {
        let history =
            #"""
            {"model":"m","messages":[{"role":"user","content":"a"},{"role":"assistant","tool_calls":[
            {"id":"t","type":"function","function":{"name":"f","arguments":"{\"path\":\"/et"}}]},
            {"role":"tool","tool_call_id":"t","content":"r"}]}
            """#
        #expect(try toMessages(history)["messages"]?[1]?["content"]?[0]?["input"] == ["_raw": #"{"path":"/et"#])
        var context = Formats.context()
        let same = try ChatRequestReader.read(try JSONValue(parsing: history), context: context)
        let wire = try JSONValue(parsing: ChatRequestWriter.write(try Formats.crossed(same), context: &context))
        #expect(wire["messages"]?[1]?["tool_calls"]?[0]?["function"]?["arguments"] == #"{"path":"/et"#)
    }

    @Test("E-102 arguments that are no object are wrapped", arguments: ["[1]", "7", #""s""#, "null", "true"])
    func scalarArguments(json: String) throws {
        let text = JSONValue.string(json).description
        let wire = try toMessages(
            #"""
            {"model":"m","messages":[{"role":"user","content":"a"},{"role":"assistant","tool_calls":[
            {"id":"t","type":"function","function":{"name":"f","arguments":\#(text)}}]},
            {"role":"tool","tool_call_id":"t","content":"r"}]}
            """#)
        #expect(wire["messages"]?[1]?["content"]?[0]?["input"]?.description == #"{"value":\#(json)}"#)
    }

    @Test("E-103 E-15 members of arguments and schemas keep their order, numbers their digits")
    func order() throws {
        let document = #"{"z":1.0,"a":[9007199254740993,1e400],"m":{"y":2,"b":3}}"#
        let chat = try toChat(called("t", input: document)).0
        #expect(chat["messages"]?[1]?["tool_calls"]?[0]?["function"]?["arguments"]?.stringValue == document)
        let schema =
            #"{"type":"object","properties":{"z":{"type":"string"},"a":{"type":"number"}},"required":["z","a"]}"#
        let wire = try toMessages(
            #"""
            {"model":"m","messages":[{"role":"user","content":"a"}],"tools":[{"type":"function","function":{"name":"f",
            "parameters":\#(schema)}}]}
            """#)
        #expect(wire["tools"]?[0]?["input_schema"]?.description == schema)
    }

    @Test("E-117 servers that demand reasoning with every call get it, or an empty one")
    func requiredReasoning() throws {
        let profile: JSONValue = ["reasoning_echo": "reasoning_content_required"]
        let thought = #"{"type":"thinking","thinking":"why","signature":""},"#
        let own = try toChat(called("t", thinking: thought), profile: profile).0
        #expect(own["messages"]?[1]?["reasoning_content"] == "why")
        #expect(try toChat(called("t"), profile: profile).0["messages"]?[1]?["reasoning_content"] == "")
        #expect(try toChat(called("t")).0["messages"]?[1]?["reasoning_content"] == nil)
        let plain =
            #"{"model":"m","max_tokens":1,"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]}"#
        #expect(try toChat(plain, profile: profile).0["messages"]?[1]?["reasoning_content"] == nil)
    }

    @Test("E-46 a limit beyond the model's own becomes that, and zero is zero")
    func limits() throws {
        let request = #"{"model":"m","messages":[{"role":"user","content":"a"}],"max_tokens":"#
        #expect(try toMessages(request + "90000}", profile: ["max_output": 64000])["max_tokens"] == 64000)
        #expect(try toMessages(request + "90000}")["max_tokens"] == 90000)
        #expect(try toMessages(request + "0}")["max_tokens"] == 0)
        let thinking = try toMessages(request + #"90000,"reasoning_effort":"high"}"#, profile: ["max_output": 9000])
        #expect(thinking["max_tokens"] == 9000 && (thinking["thinking"]?["budget_tokens"]?.intValue ?? 0) < 9000)
    }

    @Test("E-48 marks that last an hour do not stand behind those that last minutes")
    func cacheOrder() throws {
        func part(_ ttl: String) -> String {
            #"{"type":"text","text":"x","cache_control":{"type":"ephemeral"\#(ttl)}}"#
        }
        let hour = #","ttl":"1h""#
        func marks(_ system: String, _ user: String) throws -> [JSONValue?] {
            let wire = try toMessages(
                #"""
                {"model":"m","messages":[{"role":"system","content":[\#(part(system))]},{"role":"user",
                "content":[\#(part(user))]}]}
                """#)
            return [wire["system"]?[0]?["cache_control"], wire["messages"]?[0]?["content"]?[0]?["cache_control"]]
        }
        let short: JSONValue = ["type": "ephemeral"]
        let long: JSONValue = ["type": "ephemeral", "ttl": "1h"]
        #expect(try marks("", hour) == [short, short])
        #expect(try marks(hour, "") == [long, short])
        #expect(try marks(hour, hour) == [long, long])
    }
}
