import NIOCore
import PatchbayCore
import PatchbayWire

/// What a request of the Responses format says about state that outlives it.
struct ResponsesTurn {
    /// The response has to be there for later requests.
    var keeps = true
    /// The response shall be made while no client waits.
    var isBackground = false
    /// The response that the request goes on from.
    var previous: String?
    /// Ids of items that the request names and does not say.
    var references: [String] = []
    /// The conversation that the request and its answer belong to.
    var conversation: String?
    /// A prompt that lives with the upstream stands for the instructions.
    var hasPrompt = false
    /// The input has items that stand for a conversation.
    var hasCompaction = false
    /// The answer is a summary, and the client gets it as a compacted conversation.
    var compaction: Exchange.EmulatedCompaction?
    /// Site, account and token of the upstream that keeps the conversation as well.
    var pinned: String?
    /// The body as the client sent it, once another has taken its place.
    var original: ByteBuffer?
    /// What the request adds to the conversation, if the body does not say it itself.
    var input: [UInt8]?
    /// Everything that was said up to and with the request, where it belongs to a conversation.
    var whole: [UInt8]?
    /// The body with the conversation, and without what only one upstream could look up.
    var portable: ByteBuffer?

    private static let names: [StaticString] = [
        "store", "previous_response_id", "background", "conversation", "prompt", "input",
    ]
    /// More than this no conversation has.
    private static let mostReferences = 4_096

    /// Whether the request means something that came before it.
    var refersBack: Bool { previous != nil || !references.isEmpty }

    /// Errors are those that the client can mend.
    init(scanning body: ByteBuffer) throws(GatewayError) {
        let found = body.withUnsafeReadableBytes { bytes in
            (try? JSONFieldScanner.scanTopLevel(bytes, names: Self.names)) ?? []
        }
        // What is no JSON object is refused by the scan that every request goes through.
        guard found.count == Self.names.count else { return }
        if let store = found[0], store.kind == .false { keeps = false }
        isBackground = found[2]?.kind == .true
        conversation = try Self.conversation(found[3], body)
        hasPrompt = found[4].map { $0.kind != .null } ?? false
        try readReferences(found[5], body)
        guard let id = found[1], id.kind != .null else { return }
        guard id.kind == .string, id.span.count <= 130 else {
            throw .invalid("\"previous_response_id\" has to be a string", parameter: "previous_response_id")
        }
        guard conversation == nil else {
            throw .invalid(
                "\"conversation\" and \"previous_response_id\" cannot be used together", parameter: "conversation")
        }
        previous = body.withUnsafeReadableBytes { id.string(in: $0) }
    }
}

extension ResponsesTurn {
    /// What the answer says is needed by somebody later.
    var isKept: Bool { keeps || conversation != nil }

    /// The id of a conversation, alone or in an object.
    private static func conversation(_ field: JSONField?, _ body: ByteBuffer) throws(GatewayError) -> String? {
        guard let field, field.kind != .null else { return nil }
        let id: String? = body.withUnsafeReadableBytes { bytes in
            guard field.kind == .object else { return field.string(in: bytes) }
            let inner = field.span.bytes(in: bytes)
            return (try? JSONFieldScanner.scanTopLevel(inner, names: ["id"]))?[0]?.string(in: inner)
        }
        guard let id, !id.isEmpty, id.utf8.count <= 128 else {
            throw .invalid("\"conversation\" has to be the id of a conversation", parameter: "conversation")
        }
        return id
    }

    private mutating func readReferences(_ input: JSONField?, _ body: ByteBuffer) throws(GatewayError) {
        guard let input, input.kind == .array else { return }
        (references, hasCompaction) = body.withUnsafeReadableBytes { bytes in
            ResponsesConversation.references(in: input.span.bytes(in: bytes))
        }
        guard references.count <= Self.mostReferences else {
            throw .invalid("\"input\" may name at most \(Self.mostReferences) items", parameter: "input")
        }
    }
}

extension GatewayError {
    static func itemNotFound(_ id: String) -> GatewayError {
        GatewayError(
            .notFound, "Item with id '\(id)' not found. Items are kept with responses that are stored.", status: 404,
            parameter: "input")
    }

    static func responseNotFound(_ id: String, previous: Bool) -> GatewayError {
        previous
            ? GatewayError(
                .previousResponseNotFound, "Previous response with id '\(id)' not found.", status: 400,
                parameter: "previous_response_id")
            : GatewayError(.notFound, "Response with id '\(id)' not found.", status: 404, parameter: "response_id")
    }
}
