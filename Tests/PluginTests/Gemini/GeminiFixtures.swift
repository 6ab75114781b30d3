import Foundation
import PatchbayPlugin
import PatchbayWire
import Testing

@testable import CanonicalChat
@testable import FormatAnthropicMessages
@testable import FormatGemini
@testable import FormatOpenAIChat

/// Short cuts to the Gemini format.
enum Gemini {
    static func decode(_ frames: [String], then ending: StreamEnd = .endOfStream) -> [AnswerEvent] {
        var decoder = GeminiStreamDecoder(Formats.context())
        return decoder.takeAll(data: frames, then: ending)
    }

    static func turn(
        _ file: String, tap: Bool = false, then ending: StreamEnd = .endOfStream
    ) throws -> [AnswerEvent] {
        var decoder = GeminiStreamDecoder(Formats.context { $0.tap = tap })
        return decoder.takeAll(TestFrame.all(try Fixture.text("turn/\(file).sse")), then: ending)
    }

    /// A frame with one candidate.
    static func frame(_ parts: String, _ rest: String = "", index: Int = 0) -> String {
        #"{"candidates":[{"content":{"parts":[\#(parts)],"role":"model"},"index":\#(index)\#(rest)}],"modelVersion":"m"}"#
    }

    static func read(_ request: JSONValue, _ change: (inout ConversionContext) -> Void = { _ in }) throws
        -> CanonicalRequest
    {
        try Formats.crossed(try GeminiRequestReader.read(request, context: Formats.context(change)))
    }

    static func write(_ request: CanonicalRequest, _ context: inout ConversionContext) throws -> JSONValue {
        try JSONValue(parsing: GeminiRequestWriter.write(request, context: &context))
    }

    /// A Chat request as a Gemini request, and the codes of what was lost.
    static func fromChat(
        _ request: JSONValue, _ change: (inout ConversionContext) -> Void = { _ in }
    ) throws -> (wire: JSONValue, losses: [String]) {
        var context = Formats.context(change)
        let canonical = try Formats.crossed(try ChatRequestReader.read(request, context: context))
        let wire = try write(canonical, &context)
        return (wire, context.losses.map(\.code))
    }

    static func fromMessages(
        _ request: JSONValue, _ change: (inout ConversionContext) -> Void = { _ in }
    ) throws -> (wire: JSONValue, losses: [String]) {
        var context = Formats.context(change)
        let canonical = try Formats.crossed(try MessagesRequestReader.read(request, context: context))
        let wire = try write(canonical, &context)
        return (wire, context.losses.map(\.code))
    }

    static func response(_ text: String) throws -> CanonicalResponse {
        try GeminiResponseReader.read(JSONValue(parsing: text), context: Formats.context())
    }

    static func error(_ status: Int?, _ text: String) throws -> CanonicalError {
        GeminiErrors.read(status: status, try JSONValue(parsing: text))
    }

    /// A Chat request with one user turn and the given tool.
    static func chatRequest(schema: JSONValue) -> JSONValue {
        [
            "model": "m", "messages": [["role": "user", "content": "hi"]],
            "tools": [["type": "function", "function": ["name": "f", "parameters": schema]]],
        ]
    }
}
