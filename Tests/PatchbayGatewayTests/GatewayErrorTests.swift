import PatchbayWire
import Testing

@testable import PatchbayGateway

@Suite struct GatewayErrorTests {
    private let awkward = "the \"model\" \u{1F}\n is 🌍"

    @Test func openAIBody() throws {
        let error = GatewayError(.modelNotFound, awkward, status: 404, parameter: "model")
        let body = try JSONValue(parsing: error.body(.openAI, requestID: "req_1"))
        #expect(body["error"]?["message"]?.stringValue == awkward)
        #expect(body["error"]?["type"]?.stringValue == "invalid_request_error")
        #expect(body["error"]?["param"]?.stringValue == "model")
        #expect(body["error"]?["code"]?.stringValue == "model_not_found")
        let plain = try JSONValue(parsing: GatewayError.invalid("no").body(.openAI, requestID: "req_1"))
        #expect(plain["error"]?["param"] == .null)
    }

    @Test func anthropicBody() throws {
        let error = GatewayError(.invalidKey, awkward, status: 401)
        let body = try JSONValue(parsing: error.body(.anthropic, requestID: "req_1"))
        #expect(body["type"]?.stringValue == "error")
        #expect(body["error"]?["type"]?.stringValue == "authentication_error")
        #expect(body["error"]?["message"]?.stringValue == awkward)
        #expect(body["request_id"]?.stringValue == "req_1")
    }

    @Test(arguments: [
        (GatewayError.Code.rateLimited, "rate_limit_error", "rate_limit_error"),
        (.quotaExhausted, "insufficient_quota", "billing_error"), (.noChannel, "server_error", "overloaded_error"),
        (.upstreamAuthentication, "server_error", "api_error"), (.upstreamTimeout, "server_error", "timeout_error"),
        (.modelNotAllowed, "invalid_request_error", "permission_error"),
        (.tooLarge, "invalid_request_error", "request_too_large"),
    ])
    func typesOfBothDialects(code: GatewayError.Code, openAI: String, anthropic: String) throws {
        let error = GatewayError(code, "x", status: 500)
        let first = try JSONValue(parsing: error.body(.openAI, requestID: ""))
        let second = try JSONValue(parsing: error.body(.anthropic, requestID: ""))
        #expect(first["error"]?["type"]?.stringValue == openAI)
        #expect(second["error"]?["type"]?.stringValue == anthropic)
    }

    @Test(arguments: [Dialect.openAI, .anthropic])
    func theFrameOfABrokenStreamIsAnErrorToItsClients(dialect: Dialect) throws {
        let bytes = GatewayError(.streamTruncated, awkward, status: 502).streamFrame(dialect, requestID: "req_1")
        try bytes.withUnsafeBytes { chunk in
            var splitter = SSEFrameSplitter()
            var position = 0
            let frame = try #require(try splitter.next(in: chunk, at: &position))
            #expect(position == chunk.count)
            #expect(StreamEdit.isError(frame, dialect: dialect))
        }
    }
}
