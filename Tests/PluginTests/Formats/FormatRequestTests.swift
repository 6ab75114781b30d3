import PatchbayPlugin
import PatchbayWire
import Testing

@testable import CanonicalChat
@testable import FormatAnthropicMessages
@testable import FormatOpenAIChat

@Suite("Requests of conversation formats")
struct FormatRequestTests {
    static let toMessages = (try? Fixture.cases("requests/chat-to-messages")) ?? []
    static let toChat = (try? Fixture.cases("requests/messages-to-chat")) ?? []

    private func context(_ folder: String) throws -> ConversionContext {
        var context = Formats.context()
        guard Fixture.exists(folder + "/context.json") else { return context }
        let document = try Fixture.json(folder + "/context.json")
        context.dialect = document["dialect"]?.stringValue
        context.upstreamModel = document["upstream_model"]?.stringValue ?? ""
        if let profile = document["profile"] { context.profile = CapabilityProfile(profile) }
        return context
    }

    private func losses(_ context: ConversionContext) -> JSONValue {
        .array(
            context.losses.map { loss in
                .string("\(loss.severity) \(loss.code) \(loss.path)")
            })
    }

    @Test("A Chat request becomes the expected Messages request", arguments: toMessages)
    func chatToMessages(name: String) throws {
        let folder = "requests/chat-to-messages/" + name
        var context = try context(folder)
        let wire = try Formats.toMessages(try Fixture.json(folder + "/request.json"), &context)
        try Fixture.expect(wire, equals: folder + "/expected.json")
        try Fixture.expect(losses(context), equals: folder + "/losses.json")
    }

    @Test("A Messages request becomes the expected Chat request", arguments: toChat)
    func messagesToChat(name: String) throws {
        let folder = "requests/messages-to-chat/" + name
        var context = try context(folder)
        let wire = try Formats.toChat(try Fixture.json(folder + "/request.json"), &context)
        try Fixture.expect(wire, equals: folder + "/expected.json")
        try Fixture.expect(losses(context), equals: folder + "/losses.json")
    }

    @Test("A Chat request survives the way through the canonical model", arguments: toMessages)
    func chatIdentity(name: String) throws {
        let source = try Fixture.json("requests/chat-to-messages/\(name)/request.json")
        var context = Formats.context()
        let canonical = try Formats.crossed(try ChatRequestReader.read(source, context: context))
        let wire = try JSONValue(parsing: ChatRequestWriter.write(canonical, context: &context))
        #expect(Fixture.pretty(normalised(wire).sorted) == Fixture.pretty(normalised(source).sorted))
        #expect(context.losses.isEmpty)
    }

    @Test("A Messages request survives the way through the canonical model", arguments: toChat)
    func messagesIdentity(name: String) throws {
        let source = try Fixture.json("requests/messages-to-chat/\(name)/request.json")
        var context = Formats.context()
        let canonical = try Formats.crossed(try MessagesRequestReader.read(source, context: context))
        let wire = try JSONValue(parsing: MessagesRequestWriter.write(canonical, context: &context))
        #expect(Fixture.pretty(normalised(wire).sorted) == Fixture.pretty(normalised(source).sorted))
        #expect(context.losses.isEmpty)
    }

    /// Spellings that the reader repairs on purpose.
    private func normalised(_ value: JSONValue) -> JSONValue {
        var value = value
        if value["max_tokens"]?.stringValue != nil { value["max_tokens"] = 300 }
        if value["stream"] == "false" { value["stream"] = false }
        if value["tool_choice"] == "" { value["tool_choice"] = nil }
        if value["tools"] == .emptyArray {
            value["tools"] = nil
            value["tool_choice"] = nil
        }
        return repaired(value)
    }

    private func repaired(_ value: JSONValue) -> JSONValue {
        switch value {
        case .string("data:image/jpeg;charset=utf-8;base64,iVBORw0KGgoAAAANSUhEUg"):
            return "data:image/jpeg;base64,iVBORw0KGgoAAAANSUhEUg=="
        case .array(let items): return .array(items.map(repaired))
        case .object(let members):
            return .object(
                JSONObject(members.members.map { JSONObject.Member(key: $0.key, value: repaired($0.value)) }))
        default: return value
        }
    }
}
