import NIOCore
import PatchbayStore
import PatchbayWire
import Testing

@testable import PatchbayGateway

@Suite struct ResponsesTests {
    private func turn(_ body: String) throws -> ResponsesTurn {
        try ResponsesTurn(scanning: ByteBuffer(string: body))
    }

    @Test func aRequestSaysWhatItWantsOfState() throws {
        let plain = try turn(#"{"model":"m","input":"a"}"#)
        #expect(plain.keeps && plain.previous == nil && !plain.hasPrompt)
        let full = try turn(#"{"store":false,"previous_response_id":"resp_1","prompt":{"id":"p"},"background":false}"#)
        #expect(!full.keeps && full.previous == "resp_1" && full.hasPrompt)
        let null = try turn(#"{"store":null,"previous_response_id":null,"prompt":null,"conversation":null}"#)
        #expect(null.keeps && null.previous == nil && !null.hasPrompt && !null.isBackground)
        #expect(try turn(#"{"background":true}"#).isBackground)
    }

    @Test(arguments: [#"{"conversation":"c"}"#, #"{"conversation":{"id":"c"},"previous_response_id":null}"#])
    func aConversationIsNamedInTwoWays(body: String) throws {
        let said = try turn(body)
        #expect(said.conversation == "c" && said.isKept)
    }

    @Test(arguments: [
        (#"{"conversation":7}"#, "conversation"), (#"{"conversation":{"name":"c"}}"#, "conversation"),
        (#"{"conversation":"c","previous_response_id":"r"}"#, "conversation"),
        (#"{"previous_response_id":5}"#, "previous_response_id"),
    ])
    func whatTheGatewayDoesNotKeepIsRefused(body: String, parameter: String) {
        let error = #expect(throws: GatewayError.self) { try turn(body) }
        #expect(error?.parameter == parameter && error?.status == 400)
    }

    private func stored(_ id: String, _ input: String, _ output: String, channel: String? = nil) -> StoredResponse {
        StoredResponse(
            id: id, owner: "a", previous: nil, channel: channel, input: Array(input.utf8),
            response: Array(#"{"id":"\#(id)","output":\#(output)}"#.utf8))
    }

    @Test func aConversationStandsBeforeTheNewItems() throws {
        let chain = [
            stored(
                "resp_1", #"[{"role":"user","content":"one"}]"#,
                #"[{"id":"msg_1","type":"message","role":"assistant","content":[]}]"#),
            stored(
                "resp_2", #"[{"role":"user","content":"two"}]"#,
                #"[{"id":"rs_1","type":"reasoning","summary":[]},{"id":"rs_2","type":"reasoning","encrypted_content":"x"}]"#,
                channel: "site/account"),
        ]
        let body = #"{"model":"m","previous_response_id":"resp_2","input":"three","seed":1.0}"#
        let said = ResponsesConversation.said(
            try JSONValue(
                parsing: #"""
                    {"id":"msg_1","type":"message","status":"completed","role":"assistant","phase":"commentary","content":
                    [{"type":"output_text","text":"a","annotations":[]},{"type":"refusal","refusal":"b"}]}
                    """#))
        #expect(said == ["type": "message", "role": "assistant", "phase": "commentary", "content": "ab"])
        let composed = try #require(self.composed(RecalledResponses(conversation: chain), "resp_2", [], body))
        #expect(composed.channel == "site/account")
        let whole = try JSONValue(parsing: composed.body)
        #expect(whole["previous_response_id"] == "resp_2" && whole["input"]?.arrayValue?.count == 6)
        #expect(whole["input"]?[1]?["id"] == nil && whole["input"]?[1]?["type"] == "message")
        #expect(whole["input"]?[5] == ["type": "message", "role": "user", "content": "three"])
        let portable = try JSONValue(parsing: composed.portable)
        #expect(portable["previous_response_id"] == nil && portable["input"]?.arrayValue?.count == 5)
        #expect(portable["input"]?[3]?["id"] == "rs_2")
        guard case .previousMissing = outcome(RecalledResponses(), "resp_2", [], body) else {
            Issue.record("a conversation of nothing was put together")
            return
        }
    }

    private func outcome(
        _ recalled: RecalledResponses, _ previous: String?, _ references: [String], _ body: String
    ) -> ResponsesConversation.Outcome {
        ResponsesConversation.outcome(recalled, previous: previous, references, body: Array(body.utf8))
    }

    private func composed(
        _ recalled: RecalledResponses, _ previous: String?, _ references: [String], _ body: String
    ) -> ResponsesConversation.Composed? {
        guard case .composed(let composed) = outcome(recalled, previous, references, body) else { return nil }
        return composed
    }

    @Test func whatARequestOnlyNamesIsSaidInIt() throws {
        let holder = stored(
            "resp_1", "[]",
            #"[{"id":"rs_1","type":"reasoning","summary":[]},{"id":"msg_1","type":"message","role":"assistant"}]"#,
            channel: "a")
        let body = """
            {"model":"m","input":[{"role":"user","content":"one","id":"msg_0"},{"type":"item_reference","id":"rs_1"},\
            {"id":"msg_1"},{"type":"message","id":"msg_7","role":"user","content":"two"}]}
            """
        let turn = try turn(body)
        #expect(turn.references == ["rs_1", "msg_1"] && turn.refersBack)
        let recalled = RecalledResponses(holders: [holder])
        let composed = try #require(self.composed(recalled, nil, turn.references, body))
        #expect(composed.channel == "a")
        let input = try JSONValue(parsing: composed.body)["input"]
        #expect(input?[1]?["type"] == "reasoning" && input?[2] == ["type": "message", "role": "assistant"])
        #expect(try JSONValue(parsing: composed.portable)["input"]?.arrayValue?.count == 3)
        #expect(try JSONValue(parsing: try #require(composed.input)) == input)
        guard case .itemMissing("msg_1") = outcome(RecalledResponses(), nil, ["msg_1"], body) else {
            Issue.record("an item that is not there was not missed")
            return
        }
        // Nobody alone knows what two parties said.
        let both = RecalledResponses(conversation: [stored("resp_0", "[]", "[]")], holders: [holder])
        #expect(self.composed(both, "resp_0", turn.references, body)?.channel == nil)
    }

    @Test func itemsOfAnOutputAreFound() {
        let ids = Array(#"{"id":"a","output":[{"id":"x","content":[{"id":"no"}]},{},{"id":"y"}]}"#.utf8)
            .withUnsafeBytes { ResponsesConversation.outputIDs(of: $0) }
        #expect(ids == ["x", "y"])
    }

    @Test(arguments: [
        (#"{"input":"a\"b"}"#, #"[{"type":"message","role":"user","content":"a\"b"}]"#),
        (#"{"input":[{"x":1.0}]}"#, #"[{"x":1.0}]"#), (#"{"model":"m"}"#, "[]"), ("{", "[]"),
    ])
    func whatARequestAddsIsAnArray(body: String, expected: String) {
        let input = Array(body.utf8).withUnsafeBytes { ResponsesConversation.input(of: $0) }
        #expect(String(decoding: input, as: UTF8.self) == expected)
    }

    @Test func inputItemsComeInPagesWithIds() throws {
        let chain = [
            stored(
                "resp_1", #"[{"role":"user","content":"one"}]"#,
                #"[{"id":"msg_1","type":"message","role":"assistant","content":[]}]"#),
            stored("resp_2", #"[{"type":"function_call_output","call_id":"c","output":"x"}]"#, "[]"),
        ]
        func page(_ query: String) throws -> JSONValue {
            try JSONValue(parsing: ResponsesInputPage.document(chain, try ResponsesInputPage.Query(query)))
        }
        let all = try page("order=asc")
        #expect(all["data"]?.arrayValue?.compactMap { $0["id"] } == ["msg_resp_1_0", "msg_1", "out_resp_2_0"])
        #expect(all["data"]?[0]?["content"] == [["type": "input_text", "text": "one"]])
        #expect(all["has_more"] == false)
        let first = try page("limit=1")
        #expect(first["last_id"] == "out_resp_2_0" && first["has_more"] == true)
        #expect(try page("limit=5&after=out_resp_2_0")["first_id"] == "msg_1")
        for query in ["limit=0", "limit=101", "limit=x", "order=up"] {
            #expect(throws: GatewayError.self) { try ResponsesInputPage.Query(query) }
        }
    }

    @Test func aStreamWithoutOutputIsCompletedFromItsItems() {
        func completed(_ response: String, _ items: String) -> String {
            String(decoding: Exchange.complete(Array(response.utf8), with: Array(items.utf8)), as: UTF8.self)
        }
        #expect(
            completed(#"{"id":"a","output":[ ]}"#, #"{"x":1.0},{"y":2}"#)
                == #"{"id":"a","output":[{"x":1.0},{"y":2}]}"#)
        #expect(completed(#"{"output":[1]}"#, #"{"x":1}"#) == #"{"output":[1]}"#)
        #expect(completed(#"{"output":[]}"#, "") == #"{"output":[]}"#)
    }

    @Test func aKeptResponseIsReplayedInOrder() throws {
        let document = #"""
            {"id":"resp_1","status":"completed","usage":{},"output":[
            {"id":"rs_1","type":"reasoning","summary":[{"type":"summary_text","text":"hm"}]},
            {"id":"msg_1","type":"message","status":"completed","role":"assistant","content":[
            {"type":"output_text","text":"hi","annotations":[{"type":"url_citation"}]},
            {"type":"refusal","refusal":"no"}]},
            {"id":"fc_1","type":"function_call","status":"completed","arguments":"{}"},
            {"id":"ct_1","type":"custom_tool_call","input":"x"},{"id":"ws_1","type":"web_search_call"}]}
            """#
        func events(after: Int) throws -> [JSONValue] {
            let stream = String(decoding: ResponsesReplay.stream(Array(document.utf8), after: after), as: UTF8.self)
            return try stream.split(separator: "\n").filter { $0.hasPrefix("data: ") }.map {
                try JSONValue(parsing: String($0.dropFirst(6)))
            }
        }
        let all = try events(after: -1)
        #expect(
            all.compactMap { $0["type"]?.stringValue } == [
                "created", "in_progress", "output_item.added", "reasoning_summary_part.added",
                "reasoning_summary_text.delta", "reasoning_summary_text.done", "reasoning_summary_part.done",
                "output_item.done", "output_item.added", "content_part.added", "output_text.delta",
                "output_text.annotation.added", "output_text.done", "content_part.done", "content_part.added",
                "refusal.delta", "refusal.done", "content_part.done", "output_item.done", "output_item.added",
                "function_call_arguments.delta", "function_call_arguments.done", "output_item.done",
                "output_item.added", "custom_tool_call_input.delta", "custom_tool_call_input.done",
                "output_item.done", "output_item.added", "output_item.done", "completed",
            ].map { "response." + $0 })
        #expect(all.compactMap { $0["sequence_number"]?.intValue } == Array(0..<all.count))
        #expect(all[0]["response"]?["output"] == [] && all[0]["response"]?["usage"] == .null)
        #expect(try events(after: 27) == Array(all.dropFirst(28)))
        #expect(ResponsesReplay.stream([0x7B], after: -1).isEmpty)
    }

    @Test func queriesOfKeptResponsesAreChecked() throws {
        let query = try ResponseQuery("include=x&stream=true&starting_after=7")
        #expect(query.isStream && query.after == 7)
        #expect(try !ResponseQuery("stream=false").isStream)
        #expect(throws: GatewayError.self) { try ResponseQuery("starting_after=x") }
    }

    @Test func inputTokensAreEstimated() throws {
        let body = ByteBuffer(string: #"{"model":"m","input":[{"role":"user","content":"twelve chars"}]}"#)
        let document = String(decoding: try ResponsesInputTokens.document(for: body), as: UTF8.self)
        #expect(document == #"{"object":"response.input_tokens","input_tokens":2}"#)
        #expect(throws: GatewayError.self) { try ResponsesInputTokens.document(for: ByteBuffer(string: "[")) }
    }

    /// E-59, E-69
    @Test func sealedReasoningIsTakenOutAndTheRestStays() throws {
        let request =
            #"{"canon":1,"turns":[{"role":"assistant","parts":[{"k":"reasoning","text":"a","opaque":[{"kind":"signature","data":"x"}]},{"k":"reasoning","text":"b"},{"k":"reasoning_redacted","opaque":[]},{"k":"text","text":"c","n":1.0}]}]}"#
        let stripped = try #require(SealedReasoning.stripped(Array(request.utf8)))
        #expect(
            String(decoding: stripped, as: UTF8.self)
                == #"{"canon":1,"turns":[{"role":"assistant","parts":[{"k":"reasoning","text":"b"},{"k":"text","text":"c","n":1.0}]}]}"#
        )
        #expect(SealedReasoning.stripped(stripped) == nil)
        #expect(SealedReasoning.stripped(Array("[]".utf8)) == nil)
    }

    @Test func theGatewaysOwnFailureIsAWholeResponse() throws {
        let error = GatewayError(.streamTruncated, "it broke", status: 502)
        let frame = String(
            decoding: ResponsesFailure.frame(error, id: "resp_x", created: 5, model: "m", sequence: 7), as: UTF8.self)
        #expect(frame.hasPrefix("event: response.failed\ndata: {") && frame.hasSuffix("}\n\n"))
        let document = try JSONValue(parsing: String(frame.dropFirst(29).dropLast(2)))
        #expect(document["sequence_number"] == 7 && document["response"]?["status"] == "failed")
        #expect(document["response"]?["error"] == ["code": "server_error", "message": "it broke"])
    }
}
