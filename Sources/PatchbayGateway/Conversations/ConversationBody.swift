import NIOCore
import PatchbayStore
import PatchbayWire

/// What clients send about conversations, with the bounds that OpenAI documents.
struct ConversationBody {
    /// A JSON object; nil if the body does not mention it.
    var metadata: [UInt8]?
    var items: [ConversationItem] = []

    private static let mostItems = 20

    /// - Parameters:
    ///   - id: what ids of items are made of that have none.
    ///   - needsItems: an empty body means something otherwise.
    init(_ body: ByteBuffer, id: String, needsItems: Bool = false) throws(GatewayError) {
        guard body.readableBytes > 0 || needsItems else { return }
        guard let object = try? body.withUnsafeReadableBytes({ raw throws(JSONError) in try JSONValue(parsing: raw) }),
            object.objectValue != nil
        else { throw .invalid("the request body is not a JSON object") }
        if let said = object["metadata"]?.nonNull { metadata = try Self.checked(metadata: said) }
        guard let list = object["items"]?.nonNull else {
            guard !needsItems else { throw .invalid("\"items\" is missing", parameter: "items") }
            return
        }
        guard let list = list.arrayValue, list.count <= Self.mostItems else {
            throw .invalid("\"items\" has to be an array of at most \(Self.mostItems) items", parameter: "items")
        }
        for (index, item) in list.enumerated() {
            guard let members = item.objectValue, members["type"] != "item_reference",
                members["type"]?.stringValue != nil || members["role"]?.stringValue != nil
            else { throw .invalid("items[\(index)] has to be an item that says something", parameter: "items") }
            let name = ResponsesInputPage.id(of: members, or: "\(id)_\(index)")
            items.append(ConversationItem(id: name, item: item.serialised()))
        }
    }

    private static func checked(metadata: JSONValue) throws(GatewayError) -> [UInt8] {
        let isGood =
            metadata.objectValue.map { members in
                members.count <= 16
                    && members.allSatisfy { ($0.value.stringValue?.count ?? .max) <= 512 && $0.key.count <= 64 }
            } ?? false
        guard isGood else {
            throw .invalid(
                "\"metadata\" has to be an object of at most 16 texts of 512 characters, with names of 64",
                parameter: "metadata")
        }
        return metadata.serialised()
    }
}

/// What the gateway answers about conversations.
enum ConversationDocument {
    static func conversation(_ conversation: StoredConversation) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("id", conversation.id)
        writer.member("object", literal: "conversation")
        writer.member("created_at", Int(conversation.created / 1000))
        writer.key("metadata")
        writer.raw(conversation.metadata)
        writer.endObject()
        return writer.bytes
    }

    static func deleted(_ id: String) -> [UInt8] {
        JSONValue.object(["id": .string(id), "object": "conversation.deleted", "deleted": true]).serialised()
    }

    static func list(_ items: [ConversationItem], hasMore: Bool) -> [UInt8] {
        // Clients demand ids of the first and the last also where there is none.
        JSONValue.object([
            "object": "list", "data": .array(items.map(value)), "first_id": .string(items.first?.id ?? ""),
            "last_id": .string(items.last?.id ?? ""), "has_more": .bool(hasMore),
        ]).serialised()
    }

    static func item(_ item: ConversationItem) -> [UInt8] { value(item).serialised() }

    private static func value(_ item: ConversationItem) -> JSONValue {
        guard let value = try? JSONValue(parsing: item.item) else { return .emptyObject }
        return ResponsesInputPage.described(value, id: item.id)
    }
}

extension GatewayError {
    static func conversationNotFound(_ id: String, parameter: String? = nil) -> GatewayError {
        GatewayError(.notFound, "Conversation with id '\(id)' not found.", status: 404, parameter: parameter)
    }

    static let conversationTooLarge = GatewayError(
        .tooLarge, "the conversation would have more bytes than this gateway keeps of one; begin another", status: 413)
}
