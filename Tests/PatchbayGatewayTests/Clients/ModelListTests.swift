import PatchbayCore
import PatchbayRouting
import PatchbayWire
import Testing

@testable import PatchbayGateway

/// One list in the dialects of three SDKs, and Codex's catalogue.
@Suite struct ModelListTests {
    private let models: [RouteEntry]

    init() {
        var card = ModelCard(displayName: "Known Model", createdAt: 1_763_690_000)
        card.capabilities.contextWindow = 200_000
        card.capabilities.maxOutputTokens = 64_000
        card.capabilities.tools = 1
        card.capabilities.thinking = 1
        card.capabilities.imageInput = 1
        card.capabilities.audioInput = 0
        card.capabilities.pdfInput = 0
        let account = Account(
            name: "a", credential: .none, models: [ModelMapping(upstream: "known", card: card), ModelMapping(upstream: "new")],
            source: .file)
        var configuration = Configuration()
        configuration.sites = [
            Site(name: "s", platform: "openai", baseURL: "http://h", source: .file, accounts: [account])
        ]
        let table = RoutingTable(configuration: configuration)
        let key = Key(
            name: "k", digest: KeyDigest(bytes: [UInt8](repeating: 1, count: 32)), displayPrefix: "", models: ["*"],
            source: .file)
        models = table.models(allowedBy: table.permissions(for: key))
    }

    private func expect(_ bytes: [UInt8], _ list: String, _ golden: [String]) throws {
        let document = try JSONValue(parsing: bytes)
        #expect(try document[list] == .array(golden.map { try JSONValue(parsing: $0) }))
    }

    @Test func openAI() throws {
        try expect(
            ModelList.openAI(models), "data",
            [
                """
                {"id":"known","object":"model","created":1763690000,"owned_by":"patchbay","name":"Known Model",
                 "context_length":200000,"architecture":{"input_modalities":["text","image"]},
                 "top_provider":{"context_length":200000,"max_completion_tokens":64000},
                 "capabilities":{"function_calling":true,"reasoning":true,"vision":true}}
                """, #"{"id":"new","object":"model","created":0,"owned_by":"patchbay"}"#,
            ])
    }

    @Test func anthropic() throws {
        try expect(
            ModelList.anthropic(models), "data",
            [
                """
                {"type":"model","id":"known","display_name":"Known Model","created_at":"2025-11-21T01:53:20Z",
                 "lifecycle":"active","max_input_tokens":200000,"max_tokens":64000,
                 "capabilities":{"image_input":{"supported":true},"pdf_input":{"supported":false},
                 "thinking":{"supported":true}}}
                """,
                """
                {"type":"model","id":"new","display_name":"new","created_at":"1970-01-01T00:00:00Z","lifecycle":"active"}
                """,
            ])
    }

    @Test func gemini() throws {
        try expect(
            ModelList.gemini(models), "models",
            [
                """
                {"name":"models/known","version":"","displayName":"Known Model","inputTokenLimit":200000,
                 "outputTokenLimit":64000,"supportedGenerationMethods":["generateContent","streamGenerateContent",
                 "countTokens"],"thinking":true}
                """,
                """
                {"name":"models/new","version":"","displayName":"new","supportedGenerationMethods":["generateContent",
                 "streamGenerateContent","countTokens"]}
                """,
            ])
    }

    @Test func codex() throws {
        let list = try #require(try JSONValue(parsing: ModelList.codex(models))["models"]?.arrayValue)
        #expect(list.first?["display_name"] == "Known Model" && list.first?["context_window"] == 200_000)
        #expect(list.last?["display_name"] == "new" && list.last?["context_window"] == nil)
    }

    @Test func whatIsKnownOfTheLongestAnswerIsPartOfTheProfile() throws {
        let site = SiteConversion(
            #"{"profile":{"prefill":false},"models":[{"model":"small*","profile":{"max_output":10}}]}"#)
        func longest(_ conversion: SiteConversion, _ model: String) throws -> JSONValue {
            try JSONValue(parsing: conversion.traits(of: model).profile)
        }
        let completed = site.completed(maxOutput: 64_000)
        #expect(try longest(completed, "large") == ["prefill": false, "max_output": 64_000])
        #expect(try longest(completed, "small-1") == ["prefill": false, "max_output": 10])
        #expect(try longest(SiteConversion("{}").completed(maxOutput: 5), "m") == ["max_output": 5])
        #expect(!SiteConversion("{}").completed(maxOutput: 5).isEmpty)
    }
}
