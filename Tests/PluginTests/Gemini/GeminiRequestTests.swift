import PatchbayPlugin
import PatchbayWire
import Testing

@testable import CanonicalChat
@testable import FormatAnthropicMessages
@testable import FormatGemini
@testable import FormatOpenAIChat

@Suite("Gemini requests")
struct GeminiRequestTests {
    static let own = (try? Fixture.cases("requests/gemini")) ?? []
    static let chat = (try? Fixture.cases("requests/chat-to-messages")) ?? []
    static let messages = (try? Fixture.cases("requests/messages-to-chat")) ?? []

    private func losses(_ context: ConversionContext) -> JSONValue {
        .array(context.losses.map { .string("\($0.severity) \($0.code) \($0.path)") })
    }

    @Test("A Gemini request survives the way through the canonical model", arguments: own)
    func identity(name: String) throws {
        let source = try Fixture.json("requests/gemini/\(name)/request.json")
        var context = Formats.context()
        let wire = try Gemini.write(try Gemini.read(source), &context)
        #expect(Fixture.pretty(wire.sorted) == Fixture.pretty(source.sorted))
        #expect(context.losses.isEmpty)
    }

    @Test("A Gemini request becomes the expected Chat request", arguments: own)
    func toChat(name: String) throws {
        let folder = "requests/gemini/" + name
        var context = Formats.context { $0.requestedModel = "alias" }
        let canonical = try Gemini.read(try Fixture.json(folder + "/request.json")) { $0.requestedModel = "alias" }
        let wire = try JSONValue(parsing: ChatRequestWriter.write(canonical, context: &context))
        try Fixture.expect(["wire": wire, "losses": losses(context)], equals: folder + "/chat.json")
    }

    @Test("A Gemini request becomes the expected Messages request", arguments: own)
    func toMessages(name: String) throws {
        let folder = "requests/gemini/" + name
        var context = Formats.context { $0.requestedModel = "alias" }
        let canonical = try Gemini.read(try Fixture.json(folder + "/request.json")) { $0.requestedModel = "alias" }
        let wire = try JSONValue(parsing: MessagesRequestWriter.write(canonical, context: &context))
        try Fixture.expect(["wire": wire, "losses": losses(context)], equals: folder + "/messages.json")
    }

    @Test("A Chat request becomes the expected Gemini request", arguments: chat)
    func fromChat(name: String) throws {
        let source = try Fixture.json("requests/chat-to-messages/\(name)/request.json")
        try expect("chat-" + name) { context in
            try Formats.crossed(try ChatRequestReader.read(source, context: context))
        }
    }

    @Test("A Messages request becomes the expected Gemini request", arguments: messages)
    func fromMessages(name: String) throws {
        let source = try Fixture.json("requests/messages-to-chat/\(name)/request.json")
        try expect("messages-" + name) { context in
            try Formats.crossed(try MessagesRequestReader.read(source, context: context))
        }
    }

    /// What cannot be said at all is golden as well.
    private func expect(_ name: String, _ read: (ConversionContext) throws -> CanonicalRequest) throws {
        var context = Formats.context()
        let canonical = try read(context)
        var shown: JSONObject = [:]
        do {
            shown.append("wire", try Gemini.write(canonical, &context))
        } catch let error as ConversionError {
            shown.append("refused", .string(error.sentence))
        }
        shown.append("losses", losses(context))
        try Fixture.expect(.object(shown), equals: "requests/to-gemini/\(name).json")
    }
}
