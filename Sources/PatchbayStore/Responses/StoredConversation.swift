/// A conversation that a client keeps by its own id, apart from any response (`/v1/conversations`).
package struct StoredConversation: Sendable, Hashable {
    package var id: String
    /// Name of the key; no other key sees the conversation.
    package var owner: String
    /// Milliseconds since 1970.
    package var created: Int64
    /// What the client noted about it, a JSON object.
    package var metadata: [UInt8]

    package init(id: String, owner: String, created: Int64, metadata: [UInt8]) {
        self.id = id
        self.owner = owner
        self.created = created
        self.metadata = metadata
    }
}

/// Something said in a conversation.
package struct ConversationItem: Sendable, Hashable {
    /// Unique in its conversation; counts, whatever `item` says.
    package var id: String
    /// A JSON object as the client or the model has said it.
    package var item: [UInt8]

    package init(id: String, item: [UInt8]) {
        self.id = id
        self.item = item
    }
}

/// What became of items that somebody wanted to add.
package enum ConversationAddition: Sendable {
    /// As they are kept now.
    case added([ConversationItem])
    case missing
    /// More bytes than one conversation, or all of them, may have.
    case tooLarge
}

/// A page of the items of a conversation.
package struct ConversationPage: Sendable {
    package var items: [ConversationItem]
    package var hasMore: Bool
}

/// What a request that belongs to a conversation needs to know.
package struct RecalledConversation: Sendable {
    package var items: [ConversationItem]
    /// The responses that hold items which the request only names.
    package var holders: [StoredResponse]
    /// Nothing more can be added.
    package var isFull: Bool

    package init(items: [ConversationItem], holders: [StoredResponse], isFull: Bool) {
        self.items = items
        self.holders = holders
        self.isFull = isFull
    }
}
