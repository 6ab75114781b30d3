import PatchbayPlugin
import PatchbayWire
import Testing

@testable import CanonicalChat
@testable import FormatAnthropicMessages
@testable import FormatOpenAIChat

/// Constraints of the Messages format on requests, numbered as in the list of known edge cases.
@Suite("Constraints of Messages requests")
struct MessagesRequestConstraintTests {
    private func toMessages(
        _ text: String, profile: JSONValue = .emptyObject, dialect: String? = nil
    ) throws -> (JSONValue, [ConversionLoss]) {
        var context = Formats.context {
            $0.profile = CapabilityProfile(profile)
            $0.dialect = dialect
        }
        let wire = try Formats.toMessages(try JSONValue(parsing: text), &context)
        return (wire, context.losses)
    }

    private func toChat(_ text: String, profile: JSONValue = .emptyObject) throws -> (JSONValue, [ConversionLoss]) {
        var context = Formats.context { $0.profile = CapabilityProfile(profile) }
        let wire = try Formats.toChat(try JSONValue(parsing: text), &context)
        return (wire, context.losses)
    }

    private func user(_ rest: String) -> String {
        #"{"model":"m","messages":[{"role":"user","content":"hi"}],\#(rest)}"#
    }

    @Test("E-46 a missing limit comes from the profile, else it is 8192")
    func limits() throws {
        #expect(try toMessages(user(#""n":1"#)).0["max_tokens"] == 8192)
        #expect(try toMessages(user(#""n":1"#), profile: ["max_output": 64000]).0["max_tokens"] == 64000)
        #expect(try toMessages(user(#""max_tokens":5,"max_completion_tokens":7"#)).0["max_tokens"] == 7)
    }

    @Test("E-46 a thinking budget is smaller than the limit, and raises a limit that nobody set")
    func budgets() throws {
        #expect(try toMessages(user(#""reasoning_effort":"high""#)).0["max_tokens"] == .int(8192 + 16384))
        let tight = try toMessages(user(#""reasoning_effort":"high","max_tokens":8000"#)).0
        #expect(tight["thinking"] == ["type": "enabled", "budget_tokens": 6000])
        let none = try toMessages(user(#""reasoning_effort":"high","max_tokens":900"#))
        #expect(none.0["thinking"] == nil && none.1.contains { $0.code == "reasoning.budget" })
        let given = try toMessages(user(#""thinking":{"type":"enabled","budget_tokens":3000},"max_tokens":4000"#)).0
        #expect(given["thinking"] == ["type": "enabled", "budget_tokens": 3000])
    }

    @Test(
        "Efforts and budgets follow one table",
        arguments: [
            ("minimal", 1024), ("low", 2048), ("medium", 8192), ("high", 16384), ("xhigh", 32768),
        ])
    func efforts(word: String, budget: Int) throws {
        let wire = try toMessages(user(#""reasoning_effort":"\#(word)","max_tokens":60000"#)).0
        #expect(wire["thinking"]?["budget_tokens"] == .int(budget))
        #expect(ReasoningEffort(budget: budget)?.rawValue == word)
    }

    @Test("Thinking takes the form that the profile names")
    func thinkingForms() throws {
        let adaptive: JSONValue = ["thinking": ["modes": ["adaptive", "off"], "efforts": ["low", "medium", "high"]]]
        let wire = try toMessages(user(#""reasoning_effort":"max""#), profile: adaptive).0
        #expect(wire["thinking"] == ["type": "adaptive"] && wire["output_config"] == ["effort": "high"])
        let off = try toMessages(user(#""reasoning_effort":"none""#), profile: adaptive).0
        #expect(off["thinking"] == ["type": "disabled"])
        let cannot = try toMessages(user(#""reasoning_effort":"low""#), profile: ["thinking": ["modes": []]])
        #expect(cannot.0["thinking"] == nil && cannot.1.contains { $0.code == "reasoning.effort" })
    }

    @Test("The newer version takes no sampling parameters")
    func newVersion() throws {
        let (wire, losses) = try toMessages(user(#""temperature":0.5,"top_p":0.5,"top_k":3"#), dialect: "2026-10-21")
        for name in ["temperature", "top_p", "top_k"] {
            #expect(wire[name] == nil && losses.contains { $0.code == "sampling.\(name)" && $0.severity == .degrade })
        }
        let old = try toMessages(user(#""temperature":0.5,"top_k":3"#)).0
        #expect(old["temperature"] == 0.5 && old["top_k"] == 3)
    }

    @Test("E-47 blank text goes, its cache mark stays, and an empty turn is no turn")
    func blanks() throws {
        let wire = try toMessages(
            #"""
            {"model":"m","messages":[{"role":"system","content":" "},{"role":"user","content":[{"type":"text",
            "text":"a"},{"type":"text","text":" \n","cache_control":{"type":"ephemeral"}}]},
            {"role":"assistant","content":""},{"role":"user","content":"b"}]}
            """#
        ).0
        #expect(wire["system"] == nil)
        #expect(wire["messages"]?.arrayValue?.count == 1)
        #expect(wire["messages"]?[0]?["content"]?[0]?["cache_control"] == ["type": "ephemeral"])
        #expect(throws: ConversionError.self) {
            try toMessages(#"{"model":"m","messages":[{"role":"user","content":" "}]}"#)
        }
    }

    @Test("E-48 at most four cache marks, the newest turns first")
    func cacheMarks() throws {
        let part = #"{"type":"text","text":"x","cache_control":{"type":"ephemeral"}}"#
        let wire = try toMessages(
            #"""
            {"model":"m","messages":[{"role":"system","content":[\#(part),\#(part)]},{"role":"user",
            "content":[\#(part),\#(part),\#(part),\#(part)]}],
             "tools":[{"type":"function","function":{"name":"f"},"cache_control":{"type":"ephemeral"}}]}
            """#
        ).0
        let count = wire.description.split(separator: "cache_control").count - 1
        #expect(count == 4)
        #expect(wire["tools"]?[0]?["cache_control"] != nil)
        #expect(wire["system"]?[1]?["cache_control"] != nil && wire["system"]?[0]?["cache_control"] == nil)
        #expect(wire["messages"]?[0]?["content"]?[3]?["cache_control"] != nil)
        #expect(wire["messages"]?[0]?["content"]?[0]?["cache_control"] == nil)
    }

    @Test("E-49 cache marks do not reach a Chat upstream unless it takes them")
    func strippedMarks() throws {
        let request =
            #"""
            {"model":"m","max_tokens":1,"messages":[{"role":"user","content":[{"type":"text","text":"x",
            "cache_control":{"type":"ephemeral"}}]}]}
            """#
        #expect(try toChat(request).0["messages"]?[0]?["content"] == "x")
        let kept = try toChat(request, profile: ["cache_control": true]).0
        #expect(kept["messages"]?[0]?["content"]?[0]?["cache_control"] == ["type": "ephemeral"])
    }

    @Test("E-50 turns of one side become one, unless the profile says otherwise")
    func sameSide() throws {
        let request = #"{"model":"m","messages":[{"role":"user","content":"a"},{"role":"user","content":"b"}]}"#
        #expect(try toMessages(request).0["messages"]?.arrayValue?.count == 1)
        #expect(try toMessages(request, profile: ["merge_roles": false]).0["messages"]?.arrayValue?.count == 2)
    }

    @Test("E-51 an assistant at the end is continued where the model takes no prefill")
    func prefill() throws {
        let request = #"{"model":"m","messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]}"#
        #expect(try toMessages(request).0["messages"]?.arrayValue?.count == 2)
        let (wire, losses) = try toMessages(request, profile: ["prefill": false])
        #expect(wire["messages"]?[2] == ["role": "user", "content": "Continue."])
        #expect(losses.contains { $0.code == "turn.prefill" && $0.severity == .semantic })
    }

    @Test("E-52 results come first in a user's turn")
    func resultsFirst() throws {
        let wire = try toChat(
            #"""
            {"model":"m","max_tokens":1,"messages":[{"role":"user","content":"a"},{"role":"assistant",
            "content":[{"type":"tool_use","id":"t","name":"f","input":{}}]},
            {"role":"user","content":[{"type":"text","text":"before"},{"type":"tool_result","tool_use_id":"t",
            "content":"r"},{"type":"text","text":"after"}]}]}
            """#
        ).0
        #expect(wire["messages"]?[2] == ["role": "tool", "tool_call_id": "t", "content": "r"])
        #expect(wire["messages"]?[3] == ["role": "user", "content": "before\n\nafter"])
    }

    @Test("E-53 a call in a user's turn is text")
    func callOfUser() throws {
        let wire = try toChat(
            #"""
            {"model":"m","max_tokens":1,"messages":[{"role":"user","content":[{"type":"tool_use","id":"t",
            "name":"f","input":{"a":1}}]}]}
            """#
        ).0
        #expect(wire["messages"]?[0]?["content"] == #"[call of tool f: {"a":1}]"#)
    }

    @Test("E-54 orphan results become text, and missing results are made up as failures")
    func pairing() throws {
        let (wire, losses) = try toMessages(
            #"""
            {"model":"m","messages":[{"role":"user","content":"a"},{"role":"tool","tool_call_id":"x","content":"lost"},
            {"role":"assistant","tool_calls":[{"id":"t","type":"function","function":{"name":"f","arguments":"{}"}}]}]}
            """#)
        #expect(wire["messages"]?[0]?["content"]?[1]?["text"] == "[result of tool call x] lost")
        #expect(wire["messages"]?[2]?["content"]?[0]?["is_error"] == true)
        #expect(Set(losses.map(\.code)).isSuperset(of: ["tool_result.orphan", "tool_call.unanswered"]))
        // The history has calls, so the upstream wants declarations.
        #expect(wire["tools"]?[0]?["name"] == "f" && wire["tool_choice"] == ["type": "none"])
    }

    @Test("E-55 ids that were used before get a suffix, results alike")
    func duplicateIDs() throws {
        let wire = try toMessages(
            #"""
            {"model":"m","messages":[{"role":"user","content":"a"},
            {"role":"assistant","tool_calls":[{"id":"call_0","type":"function","function":{"name":"f","arguments":"{}"}}]},
            {"role":"tool","tool_call_id":"call_0","content":"1"},
            {"role":"assistant","tool_calls":[{"id":"call_0","type":"function","function":{"name":"f","arguments":"{}"}}]},
            {"role":"tool","tool_call_id":"call_0","content":"2"}]}
            """#
        ).0
        #expect(wire["messages"]?[3]?["content"]?[0]?["id"] == "call_0_2")
        #expect(wire["messages"]?[4]?["content"]?[0]?["tool_use_id"] == "call_0_2")
        #expect(wire["messages"]?[4]?["content"]?[0]?["content"] == "2")
    }

    @Test("E-57 tool names are rewritten towards the upstream and back towards the client")
    func names() throws {
        let request = try ChatRequestReader.read(
            try JSONValue(
                parsing: user(
                    #"""
                    "tools":[{"type":"function","function":{"name":"fs.read"}},{"type":"function",
                    "function":{"name":"fs/read"}}]
                    """#
                )),
            context: Formats.context())
        var context = Formats.context { $0.request = RequestFacts(request) }
        let wire = try JSONValue(parsing: MessagesRequestWriter.write(request, context: &context))
        let first = wire["tools"]?[0]?["name"]?.stringValue ?? ""
        #expect(first != wire["tools"]?[1]?["name"]?.stringValue)
        #expect(first.utf8.allSatisfy { $0 != UInt8(ascii: ".") })
        let answer =
            #"""
            {"id":"msg_1","type":"message","model":"m","content":[{"type":"tool_use","id":"t",
            "name":"\#(first)","input":{}}],"stop_reason":"tool_use"}
            """#
        let response = try MessagesResponseReader.read(try JSONValue(parsing: answer), context: context)
        guard case .toolCall(let call)? = response.choices[0].parts.first?.content else {
            Issue.record("no call")
            return
        }
        #expect(call.name == "fs.read")
        var decoder = MessagesStreamDecoder(context)
        let events = decoder.take(
            TestFrame(
                data:
                    #"""
                    {"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"t",
                    "name":"\#(first)","input":{}}}
                    """#
            ))
        #expect(events.last?.name == "fs.read")
    }

    @Test("E-58 a budget is given up when the calls in progress were not thought of here")
    func thinkingOfOthers() throws {
        let (wire, losses) = try toMessages(
            #"""
            {"model":"m","reasoning_effort":"low","messages":[{"role":"user","content":"a"},
            {"role":"assistant","tool_calls":[{"id":"t","type":"function","function":{"name":"f","arguments":"{}"}}]},
            {"role":"tool","tool_call_id":"t","content":"1"}]}
            """#)
        #expect(wire["thinking"] == nil && losses.contains { $0.code == "reasoning.first_block" })
    }

    @Test("E-61 with thinking on no tool is forced")
    func forcedTool() throws {
        let tools =
            #"""
            "tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":{"type":"function",
            "function":{"name":"f"}}
            """#
        let (wire, losses) = try toMessages(user(tools + #","reasoning_effort":"low""#))
        #expect(wire["tool_choice"] == ["type": "auto"])
        #expect(losses.contains { $0.code == "tool_choice.forced" && $0.severity == .semantic })
        #expect(try toMessages(user(tools)).0["tool_choice"] == ["type": "tool", "name": "f"])
    }

    @Test(
        "E-62 data URLs are normalised and types come from the bytes",
        arguments: [
            ("data:image/jpeg;base64,iVBORw0KGgo", "image/png", "iVBORw0KGgo="),
            ("DATA:IMAGE/PNG;charset=utf-8;BASE64,R0lGOD\\nlh", "image/gif", "R0lGODlh"),
            ("data:;base64,_9j_4A==", "image/jpeg", "/9j/4A=="),
            ("data:image/webp;base64,UklGRgAAAABXRUJQ", "image/webp", "UklGRgAAAABXRUJQ"),
        ])
    func images(url: String, mime: String, data: String) throws {
        let wire = try toMessages(
            #"""
            {"model":"m","messages":[{"role":"user","content":[{"type":"image_url",
            "image_url":{"url":"\#(url)"}}]}]}
            """#
        ).0
        #expect(
            wire["messages"]?[0]?["content"]?[0]?["source"] == [
                "type": "base64", "media_type": .string(mime), "data": .string(data),
            ])
    }

    @Test(
        "What the format cannot carry is refused with a sentence that names it",
        arguments: [
            #""n":2,"messages":[{"role":"user","content":"a"}]"#,
            #""modalities":["text","audio"],"messages":[{"role":"user","content":"a"}]"#,
            #"""
            "messages":[{"role":"user","content":[{"type":"input_audio","input_audio":{"data":"AA==",
            "format":"wav"}}]}]
            """#,
            #"""
            "messages":[{"role":"user","content":[{"type":"image_url",
            "image_url":{"url":"data:image/heic;base64,AAAAGGZ0eXBoZWlj"}}]}]
            """#,
            #""messages":[{"role":"user","content":[{"type":"file","file":{"file_id":"file-1"}}]}]"#,
        ])
    func refused(members: String) throws {
        var context = Formats.context()
        let request = try JSONValue(parsing: #"{"model":"m",\#(members)}"#)
        let error = #expect(throws: ConversionError.self) { try Formats.toMessages(request, &context) }
        #expect(error?.code == .unsupported && error?.sentence.contains("anthropic.messages") == true)
        #expect(context.losses.contains { $0.severity == .fatal })
    }

    @Test("E-63 contents of results are kept: empty, null, images and failure")
    func results() throws {
        let wire = try toMessages(
            #"""
            {"model":"m","messages":[{"role":"user","content":"a"},{"role":"assistant","tool_calls":[
            {"id":"t","type":"function","function":{"name":"f","arguments":"[1]"}},{"id":"u","type":"function","function":{"name":"f","arguments":"{"}}]},
            {"role":"tool","tool_call_id":"t","content":""},{"role":"tool","tool_call_id":"u","content":"{\"a\":1}"}]}
            """#
        ).0
        #expect(wire["messages"]?[1]?["content"]?[0]?["input"] == ["value": [1]])
        #expect(wire["messages"]?[1]?["content"]?[1]?["input"] == ["_raw": "{"])
        #expect(wire["messages"]?[2]?["content"]?[0]?["content"] == "")
        #expect(wire["messages"]?[2]?["content"]?[1]?["content"] == #"{"a":1}"#)
    }

    @Test("E-67 a system message in the middle stays in place")
    func midSystem() throws {
        let request =
            #"""
            {"model":"m","max_tokens":1,"messages":[{"role":"user","content":"a"},{"role":"system",
            "content":"s"},{"role":"user","content":"b"}]}
            """#
        #expect(
            try toChat(request, profile: ["mid_system_chat": "keep"]).0["messages"]?[1] == [
                "role": "system", "content": "s",
            ])
        #expect(
            try toChat(request, profile: ["mid_system_chat": "developer"]).0["messages"]?[1]?["role"] == "developer")
        #expect(try toChat(request).0["messages"]?[1]?["content"] == "<system-reminder>\ns\n</system-reminder>")
    }

    @Test("E-68 developer messages are instructions")
    func developer() throws {
        let wire = try toMessages(
            #"{"model":"m","messages":[{"role":"developer","content":"d"},{"role":"user","content":"a"}]}"#
        ).0
        #expect(wire["system"] == "d")
    }

    @Test("E-106 nesting without end is refused")
    func depth() {
        let deep = String(repeating: "[", count: 400) + String(repeating: "]", count: 400)
        #expect(throws: JSONError.self) { try JSONValue(parsing: #"{"model":"m","messages":\#(deep)}"#) }
    }

    @Test("E-108 strings for numbers and flags are read, and refused in strict mode")
    func lax() throws {
        let text = user(#""stream":"true","max_tokens":"12","temperature":"0.5""#)
        let wire = try toMessages(text).0
        #expect(wire["stream"] == true && wire["max_tokens"] == 12 && wire["temperature"] == 0.5)
        let strict = Formats.context { $0.strict = true }
        #expect(throws: ConversionError.self) {
            try ChatRequestReader.read(try JSONValue(parsing: text), context: strict)
        }
    }

    @Test("E-109 empty lists are dropped, an empty conversation is refused")
    func empty() throws {
        let wire = try toMessages(user(#""tools":[],"tool_choice":"auto""#)).0
        #expect(wire["tools"] == nil && wire["tool_choice"] == nil)
        for text in [
            #"{"model":"m","messages":[]}"#, #"{"model":"m"}"#, #"{"messages":[{"role":"user","content":"a"}]}"#, "[]",
        ] {
            let document = try JSONValue(parsing: text)
            #expect(throws: ConversionError.self) { try ChatRequestReader.read(document, context: Formats.context()) }
            #expect(throws: ConversionError.self) {
                try MessagesRequestReader.read(document, context: Formats.context())
            }
        }
    }

    @Test("Unknown members of a request come back in the same format and are lost, with a note, in the other")
    func unknownMembers() throws {
        let text = user(#""future_thing":{"b":1.0,"a":[9007199254740993]},"store":false"#)
        var context = Formats.context()
        let canonical = try Formats.crossed(try ChatRequestReader.read(try JSONValue(parsing: text), context: context))
        let same = try JSONValue(parsing: ChatRequestWriter.write(canonical, context: &context))
        #expect(same["future_thing"]?.description == #"{"b":1.0,"a":[9007199254740993]}"# && same["store"] == false)
        let (other, losses) = try toMessages(text)
        #expect(other["future_thing"] == nil)
        #expect(losses.contains { $0.code == "native.future_thing" && $0.path == "/native/openai.chat/future_thing" })
    }

    @Test("A custom tool travels as a function and comes back as one")
    func customTool() throws {
        let text = user(#""tools":[{"type":"custom","custom":{"name":"sql","description":"runs"}}]"#)
        let request = try ChatRequestReader.read(try JSONValue(parsing: text), context: Formats.context())
        var context = Formats.context { $0.request = RequestFacts(request) }
        let wire = try JSONValue(parsing: MessagesRequestWriter.write(request, context: &context))
        #expect(wire["tools"]?[0]?["input_schema"]?["properties"]?["input"] == ["type": "string"])
        let answer =
            #"""
            {"id":"m","type":"message","content":[{"type":"tool_use","id":"t","name":"sql",
            "input":{"input":"select 1"}}],"stop_reason":"tool_use"}
            """#
        let response = try MessagesResponseReader.read(try JSONValue(parsing: answer), context: context)
        let chat = try JSONValue(parsing: ChatResponseWriter.write(response, context: &context))
        #expect(chat["choices"]?[0]?["message"]?["tool_calls"]?[0]?["custom"] == ["name": "sql", "input": "select 1"])
        var encoder = ChatStreamEncoder(context)
        #expect(encoder.text(response.events()).contains(#""custom":{"name":"sql","input":"select 1"}"#))
    }
}
