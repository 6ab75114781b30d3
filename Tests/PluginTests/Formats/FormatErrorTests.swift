import PatchbayPlugin
import PatchbayWire
import Testing

@testable import CanonicalChat
@testable import FormatAnthropicMessages
@testable import FormatOpenAIChat

@Suite("Errors of conversation formats")
struct FormatErrorTests {
    private func error(_ status: Int, _ body: String, anthropic: Bool = false) -> CanonicalError {
        var body = body
        return body.withUTF8 { bytes in
            let raw = UnsafeRawBufferPointer(bytes)
            return anthropic ? MessagesErrors.read(status: status, raw) : ChatErrors.read(status: status, raw)
        }
    }

    private func chat(_ error: CanonicalError) throws -> (Int, JSONValue) {
        let answer = ChatErrors.write(error)
        return (answer.status, try JSONValue(parsing: answer.body))
    }

    private func messages(_ error: CanonicalError) throws -> (Int, JSONValue) {
        let answer = MessagesErrors.write(error)
        return (answer.status, try JSONValue(parsing: answer.body))
    }

    @Test(
        "Statuses alone",
        arguments: [
            (400, ErrorCategory.invalidRequest), (401, .authentication), (402, .quota), (403, .permission),
            (404, .notFound),
            (405, .invalidRequest), (408, .timeout), (409, .conflict), (413, .tooLarge), (415, .invalidRequest),
            (422, .invalidRequest),
            (429, .rateLimit), (500, .server), (502, .server), (503, .overloaded), (504, .timeout), (520, .server),
            (524, .timeout), (529, .overloaded),
        ])
    func statuses(status: Int, category: ErrorCategory) {
        #expect(error(status, #"{"error":{"message":"no"}}"#).category == category)
        #expect(
            error(status, #"{"type":"error","error":{"type":"api_error","message":"no"}}"#, anthropic: true).category
                == category)
    }

    @Test(
        "Codes and texts outweigh the status",
        arguments: [
            (400, #"{"error":{"message":"x","code":"context_length_exceeded"}}"#, ErrorCategory.contextLength),
            (
                400,
                #"""
                {"error":{"message":"prompt is too long: 210000 tokens > 200000 maximum",
                "type":"invalid_request_error"}}
                """#,
                .contextLength
            ),
            (429, #"{"error":{"message":"x","code":"insufficient_quota"}}"#, .quota),
            (400, #"{"error":{"type":"invalid_request_error","message":"Your credit balance is too low"}}"#, .quota),
            (400, #"{"error":{"message":"Invalid `signature` in `thinking` block"}}"#, .invalidReasoningState),
            (400, #"{"error":{"code":"content_policy_violation","message":"x"}}"#, .contentPolicy),
            (400, #"{"error":{"code":"model_not_found","message":"x"}}"#, .notFound),
            (500, #"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#, .overloaded),
            (502, "<html><head><title>502 Bad Gateway</title></head></html>", .upstreamInvalid),
        ])
    func codes(status: Int, body: String, category: ErrorCategory) {
        #expect(error(status, body).category == category)
    }

    @Test(
        "Messages are found in every shape",
        arguments: [
            #"{"error":{"message":"boom","type":"t","param":null,"code":null}}"#, #"{"error":"boom"}"#,
            #"{"message":"boom","type":"BadRequestError","code":400,"object":"error"}"#, #"{"detail":"boom"}"#,
            #"{"detail":[{"loc":["body","messages"],"msg":"boom","type":"missing"}]}"#, #"{"code":1,"msg":"boom"}"#,
            #"{"errors":[{"message":"boom"}]}"#, #"{"title":"boom","status":400}"#,
            #"[{"error":{"code":400,"message":"boom","status":"INVALID_ARGUMENT"}}]"#,
            "boom", #"{"error":{"message":"","metadata":{"raw":"boom","provider_name":"p"}}}"#,
            "<html><title>boom</title></html>",
        ])
    func shapes(body: String) {
        #expect(error(400, body).message.contains("boom"))
    }

    @Test("Odd bodies never fail", arguments: ["", "null", "[]", "{}", "{\"error\":null}", "\u{0}", "{\"error\":{}}"])
    func odd(body: String) throws {
        let found = error(500, body)
        #expect(!found.message.isEmpty)
        #expect(try messages(found).1["error"]?["type"] == "api_error")
    }

    @Test("Each category has its status and type in both formats", arguments: ErrorCategory.allCases)
    func table(category: ErrorCategory) throws {
        let error = CanonicalError(category, message: "m")
        let (chatStatus, chatBody) = try chat(error)
        let (messagesStatus, messagesBody) = try messages(error)
        #expect(
            chatStatus == category.row.openAIStatus
                && chatBody["error"]?["type"]?.stringValue == category.row.openAIType)
        #expect(messagesStatus == category.row.anthropicStatus)
        #expect(
            messagesBody["error"]?["type"]?.stringValue == category.row.anthropicType && messagesBody["type"] == "error"
        )
        var writer = JSONWriter()
        error.write(into: &writer)
        #expect(try CanonicalError(canonical: try JSONValue(parsing: writer.bytes)) == error)
    }

    @Test("Only clients of Messages see 529 and 402")
    func ownStatuses() throws {
        let busy = error(
            529, #"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#, anthropic: true)
        #expect(try chat(busy).0 == 503)
        #expect(try messages(busy).0 == 529)
        let poor = error(429, #"{"error":{"code":"insufficient_quota","message":"x","type":"insufficient_quota"}}"#)
        #expect(try chat(poor).0 == 429 && messages(poor).0 == 402)
    }

    private func requested(_ input: Int, _ output: Int) -> String {
        "However, you requested \(input + output) tokens (\(input) in the messages, \(output) in the completion)."
    }

    @Test("An overlong prompt is said in the words that agents look for")
    func contextLength() throws {
        let openAI = error(
            400,
            #"""
            {"error":{"message":"This model's maximum context length is 128000 tokens. \#(requested(130000, 500))",
            "code":"context_length_exceeded"}}
            """#
        )
        #expect(try messages(openAI).1["error"]?["message"] == "prompt is too long: 130000 tokens > 128000 maximum")
        let both = error(
            400,
            #"""
            {"error":{"message":"This model's maximum context length is 128000 tokens. \#(requested(120000, 10000))",
            "code":"context_length_exceeded"}}
            """#
        )
        #expect(
            try messages(both).1["error"]?["message"]?.stringValue?.hasPrefix(
                "input length and `max_tokens` exceed context limit: 120000 + 10000 > 128000") == true)
        let anthropic = error(
            400,
            #"""
            {"type":"error","error":{"type":"invalid_request_error",
            "message":"prompt is too long: 210,000 tokens > 200,000 maximum"}}
            """#,
            anthropic: true)
        let (status, body) = try chat(anthropic)
        #expect(status == 400 && body["error"]?["code"] == "context_length_exceeded")
        #expect(
            body["error"]?["message"]?.stringValue?.hasPrefix("This model's maximum context length is 200000 tokens.")
                == true)
        #expect(
            try messages(anthropic).1["error"]?["message"] == "prompt is too long: 210,000 tokens > 200,000 maximum")
    }

    @Test("Keys do not leave with a message")
    func redaction() {
        let rest = "Bearer eyJhbGciOiJI.abc and sk-1 stay"
        let found = error(
            401,
            #"""
            {"error":{"message":"Incorrect API key provided: sk-abc123def456ghi789. \#(rest)"}}
            """#
        )
        #expect(found.message == "Incorrect API key provided: sk-[redacted] Bearer [redacted] and sk-1 stay")
    }

    @Test(
        "E-115 a wait that stands in the text is read",
        arguments: [
            ("Please try again in 20s.", 20_000), ("try again in 1.5s", 1500), ("Rate limit; try again in 250ms", 250),
            ("retry after 3 seconds", 3000), ("Try again in 2m", 120_000),
        ])
    func retryAfter(message: String, milliseconds: Int) {
        #expect(
            error(429, JSONValue.object(["error": ["message": .string(message)]]).description).retryAfterMilliseconds
                == milliseconds)
    }
}
