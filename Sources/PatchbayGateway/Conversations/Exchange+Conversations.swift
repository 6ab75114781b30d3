import NIOCore
import PatchbayCore
import PatchbayStore
import PatchbayWire

/// `/v1/conversations`: conversations that clients keep by their own id, in the gateway's store. One belongs to the key
/// that made it; to every other key it does not exist.
extension Exchange {
    func answerConversation(_ request: ConversationRequest) throws(GatewayError) {
        guard let owner = key?.key.name else { return }
        guard let store = loop.responses else {
            throw GatewayError(
                .notImplemented, "this gateway keeps no conversations; send their items in the request itself",
                status: 501)
        }
        let place = ConversationPlace(conversationWords)
        switch (request, connection.head.method) {
        case (.collection, _): try create(in: store, owner)
        case (.entry, .post): try update(place, in: store, owner)
        case (.entry, .delete):
            ask(for: "conversations", { store.removeConversation(place.id, owner: owner, $0) }) {
                [self] isRemoved throws(GatewayError) in
                guard isRemoved else { throw .conversationNotFound(place.id) }
                answer(ConversationDocument.deleted(place.id))
            }
        case (.entry, _):
            ask(for: "conversations", { store.findConversation(place.id, owner: owner, $0) }) {
                [self] found throws(GatewayError) in try answer(found, place)
            }
        case (.items, .post): try add(to: place, in: store, owner)
        case (.items, _): try list(place, in: store, owner)
        case (.item, .delete):
            ask(for: "conversations", { store.remove(item: place.item, of: place.id, owner: owner, $0) }) {
                [self] found throws(GatewayError) in
                guard found != nil else { throw place.itemNotFound }
                try answer(found, place)
            }
        case (.item, _):
            ask(for: "conversations", { store.item(place.item, of: place.id, owner: owner, $0) }) {
                [self] item throws(GatewayError) in
                guard let item else { throw place.itemNotFound }
                answer(ConversationDocument.item(item))
            }
        }
    }

    /// The parts of the path behind `conversations`.
    private var conversationWords: [String] {
        let path = connection.headBytes.withUnsafeReadableBytes { bytes in
            String(decoding: connection.head.path.bytes(in: bytes), as: UTF8.self)
        }
        let words = path.split(separator: "/").map { String($0.prefix(160)) }
        return words.firstIndex(of: "conversations").map { Array(words[($0 + 1)...]) } ?? []
    }

    private func answer(_ conversation: StoredConversation?, _ place: ConversationPlace) throws(GatewayError) {
        guard let conversation else { throw .conversationNotFound(place.id) }
        answer(ConversationDocument.conversation(conversation))
    }

    private func create(in store: ResponseStore, _ owner: String) throws(GatewayError) {
        let said = try ConversationBody(body, id: requestID)
        let conversation = StoredConversation(
            id: "conv_" + requestID, owner: owner, created: startedAtUnix, metadata: said.metadata ?? Array("{}".utf8))
        ask(for: "conversations", { store.create(conversation, items: said.items, $0) }) {
            [self] isKept throws(GatewayError) in
            guard isKept else { throw .conversationTooLarge }
            answer(ConversationDocument.conversation(conversation))
        }
    }

    private func update(
        _ place: ConversationPlace, in store: ResponseStore, _ owner: String
    ) throws(GatewayError) {
        guard let metadata = try ConversationBody(body, id: requestID).metadata else {
            throw .invalid("\"metadata\" is missing", parameter: "metadata")
        }
        ask(for: "conversations", { store.updateConversation(place.id, owner: owner, metadata: metadata, $0) }) {
            [self] found throws(GatewayError) in try answer(found, place)
        }
    }

    private func add(to place: ConversationPlace, in store: ResponseStore, _ owner: String) throws(GatewayError) {
        let items = try ConversationBody(body, id: requestID, needsItems: true).items
        ask(for: "conversations", { store.add(items, to: place.id, owner: owner, $0) }) {
            [self] addition throws(GatewayError) in
            switch addition {
            case .added(let kept): answer(ConversationDocument.list(kept, hasMore: false))
            case .missing: throw .conversationNotFound(place.id)
            case .tooLarge: throw .conversationTooLarge
            }
        }
    }

    private func list(_ place: ConversationPlace, in store: ResponseStore, _ owner: String) throws(GatewayError) {
        let query = try ResponsesInputPage.Query(query)
        ask(
            for: "conversations",
            {
                store.items(
                    of: place.id, owner: owner, limit: query.limit, isAscending: query.isAscending, after: query.after,
                    $0)
            }
        ) { [self] page throws(GatewayError) in
            guard let page else { throw .conversationNotFound(place.id) }
            answer(ConversationDocument.list(page.items, hasMore: page.hasMore))
        }
    }
}

/// What a path names.
private struct ConversationPlace: Sendable {
    let id: String
    let item: String

    init(_ words: [String]) {
        id = words.first ?? ""
        item = words.count > 2 ? words[2] : ""
    }

    var itemNotFound: GatewayError {
        GatewayError(.notFound, "Item with id '\(item)' not found in the conversation '\(id)'.", status: 404)
    }
}
