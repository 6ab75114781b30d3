import PatchbayPlugin
import PatchbayWire
import Testing

@testable import CanonicalChat
@testable import FormatAnthropicMessages
@testable import FormatGemini
@testable import FormatOpenAIChat

@Suite("Gemini requests at the edges")
struct GeminiRequestEdgeTests {
    private func json(_ text: String) throws -> JSONValue { try JSONValue(parsing: text) }

    private func history(_ result: String) throws -> JSONValue {
        try json(
            #"{"model":"m","messages":[{"role":"user","content":"go"},{"role":"assistant","tool_calls":[{"id":"a","#
                + #""type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"a","#
                + #""content":\#(JSONValue.string(result).description)}]}"#)
    }

    private func response(_ result: String) throws -> JSONValue? {
        let wire = try Gemini.fromChat(try history(result)).wire
        return wire["contents"]?[2]?["parts"]?[0]?["functionResponse"]?["response"]
    }

    @Test("E-85 results with references inside go as text")
    func references() throws {
        for text in [##"{"$ref":"#/x"}"##, #"{"a":[{"ref":"y"}]}"#, #"{"schema":{"$defs":{}}}"#] {
            #expect(try response(text) == ["output": .string(text)])
        }
        #expect(try response(#"{"a":1.0}"#)?.description == #"{"a":1.0}"#)
        #expect(try response("[1]") == ["output": "[1]"])
        #expect(try response("plain") == ["output": "plain"])
    }

    @Test("E-89 results stand right behind their calls, as many and in the same order")
    func regrouped() throws {
        let wire = try Gemini.fromMessages(
            try json(
                #"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"go"},{"role":"assistant","content":["#
                    + #"{"type":"tool_use","id":"a","name":"f","input":{}},{"type":"tool_use","id":"b","name":"g","input":{}},"#
                    + #"{"type":"tool_use","id":"c","name":"h","input":{}}]},{"role":"user","content":["#
                    + #"{"type":"text","text":"and"},{"type":"tool_result","tool_use_id":"b","content":"2"},"#
                    + #"{"type":"tool_result","tool_use_id":"a","content":"1","is_error":true}]}]}"#)
        ).wire
        let contents = try #require(wire["contents"]?.arrayValue)
        #expect(contents.map { $0["role"]?.stringValue } == ["user", "model", "user", "user"])
        let results = contents[2]["parts"]?.arrayValue?.compactMap { $0["functionResponse"] } ?? []
        #expect(results.map { $0["name"]?.stringValue } == ["f", "g", "h"])
        #expect(results[0]["response"] == ["error": "1"])
        #expect(results[2]["response"] == ["error": "(no output)"])
        #expect(contents[3]["parts"] == [["text": "and"]])
    }

    @Test("E-90 a result has the name that the model called")
    func names() throws {
        let wire = try Gemini.fromChat(
            try json(
                #"{"model":"m","messages":[{"role":"user","content":"go"},{"role":"assistant","tool_calls":[{"id":"a","#
                    + #""type":"function","function":{"name":"1 odd/name","arguments":""}}]},"#
                    + #"{"role":"tool","tool_call_id":"a","name":"unknown","content":"x"}],"tools":[{"type":"function","#
                    + #""function":{"name":"1 odd/name"}}]}"#)
        ).wire
        let declared = wire["tools"]?[0]?["functionDeclarations"]?[0]?["name"]?.stringValue
        #expect(declared?.hasPrefix("_1_odd_name_") == true)
        #expect(wire["contents"]?[1]?["parts"]?[0]?["functionCall"]?["name"]?.stringValue == declared)
        #expect(wire["contents"]?[2]?["parts"]?[0]?["functionResponse"]?["name"]?.stringValue == declared)
    }

    @Test("E-90 results without ids find their calls by name and by order")
    func pairing() throws {
        let request = try Gemini.read(try Fixture.json("requests/gemini/calls-and-results/request.json"))
        let calls = request.turns[1].parts.compactMap {
            if case .toolCall(let call) = $0.content { call.id } else { nil }
        }
        let results = request.turns[2].parts.compactMap {
            if case .toolResult(let result) = $0.content { result.callID } else { nil }
        }
        #expect(calls == results && Set(calls).count == 3)
        // Ids stay the same when the conversation grows.
        #expect(try Gemini.read(try Fixture.json("requests/gemini/calls-and-results/request.json")) == request)
    }

    @Test("E-91 the signature of a call goes back with the call, through a client of Chat")
    func signatureThroughChat() throws {
        let wire = try Gemini.fromChat(
            try json(
                #"{"model":"m","messages":[{"role":"user","content":"go"},{"role":"assistant","tool_calls":[{"id":"a","#
                    + #""type":"function","function":{"name":"f","arguments":"{}"},"#
                    + #""extra_content":{"google":{"thought_signature":"c2ln"}}},{"id":"b","type":"function","#
                    + #""function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"a","content":"1"},"#
                    + #"{"role":"tool","tool_call_id":"b","content":"2"}]}"#)
        ).wire
        let parts = wire["contents"]?[1]?["parts"]?.arrayValue ?? []
        #expect(parts.count == 2)
        #expect(parts.first?["thoughtSignature"] == "c2ln")
        #expect(parts.last?["thoughtSignature"] == nil)
    }

    @Test("E-92 calls of another provider get the mark that turns the check off, in the turn in progress only")
    func sentinel() throws {
        let call = #"{"type":"tool_use","id":"ID","name":"f","input":{}}"#
        let result = #"{"role":"user","content":[{"type":"tool_result","tool_use_id":"ID","content":"x"}]}"#
        func step(_ id: String) -> String {
            #"{"role":"assistant","content":[{"type":"thinking","thinking":"t","signature":"c2ln"},"#
                + call.replacing("ID", with: id) + "]}," + result.replacing("ID", with: id)
        }
        let text =
            #"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"one"},"# + step("a")
            + #",{"role":"assistant","content":"done"},{"role":"user","content":"two"},"# + step("b") + "," + step("c")
            + "]}"
        let (wire, losses) = try Gemini.fromMessages(try json(text))
        let marks = wire["contents"]?.arrayValue?.compactMap { content -> String? in
            let part = content["parts"]?.arrayValue?.first { $0["functionCall"] != nil }
            return part.map { $0["thoughtSignature"]?.stringValue ?? "none" }
        }
        #expect(marks == ["none", GeminiFormat.skippedSignature, GeminiFormat.skippedSignature])
        #expect(losses.contains("reasoning.history") && losses.contains("reasoning.signature"))
        #expect(!wire.description.contains("c2ln"))
        let plain = try Gemini.fromMessages(try json(text)) { $0.profile.reasoningEcho = "none" }.wire
        #expect(!plain.description.contains("thoughtSignature"))
    }

    @Test("E-97 what Google's parsers forgive is forgiven")
    func lenient() throws {
        let request = try Gemini.read(
            try json(
                #"{"system_instruction":"Be brief.","contents":[{"parts":{"text":"hi"}},{"role":"model","parts":[{"#
                    + #""function_call":{"name":"f","args":{"snake_name":1}}}]},{"role":"function","parts":[{"#
                    + #""function_response":{"name":"f","response":{"result":"x"}}}]},{"parts":[{"inline_data":{"#
                    + #""mime_type":"image/png","data":"iVBORw0KGgo-_w"}}]}],"#
                    + #""tools":[{"function_declarations":[{"name":"f","parameters":{"type":"object","#
                    + #""properties":{"snake_name":{"type":"string"}}}}]}],"#
                    + #""tool_config":{"function_calling_config":{"mode":"any","allowed_function_names":["f"]}},"#
                    + #""generation_config":{"max_output_tokens":"50","top_k":40.0,"stop_sequences":["x"],"#
                    + #""response_mime_type":"application/json"}}"#))
        #expect(request.system[0].parts == [.text("Be brief.")])
        #expect(request.turns.map(\.role) == [.user, .assistant, .user, .user])
        guard case .toolCall(let call) = request.turns[1].parts[0].content,
            case .media(let media) = request.turns[3].parts[0].content
        else {
            Issue.record("parts were not read")
            return
        }
        #expect(call.arguments == #"{"snake_name":1}"#)
        #expect(media.source == .base64(mime: "image/png", data: "iVBORw0KGgo+/w=="))
        #expect(request.tools[0].schema?["properties"]?["snake_name"] != nil)
        #expect(request.toolChoice == CanonicalToolChoice(.named, names: ["f"]))
        #expect(request.limits.maxOutput == 50)
        #expect(request.sampling["top_k"]?.description == "40")
        #expect(request.output.format?.kind == .json)
    }

    @Test("E-98 a budget and a level at once become the budget")
    func oneMeasure() throws {
        let source = try json(
            #"{"contents":[{"role":"user","parts":[{"text":"hi"}]}],"generationConfig":{"thinkingConfig":{"#
                + #""thinkingBudget":99,"thinkingLevel":"HIGH"}}}"#)
        var context = Formats.context()
        let wire = try Gemini.write(try Gemini.read(source), &context)
        #expect(wire["generationConfig"]?["thinkingConfig"] == ["thinkingBudget": 99])
    }

    @Test(
        "E-98 reasoning is asked for in the model's own measure and within its range",
        arguments: [
            (
                "low", #"{"includeThoughts":true,"thinkingBudget":2048}"#,
                #"{"includeThoughts":true,"thinkingLevel":"LOW"}"#
            ),
            (
                "max", #"{"includeThoughts":true,"thinkingBudget":24576}"#,
                #"{"includeThoughts":true,"thinkingLevel":"HIGH"}"#
            ),
            ("none", #"{"thinkingBudget":0}"#, #"{"thinkingLevel":"MINIMAL"}"#),
        ])
    func effort(word: String, budget: String, level: String) throws {
        let request: JSONValue = [
            "model": "m", "reasoning_effort": .string(word), "messages": [["role": "user", "content": "hi"]],
        ]
        #expect(try Gemini.fromChat(request).wire["generationConfig"]?["thinkingConfig"]?.description == budget)
        let leveled = try Gemini.fromChat(request) { $0.profile.thinkingModes = ["level"] }.wire
        #expect(leveled["generationConfig"]?["thinkingConfig"]?.description == level)
    }

    @Test("What the format cannot say at all is refused with the field and the format")
    func refused() throws {
        let audio = try json(
            #"{"model":"m","modalities":["text","audio"],"messages":[{"role":"user","content":"hi"}]}"#)
        #expect {
            try Gemini.fromChat(audio)
        } throws: {
            ($0 as? ConversionError)?.sentence.contains("`modalities`") == true
        }
        for body in [
            #"{}"#, #"{"contents":[]}"#, #"{"contents":[{"parts":[]}]}"#, #"{"contents":[{"role":"x","parts":[]}]}"#,
        ] {
            #expect(throws: ConversionError.self) { try Gemini.read(try json(body)) }
        }
    }

    @Test("Signatures of other providers come back through a client of this format")
    func carriers() throws {
        let sealed = CanonicalOpaque(kind: "signature", provider: "anthropic", data: "EqQB:x==")
        let carried = GeminiSignature.write(sealed, id: nil)
        let chunks: JSONValue = [
            "contents": [
                ["role": "user", "parts": [["text": "go"]]],
                ["role": "model", "parts": [["text": "Let me ", "thought": true]]],
                ["role": "model", "parts": [["text": "see.", "thought": true]]],
                ["role": "model", "parts": [["text": "", "thought": true, "thoughtSignature": .string(carried)]]],
                ["role": "model", "parts": [["text": "Yes"]]], ["role": "user", "parts": [["text": "and"]]],
            ]
        ]
        let request = try Gemini.read(chunks)
        let thought = CanonicalReasoning(text: "Let me see.", opaque: sealed)
        #expect(request.turns[1].parts.map(\.content) == [.reasoning(thought), .text("Yes")])
        var context = Formats.context()
        let wire = try JSONValue(parsing: MessagesRequestWriter.write(request, context: &context))
        #expect(
            wire["messages"]?[1]?["content"]?[0]
                == ["type": "thinking", "thinking": "Let me see.", "signature": "EqQB:x=="])
    }
}
