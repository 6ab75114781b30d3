import PatchbayWire
import Testing

@testable import PatchbayGateway

@Suite("Paths of the Gemini API")
struct GeminiPathTests {
    private func match(_ path: String) -> (endpoint: Endpoint?, dialect: Dialect, model: String?) {
        Array(path.utf8).withUnsafeBytes { bytes in
            let match = EndpointMatch(path: bytes)
            let model = GeminiPath(bytes).map { String(decoding: bytes[$0.model], as: UTF8.self) }
            return (match.endpoint, match.dialect, model)
        }
    }

    @Test(
        "The last colon parts the model from the method",
        arguments: [
            ("/v1beta/models/gemini-3:generateContent", Endpoint.gemini(.generate), "gemini-3"),
            ("/v1/models/gpt-4o:streamGenerateContent", .gemini(.stream), "gpt-4o"),
            ("/v1alpha/models/m:countTokens", .gemini(.countTokens), "m"),
            ("/models/m:embedContent", .gemini(.embed), "m"),
            ("/v1beta/models/openai/gpt-4o:free:batchEmbedContents", .gemini(.embedBatch), "openai/gpt-4o:free"),
            ("/v1beta/tunedModels/t-1:generateContent", .gemini(.generate), "tunedModels/t-1"),
            ("/v1beta/models/m", .model, "m"), ("/v1beta/models", .models, ""),
            ("/v1beta/models/m:predict", .model, "m:predict"),
        ])
    func endpoints(path: String, endpoint: Endpoint, model: String) {
        let found = match(path)
        #expect(found.endpoint == endpoint && found.dialect == .gemini || found.endpoint == .model)
        #expect(found.endpoint == endpoint)
        #expect(found.model == model)
    }

    @Test("Other paths keep their endpoint and dialect")
    func others() {
        #expect(match("/v1/chat/completions").dialect == .openAI)
        #expect(match("/v1/models").endpoint == .models && match("/v1/models").dialect == .openAI)
        #expect(match("/v1/models/gpt-4o").endpoint == .model && match("/v1/models/gpt-4o").dialect == .openAI)
        #expect(match("/v1/models/").endpoint == nil)
        #expect(match("/v1beta/nothing").endpoint == nil && match("/v1beta/nothing").dialect == .gemini)
    }

    @Test("Names are unescaped, and what cannot be is refused")
    func escapes() {
        #expect(PercentEncoding.decoded("a%2Fb%20c%C3%BC".utf8) == "a/b cü")
        for text in ["%", "%2", "%zz", "%FF"] { #expect(PercentEncoding.decoded(text.utf8) == nil) }
    }
}

@Suite("Streams as one array")
struct ArrayFramingTests {
    @Test("Frames become elements, however they are cut")
    func framing() {
        let events = Array("data: {\"a\":1}\r\n\r\n\r\n: note\n\ndata: {\"b\":2}\n\n".utf8)
        for split in 0...events.count {
            var framing = ArrayFraming()
            var output = framing.elements(of: Array(events[..<split]))
            output += framing.elements(of: Array(events[split...]))
            output += framing.end
            let text = String(decoding: output.filter { $0 != 0x0D && $0 != 0x0A }, as: UTF8.self)
            #expect(text == "[{\"a\":1},{\"b\":2}]")
        }
        var framing = ArrayFraming()
        #expect(framing.elements(of: Array("\r\n".utf8)) == Array("\r\n".utf8))
        #expect(ArrayFraming().end == Array("[]".utf8))
    }
}
