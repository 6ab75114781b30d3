import PatchbayCore

/// What the words of a refusal say about the endpoint or the way of answering, whatever the status makes of it.
///
/// Only plain evidence counts: a missing model and a mistake of the client are no reason to try another endpoint.
struct AnswerEvidence {
    /// The upstream does not have the endpoint, or not for this model.
    private(set) var endpointIsUnsupported = false
    /// It is the model that is missing or refused.
    private(set) var isAboutModel = false
    /// How the upstream can answer, if it refuses the way that was asked for.
    private(set) var streaming: ConversionSetting.Streaming?

    /// - Parameters:
    ///   - body: of the refusal; its beginning is looked at.
    ///   - model: as it was sent.
    ///   - streamed: whether a stream was asked for.
    init(status: Int, body: some Collection<UInt8>, model: String, streamed: Bool) {
        switch status {
        case 400, 404, 405, 406, 415, 422, 500, 501: break
        default: return
        }
        let text = SearchedText(body)
        let names = text.contains(anyOf: AnswerEvidence.endpointPhrases)
        let isUnimplemented = text.contains("convert_request_failed") && text.contains("not implemented")
        if names || isUnimplemented {
            endpointIsUnsupported = true
        } else if status != 500 {
            readStreaming(text, streamed: streamed)
        }
        guard streaming == nil, !endpointIsUnsupported else { return }
        // A short name may be part of any word.
        isAboutModel = text.contains("model") || (model.utf8.count > 3 && text.contains(name: model))
        switch status {
        case 404: endpointIsUnsupported = !isAboutModel && !text.contains(anyOf: AnswerEvidence.statePhrases)
        case 405, 501: endpointIsUnsupported = true
        default: break
        }
    }

    private mutating func readStreaming(_ text: SearchedText, streamed: Bool) {
        if !streamed, text.contains(anyOf: AnswerEvidence.streamOnlyPhrases) { streaming = .always }
        if streamed, text.contains(anyOf: AnswerEvidence.noStreamPhrases) { streaming = .never }
    }

    /// Words of OpenAI, the One-API family, Express, FastAPI, Go and gateways in front of them.
    private static let endpointPhrases: [StaticString] = [
        "unknown endpoint", "unknown_endpoint", "endpoint not found", "endpoint_not_found", "unknown url",
        "unknown_url", "unknown request url", "unrecognized request url", "invalid url (", "no route for",
        "no route matched", "route not found", "no matching route", "cannot post /", "404 page not found",
        "path not found", "unsupported endpoint", "endpoint is not supported", "endpoint not supported",
        "endpoint is not available", "not supported in the v1/", "only supported in v1/", "not a chat model",
        "does not support /v1/", "/v1/responses is not supported", "/v1/messages is not supported",
        "does not support the responses api", "responses api is not supported", "unsupported api type",
    ]

    /// What is missing is something that the request refers to.
    private static let statePhrases: [StaticString] = [
        "previous response", "previous_response", "response with id", "item with id", "item '", "conversation with id",
    ]

    /// Words of the ChatGPT backend, DashScope and others that answer with streams only.
    private static let streamOnlyPhrases: [StaticString] = [
        "stream must be set to true", "stream must be true", "only support stream mode", "only supports stream",
        "only supports streaming", "only streaming is supported", "please enable the stream parameter",
        "must be set to false for non-streaming", "non-streaming is not supported", "non-stream is not supported",
        "'stream' must be true", "`stream` must be true", "requires streaming", "stream=true is required",
    ]

    private static let noStreamPhrases: [StaticString] = [
        "streaming is not supported", "streaming not supported", "does not support stream", "stream is not supported",
        "'stream' does not support true", "stream mode is not supported", "stream=true is not supported",
        "`stream` must be false", "'stream' must be false", "stream must be false", "streaming is not available",
    ]
}

/// The beginning of an upstream's answer, in which phrases are looked for whatever their case.
private struct SearchedText {
    private let bytes: [UInt8]

    init(_ body: some Collection<UInt8>) {
        bytes = body.prefix(4096).map(SearchedText.lowered)
    }

    private static func lowered(_ byte: UInt8) -> UInt8 {
        UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte ? byte | 0x20 : byte
    }

    /// - Parameter phrases: in lower case.
    func contains(anyOf phrases: [StaticString]) -> Bool { phrases.contains { contains($0) } }

    /// - Parameter phrase: in lower case.
    func contains(_ phrase: StaticString) -> Bool {
        phrase.withUTF8Buffer { contains(UnsafeRawBufferPointer($0)) }
    }

    func contains(name: String) -> Bool {
        name.utf8.map(SearchedText.lowered).withUnsafeBytes { contains($0) }
    }

    private func contains(_ phrase: UnsafeRawBufferPointer) -> Bool {
        guard let first = phrase.first else { return true }
        return bytes.withUnsafeBytes { text in
            var start = 0
            while start + phrase.count <= text.count {
                if text[start] == first,
                    UnsafeRawBufferPointer(rebasing: text[start..<start + phrase.count]).elementsEqual(phrase)
                {
                    return true
                }
                start += 1
            }
            return false
        }
    }
}
