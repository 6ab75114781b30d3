import PatchbayPlugin
import PatchbayWire
import Testing

@testable import CanonicalChat
@testable import FormatAnthropicMessages
@testable import FormatOpenAIChat
@testable import FormatOpenAIResponses

/// Short cuts to Responses and its partners.
enum Responses {
    static let requests = (try? Fixture.cases("requests/responses")) ?? []

    static func request(_ name: String) throws -> JSONValue {
        try Fixture.json("requests/responses/\(name)/request.json")
    }

    static func decode(
        _ frames: [TestFrame], then ending: StreamEnd = .endOfStream, tap: Bool = false
    ) -> [AnswerEvent] {
        var decoder = ResponsesStreamDecoder(Formats.context { $0.tap = tap })
        return decoder.takeAll(frames, then: ending)
    }

    static func decode(data frames: [String], then ending: StreamEnd = .endOfStream) -> [AnswerEvent] {
        decode(frames.map { TestFrame(data: $0) }, then: ending)
    }

    static func turn(_ file: String, tap: Bool = false, then ending: StreamEnd = .endOfStream) throws -> [AnswerEvent] {
        decode(TestFrame.all(try Fixture.text("turn/\(file).sse")), then: ending, tap: tap)
    }

    /// The events of the common turn as the decoder of a format gives them.
    static func events(of format: String) throws -> [AnswerEvent] {
        let frames = TestFrame.all(try Fixture.text("turn/\(format).sse"))
        switch format {
        case "chat":
            var decoder = ChatStreamDecoder(Formats.context())
            return decoder.takeAll(frames)
        case "messages":
            var decoder = MessagesStreamDecoder(Formats.context())
            return decoder.takeAll(frames)
        default: return decode(frames)
        }
    }

    /// The stream that a format's encoder makes of events.
    static func encode(
        _ events: [AnswerEvent], as format: String, _ change: (inout ConversionContext) -> Void = { _ in }
    ) -> String {
        var context = Formats.context(change)
        context.request.includeUsage = true
        switch format {
        case "chat":
            var encoder = ChatStreamEncoder(context)
            return encoder.text(events)
        case "messages":
            var encoder = MessagesStreamEncoder(context)
            return encoder.text(events)
        default:
            var encoder = ResponsesStreamEncoder(context)
            return encoder.text(events)
        }
    }

    /// The documents of a stream that the encoder made.
    static func documents(_ stream: String) throws -> [JSONValue] {
        try TestFrame.all(stream).map { try JSONValue(parsing: $0.data) }
    }

    /// Encodes events for a client of this format whose request is `request`.
    static func stream(_ events: [AnswerEvent], for request: JSONValue? = nil) throws -> [JSONValue] {
        try documents(
            encode(events, as: "responses") { context in
                guard let request, let read = try? ResponsesRequestReader.read(request, context: &context) else {
                    return
                }
                context.request = RequestFacts(read)
                context.echo = read
            })
    }

    static func to(_ format: String, _ canonical: CanonicalRequest, _ context: inout ConversionContext) throws
        -> JSONValue
    {
        let crossed = try Formats.crossed(canonical)
        let bytes =
            switch format {
            case "chat": try ChatRequestWriter.write(crossed, context: &context)
            case "messages": try MessagesRequestWriter.write(crossed, context: &context)
            default: try ResponsesRequestWriter.write(crossed, context: &context)
            }
        return try JSONValue(parsing: bytes)
    }

    static func losses(_ context: ConversionContext) -> JSONValue {
        .array(context.losses.map { .string("\($0.severity) \($0.code) \($0.path)") })
    }

    /// A request to this format as one to another.
    static func converted(_ request: JSONValue, to format: String) throws -> (JSONValue, ConversionContext) {
        var context = Formats.context()
        let canonical = try ResponsesRequestReader.read(request, context: &context)
        let wire = try to(format, canonical, &context)
        return (wire, context)
    }

    /// A Chat or Messages request as one to this format.
    static func converted(
        chat request: JSONValue, _ change: (inout ConversionContext) -> Void = { _ in }
    ) throws -> (JSONValue, ConversionContext) {
        var context = Formats.context(change)
        let wire = try to("responses", try ChatRequestReader.read(request, context: context), &context)
        return (wire, context)
    }

    static func converted(messages request: JSONValue) throws -> (JSONValue, ConversionContext) {
        var context = Formats.context()
        let wire = try to("responses", try MessagesRequestReader.read(request, context: context), &context)
        return (wire, context)
    }
}
