import PatchbayCore
import Testing

@testable import PatchbayGateway

@Suite("What a refusal says of the endpoint")
struct AnswerEvidenceTests {
    private func evidence(_ status: Int, _ body: String, streamed: Bool = false) -> AnswerEvidence {
        AnswerEvidence(status: status, body: Array(body.utf8), model: "gpt-x", streamed: streamed)
    }

    @Test(
        "An unknown endpoint",
        arguments: [
            (404, ""), (404, "404 page not found"), (404, #"{"detail":"Not Found"}"#), (404, "<html>nginx</html>"),
            (405, #"{"detail":"Method Not Allowed"}"#), (501, "not implemented"),
            (404, #"{"error":{"message":"Invalid URL (POST /v1/responses)"}}"#),
            (404, #"{"error":{"message":"This model is only supported in v1/responses and not in v1/chat/completions."}}"#),
            (400, #"{"error":"Unknown endpoint"}"#), (404, #"{"message":"no Route matched with those values"}"#),
            (500, #"{"error":{"message":"not implemented","code":"convert_request_failed"}}"#),
        ])
    func unsupported(status: Int, body: String) {
        #expect(evidence(status, body).endpointIsUnsupported)
    }

    @Test(
        "No evidence against the endpoint",
        arguments: [
            (404, #"{"error":{"message":"The model `gpt-x` does not exist","code":"model_not_found"}}"#),
            (404, #"{"error":"gpt-x not found, try pulling it first"}"#), (400, #"{"error":{"message":"messages: empty"}}"#),
            (404, #"{"error":{"message":"Previous response with id 'resp_1' not found."}}"#),
            (404, #"{"error":{"message":"Item with id 'rs_1' not found."}}"#), (401, ""), (403, "404 page not found"), (429, ""), (500, "not implemented"), (503, "unknown endpoint"),
            (200, "unknown endpoint"),
        ])
    func supported(status: Int, body: String) {
        #expect(!evidence(status, body).endpointIsUnsupported)
    }

    /// E-75
    @Test("The way of answering")
    func streaming() {
        #expect(evidence(400, #"{"detail":"Stream must be set to true"}"#).streaming == .always)
        #expect(evidence(400, #"{"detail":"Stream must be set to true"}"#, streamed: true).streaming == nil)
        #expect(
            evidence(400, "This model only support stream mode, please enable the stream parameter.").streaming == .always)
        #expect(evidence(400, "Unsupported value: 'stream' does not support true", streamed: true).streaming == .never)
        #expect(evidence(400, "Unsupported value: 'stream' does not support true").streaming == nil)
        #expect(evidence(429, "streaming is not supported", streamed: true).streaming == nil)
    }

    @Test("Only the beginning of a long refusal is read")
    func bounded() {
        let body = String(repeating: "x", count: 5000) + "unknown endpoint"
        #expect(!evidence(400, body).endpointIsUnsupported)
    }
}

@Suite("Conversion settings of a site")
struct SiteConversionTests {
    @Test("The first pattern that matches is laid over the rest")
    func overlay() {
        let conversion = SiteConversion(
            #"{"streaming":"always","profile":{"a":1,"b":2},"models":[{"model":"q*","streaming":"never","profile":{"b":3}},"#
                + #"{"model":"*","profile":{"c":4}}]}"#)
        #expect(conversion.traits(of: "qwq").streaming == .never)
        #expect(String(decoding: conversion.traits(of: "qwq").profile, as: UTF8.self) == #"{"a":1,"b":3}"#)
        #expect(conversion.traits(of: "gpt").streaming == .always)
        #expect(String(decoding: conversion.traits(of: "gpt").profile, as: UTF8.self) == #"{"a":1,"b":2,"c":4}"#)
    }

    @Test("Nothing is known without settings")
    func empty() {
        for text in ["{}", "", "[]", #"{"models":[{}]}"#] {
            #expect(SiteConversion(text).traits(of: "m").streaming == .either)
            #expect(SiteConversion(text).traits(of: "m").profile.isEmpty)
        }
    }
}
