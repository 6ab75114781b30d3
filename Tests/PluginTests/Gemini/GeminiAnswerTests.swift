import PatchbayPlugin
import PatchbayWire
import Testing

@testable import CanonicalChat
@testable import FormatAnthropicMessages
@testable import FormatGemini
@testable import FormatOpenAIChat

@Suite("Gemini answers")
struct GeminiAnswerTests {
    private func chat(_ response: CanonicalResponse) throws -> JSONValue {
        var context = Formats.context()
        return try JSONValue(parsing: ChatResponseWriter.write(try Formats.crossed(response), context: &context))
    }

    private func own(_ response: CanonicalResponse, _ change: (inout ConversionContext) -> Void = { _ in }) throws
        -> JSONValue
    {
        var context = Formats.context(change)
        return try JSONValue(parsing: GeminiResponseWriter.write(try Formats.crossed(response), context: &context))
    }

    @Test("An answer survives the way through the canonical model")
    func identity() throws {
        let source = try Fixture.json("turn/gemini.response.json")
        let response = try GeminiResponseReader.read(source, context: Formats.context())
        #expect(Fixture.pretty(try own(response).sorted) == Fixture.pretty(source.sorted))
    }

    @Test("Answers of other formats become the expected Gemini answer", arguments: ["chat", "messages"])
    func golden(source: String) throws {
        let wire = try Fixture.json("turn/\(source).response.json")
        let response =
            source == "chat"
            ? try ChatResponseReader.read(wire, context: Formats.context())
            : try MessagesResponseReader.read(wire, context: Formats.context())
        try Fixture.expect(try own(response), equals: "turn/\(source).response-gemini.json")
    }

    @Test("E-91 a signature reaches clients of Chat on its call, also of parallel calls")
    func signatures() throws {
        let response = try GeminiResponseReader.read(
            try Fixture.json("turn/gemini.response.json"), context: Formats.context())
        let calls = try chat(response)["choices"]?[0]?["message"]?["tool_calls"]?.arrayValue ?? []
        #expect(calls.first?["extra_content"]?["google"]?["thought_signature"] == "c2lnLTAxVHVybg==")
        #expect(calls.count == 2 && calls.last?["extra_content"] == nil)
        var encoder = ChatStreamEncoder(Formats.context())
        let streamed = encoder.text(try Gemini.turn("gemini"))
        #expect(streamed.contains(#""extra_content":{"google":{"thought_signature":"c2lnLTAxVHVybg=="}}"#))
        #expect(!streamed.contains("reasoning_details"))
    }

    @Test("E-91 a signature on a part of its own, after the text, is kept")
    func trailingSignature() throws {
        let events = Gemini.decode([
            Gemini.frame(#"{"text":"Hi"}"#),
            Gemini.frame(#"{"text":"","thoughtSignature":"c2ln"}"#, #","finishReason":"STOP""#),
        ])
        let parts = events.folded.response.choices[0].parts.map(\.content)
        let opaque = CanonicalOpaque(kind: "thought_signature", provider: "google", data: "c2ln")
        #expect(parts == [.text("Hi"), .reasoning(CanonicalReasoning(opaque: opaque))])
        var encoder = GeminiStreamEncoder(Formats.context())
        #expect(encoder.text(events).contains(#""parts":[{"text":"","thoughtSignature":"c2ln"}]"#))
    }

    @Test("E-93 an answer without candidates was refused; one without content is empty; neither fails")
    func nothing() throws {
        let refused = try Gemini.response(
            #"{"promptFeedback":{"blockReason":"SAFETY"},"usageMetadata":{"promptTokenCount":4}}"#)
        #expect(refused.choices.map(\.finish?.reason) == [.contentFilter])
        #expect(try chat(refused)["choices"]?[0]?["finish_reason"] == "content_filter")
        let events = Gemini.decode([#"{"promptFeedback":{"blockReason":"SAFETY"}}"#])
        #expect(events.folded.isClean && events.folded.response.choices[0].finish?.reason == .contentFilter)
        let empty = try Gemini.response(#"{"candidates":[{"finishReason":"STOP"}],"modelVersion":"m"}"#)
        #expect(empty.choices[0].parts.isEmpty && empty.choices[0].finish?.reason == .stop)
        #expect(throws: ConversionError.self) { try Gemini.response("{}") }
    }

    @Test("E-94 a malformed call is no call")
    func malformed() throws {
        let response = try Gemini.response(
            #"{"candidates":[{"content":{"parts":[]},"finishReason":"MALFORMED_FUNCTION_CALL"}]}"#)
        #expect(response.choices[0].finish?.reason == .malformedToolCall)
        #expect(try chat(response)["choices"]?[0]?["finish_reason"] == "stop")
        #expect(try own(response)["candidates"]?[0]?["finishReason"] == "MALFORMED_FUNCTION_CALL")
        // The other way: arguments that are no JSON must not be executed.
        let broken = CanonicalPart(.toolCall(CanonicalToolCall(id: "a", name: "f", arguments: #"{"x":"#)))
        var answer = CanonicalResponse()
        answer.choices = [CanonicalChoice(index: 0, parts: [broken], finish: CanonicalFinish(.toolCalls))]
        let wire = try own(answer)
        #expect(wire["candidates"]?[0]?["finishReason"] == "MALFORMED_FUNCTION_CALL")
        #expect(wire["candidates"]?[0]?["content"]?["parts"] == .emptyArray)
        var encoder = GeminiStreamEncoder(Formats.context())
        let streamed = encoder.text(answer.events())
        #expect(streamed.contains("MALFORMED_FUNCTION_CALL") && !streamed.contains("functionCall\""))
    }

    @Test("E-95 text before a refusal stays")
    func safety() {
        let fold = Gemini.decode([
            Gemini.frame(#"{"text":"So"}"#), #"{"candidates":[{"finishReason":"SAFETY","index":0}]}"#,
        ])
        .folded
        #expect(fold.isClean)
        #expect(fold.response.choices[0].parts == [.text("So")])
        #expect(fold.response.choices[0].finish == CanonicalFinish(.contentFilter, native: "SAFETY"))
    }

    @Test(
        "E-96 errors are read from arrays, and a bad key is one although its status is 400",
        arguments: [
            (
                400,
                #"[{"error":{"code":400,"message":"API key not valid.","status":"INVALID_ARGUMENT","details":[{"@type":"x","reason":"API_KEY_INVALID"}]}}]"#,
                ErrorCategory.authentication, nil as Int?
            ),
            (400, #"{"error":{"code":400,"message":"Bad field","status":"INVALID_ARGUMENT"}}"#, .invalidRequest, nil),
            (403, #"{"error":{"code":403,"message":"no","status":"PERMISSION_DENIED"}}"#, .permission, nil),
            (
                503, #"{"error":{"code":503,"message":"The model is overloaded.","status":"UNAVAILABLE"}}"#,
                .overloaded, nil
            ),
            (
                400,
                #"{"error":{"code":400,"message":"The input token count (5) exceeds the maximum number of tokens allowed (4).","status":"INVALID_ARGUMENT"}}"#,
                .contextLength, nil
            ),
        ])
    func errors(status: Int, body: String, category: ErrorCategory, wait: Int?) throws {
        let error = try Gemini.error(status, body)
        #expect(error.category == category)
        #expect(error.retryAfterMilliseconds == wait)
    }

    @Test("E-115 the delay of a limit is found, and a limit of a minute is no empty account")
    func limits() throws {
        let minute =
            #"{"error":{"code":429,"message":"You exceeded your current quota.","status":"RESOURCE_EXHAUSTED","details":[{"violations":[{"quotaId":"GenerateRequestsPerMinute"}]},{"retryDelay":"13.5s"}]}}"#
        let error = try Gemini.error(429, minute)
        #expect(error.category == .rateLimit && error.retryAfterMilliseconds == 13500)
        let written = GeminiErrors.write(error)
        let document = try JSONValue(parsing: written.body)
        #expect(written.status == 429 && document["error"]?["status"] == "RESOURCE_EXHAUSTED")
        #expect(document["error"]?["details"]?[0]?["retryDelay"] == "14s")
        #expect(try Gemini.error(429, minute.replacing("PerMinute", with: "PerDay")).category == .quota)
    }

    @Test("E-43 an error element ends the stream with its category")
    func streamError() {
        for frame in [
            #"{"error":{"code":503,"message":"boom","status":"UNAVAILABLE"}}"#,
            #"[{"error":{"code":503,"message":"boom","status":"UNAVAILABLE"}}]"#,
        ] {
            let fold = Gemini.decode([Gemini.frame(#"{"text":"a"}"#), frame, Gemini.frame(#"{"text":"b"}"#)]).folded
            #expect(fold.error?.category == .overloaded && !fold.isClean)
            #expect(fold.response.choices[0].parts == [.text("a")])
        }
    }

    @Test("E-99 sources count bytes and become code points")
    func grounding() throws {
        let document =
            #"{"candidates":[{"content":{"parts":[{"text":"Grüße aus Zürich."}]},"finishReason":"STOP","groundingMetadata":{"groundingChunks":[{"web":{"uri":"https://z","title":"Z"}}],"groundingSupports":[{"segment":{"startIndex":12,"endIndex":19,"text":"Zürich"},"groundingChunkIndices":[0]}]}}]}"#
        let response = try Gemini.response(document)
        let note = response.choices[0].parts[0].annotations.first
        #expect(note?["start"] == 10 && note?["end"] == 16 && note?["url"] == "https://z")
        #expect(response.choices[0].native?["groundingMetadata"] != nil)
        let citation = try chat(response)["choices"]?[0]?["message"]?["annotations"]?[0]?["url_citation"]
        #expect(citation?["start_index"] == 10 && citation?["url"] == "https://z")
        var context = Formats.context()
        context.request.hasServerTools = true
        var decoder = GeminiStreamDecoder(context)
        let events = decoder.takeAll(data: [document])
        #expect(events.first { $0.type == .partNote }?.extra == note?.description)
    }

    @Test("E-100 arguments in pieces are delivered once, complete")
    func partialArguments() {
        func piece(_ call: String) -> String { Gemini.frame(#"{"functionCall":\#(call)}"#) }
        let begin = [
            piece(#"{"name":"f","willContinue":true}"#),
            piece(
                #"{"partialArgs":[{"jsonPath":"$.city","stringValue":"Zü","willContinue":true}],"willContinue":true}"#),
            piece(
                #"{"partialArgs":[{"jsonPath":"$.city","stringValue":"rich"},{"jsonPath":"$.list[1].n","numberValue":2}],"willContinue":true}"#
            ),
        ]
        let end = [
            piece(#"{"partialArgs":[{"jsonPath":"$.ok","boolValue":true}]}"#),
            Gemini.frame("", #","finishReason":"STOP""#),
        ]
        let whole = Gemini.decode(begin + end)
        guard case .toolCall(let call) = whole.folded.response.choices[0].parts[0].content else {
            Issue.record("no call")
            return
        }
        #expect(call.name == "f" && call.arguments == #"{"city":"Zürich","list":[null,{"n":2}],"ok":true}"#)
        #expect(whole.folded.response.choices[0].finish?.reason == .toolCalls)
        let cut = Gemini.decode(begin + [Gemini.frame("", #","finishReason":"STOP""#)])
        #expect(!cut.contains { $0.kind == .toolCall } && cut.folded.error?.category == .truncated)
        let odd = Gemini.decode([piece(#"{"name":"f","partialArgs":[{"jsonPath":"city"}],"willContinue":true}"#)])
        #expect(odd.folded.error?.category == .upstreamInvalid)
    }

    @Test("E-31 candidates keep their own state and index")
    func candidates() {
        let fold = Gemini.decode([
            Gemini.frame(#"{"text":"b"}"#, index: 1), Gemini.frame(#"{"text":"a"}"#, index: 0),
            Gemini.frame(#"{"text":"!"}"#, #","finishReason":"STOP""#, index: 1),
            Gemini.frame("", #","finishReason":"MAX_TOKENS""#, index: 0),
        ]).folded
        #expect(fold.isClean)
        #expect(fold.response.choices.map { $0.parts } == [[.text("a")], [.text("b!")]])
        #expect(fold.response.choices.map { $0.finish?.reason } == [.length, .stop])
    }

    @Test("Thoughts reach only a client that asked for them")
    func thoughts() throws {
        let events = try Gemini.turn("gemini")
        for wants in [true, false] {
            var context = Formats.context()
            context.request.format = GeminiFormat.id
            context.request.wantsReasoning = wants
            var encoder = GeminiStreamEncoder(context)
            let text = encoder.text(events)
            #expect(text.contains(#""thought":true"#) == wants)
            // What the model needs back goes along either way.
            #expect(text.contains("c2lnLTAxVHVybg=="))
        }
    }

    @Test("Usage adds up, whichever way the thoughts are counted")
    func usage() throws {
        func counts(_ text: String) throws -> TokenCounts { TokenCounts(gemini: try JSONValue(parsing: text)) }
        #expect(
            try counts(#"{"promptTokenCount":10,"candidatesTokenCount":5,"thoughtsTokenCount":3,"totalTokenCount":18}"#)
                == TokenCounts(input: 10, output: 8, reasoning: 3))
        #expect(
            try counts(#"{"promptTokenCount":10,"candidatesTokenCount":8,"thoughtsTokenCount":3,"totalTokenCount":18}"#)
                == TokenCounts(input: 10, output: 8, reasoning: 3))
        #expect(
            try counts(#"{"promptTokenCount":10,"toolUsePromptTokenCount":4,"cachedContentTokenCount":6}"#)
                == TokenCounts(input: 14, cached: 6))
        var writer = JSONWriter()
        TokenCounts(input: 10, output: 8, cached: 6, reasoning: 3).writeGemini(into: &writer)
        #expect(
            String(decoding: writer.bytes, as: UTF8.self)
                == #"{"promptTokenCount":10,"candidatesTokenCount":5,"totalTokenCount":18,"cachedContentTokenCount":6,"thoughtsTokenCount":3}"#
        )
    }

    @Test("A complete answer is read for accounting without a tree")
    func tap() throws {
        func tap(_ text: String) throws -> [AnswerEvent] {
            var text = text
            return try text.withUTF8 { try GeminiResponseTap.read(UnsafeRawBufferPointer($0)) }
        }
        let fold = try tap(try Fixture.text("turn/gemini.response.json")).folded
        #expect(fold.response.usage == TokenCounts(input: 100, output: 42, cached: 75, reasoning: 12))
        #expect(fold.response.model == "gemini-3-flash" && fold.response.choices[0].finish?.reason == .stop)
        #expect(
            try tap(#"[{"error":{"code":429,"message":"x","status":"RESOURCE_EXHAUSTED"}}]"#).folded.error?.category
                == .rateLimit)
        #expect(
            try tap(#"{"promptFeedback":{"blockReason":"OTHER"}}"#).folded.response.choices[0].finish?.reason
                == .contentFilter)
        #expect(throws: ConversionError.self) { try tap("{}") }
        #expect(throws: ConversionError.self) { try tap("[1]") }
    }
}
