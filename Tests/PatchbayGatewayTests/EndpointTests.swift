import Testing

@testable import PatchbayGateway

@Suite struct EndpointTests {
    private func match(_ path: String) -> EndpointMatch {
        Array(path.utf8).withUnsafeBytes { EndpointMatch(path: $0) }
    }

    @Test(arguments: [
        ("/v1/chat/completions", Endpoint.chatCompletions), ("/chat/completions", .chatCompletions),
        ("/v1/messages", .messages), ("/messages", .messages), ("/v1/responses", .responses),
        ("/responses", .responses),
        ("/v1/responses/compact", .compaction), ("/v1/responses/input_tokens", .inputTokens),
        ("/v1/responses/resp_1", .storedResponse), ("/responses/resp_1/input_items", .responseInput),
        ("/v1/responses/resp_1/cancel", .responseCancellation), ("/v1/models", .models), ("/models", .models),
        ("/healthz", .health), ("/health/liveliness", .health), ("/health/liveness", .health), ("/readyz", .readiness),
        ("/health/readiness", .readiness), ("/v1/completions", .completions), ("/v1/embeddings", .task(.embeddings)),
        ("/embeddings", .task(.embeddings)), ("/v1/moderations", .task(.moderations)), ("/v1/rerank", .task(.rerank)),
        ("/v2/rerank", .task(.rerank)), ("/v1/images/generations", .task(.imageGenerations)),
        ("/images/edits", .task(.imageEdits)), ("/v1/images/variations", .task(.imageVariations)),
        ("/v1/audio/speech", .task(.speech)), ("/audio/transcriptions", .task(.transcriptions)),
        ("/v1/audio/translations", .task(.translations)), ("/v1/conversations", .conversation(.collection)),
        ("/conversations/c", .conversation(.entry)), ("/v1/conversations/c/items", .conversation(.items)),
        ("/v1/conversations/c/items/i", .conversation(.item)),
    ])
    func pathsLeadToTheirEndpoint(path: String, endpoint: Endpoint) {
        #expect(match(path).endpoint == endpoint)
    }

    @Test(arguments: [
        "/", "/v1", "/v1/", "/v1/chat/completions/", "/v1/chat/completionsx", "/v1/v1/messages", "/v2/messages",
        "/v1//messages", "/v1/responsesx", "/v1/responses/", "/v1/responses//cancel", "/v1/responses/a/b",
        "/v1/conversations/", "/v1/conversationsx", "/v1/conversations//items", "/v1/conversations/c/x",
        "/v1/conversations/c/items/", "/v1/conversations/c/items/i/x", "/v1/messages/..", "/V1/messages", "/v1/%6dessages", "/v1/healthz",
    ])
    func otherPathsDoNot(path: String) {
        #expect(match(path).endpoint == nil)
    }

    @Test func errorsFollowThePath() {
        #expect(match("/v1/messages/count_tokens").dialect == .anthropic)
        #expect(match("/v1/unknown").dialect == .openAI)
    }
}
