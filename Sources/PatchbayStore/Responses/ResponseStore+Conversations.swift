import PatchbayCore

/// Conversations, which are kept beside the responses. No call waits; answers come on the thread of the store.
extension ResponseStore {
    package typealias Answer<Value> = @Sendable (Result<Value, StoreError>) -> Void

    /// Keeps a new conversation with its first items. Nil if they are too large.
    package func create(
        _ conversation: StoredConversation, items: [ConversationItem], _ answer: @escaping Answer<Bool>
    ) {
        queue.submit(answer) { table throws(StoreError) in
            let now = SystemTime.unixMilliseconds()
            guard try table.conversations.create(conversation, now: now) else { return false }
            guard !items.isEmpty else { return true }
            let addition = try table.conversations.add(
                items, to: conversation.id, owner: conversation.owner, isAnswer: false, now: now)
            if case .added = addition { return true }
            _ = try table.conversations.remove(conversation.id, owner: conversation.owner, now: now)
            return false
        }
    }

    /// Finds a conversation of an owner; nil if there is none.
    package func findConversation(_ id: String, owner: String, _ answer: @escaping Answer<StoredConversation?>) {
        queue.submit(answer) { table throws(StoreError) in
            try table.conversations.find(id, owner: owner, now: SystemTime.unixMilliseconds())
        }
    }

    /// Replaces what is noted about a conversation; nil if there is none.
    package func updateConversation(
        _ id: String, owner: String, metadata: [UInt8], _ answer: @escaping Answer<StoredConversation?>
    ) {
        queue.submit(answer) { table throws(StoreError) in
            try table.conversations.update(
                id, owner: owner, metadata: metadata, now: SystemTime.unixMilliseconds())
        }
    }

    /// Removes a conversation with its items; false if there is none.
    package func removeConversation(_ id: String, owner: String, _ answer: @escaping Answer<Bool>) {
        queue.submit(answer) { table throws(StoreError) in
            try table.conversations.remove(id, owner: owner, now: SystemTime.unixMilliseconds())
        }
    }

    /// Adds items behind those that are there.
    package func add(
        _ items: [ConversationItem], to id: String, owner: String, _ answer: @escaping Answer<ConversationAddition>
    ) {
        queue.submit(answer) { table throws(StoreError) in
            try table.conversations.add(
                items, to: id, owner: owner, isAnswer: false, now: SystemTime.unixMilliseconds())
        }
    }

    /// Adds what a request and its answer have said. Nobody waits for it; false if the store takes nothing more.
    @discardableResult
    package func append(_ items: [ConversationItem], to id: String, owner: String) -> Bool {
        let size = items.reduce(0) { $0 + $1.item.count }
        guard pending.add(size, limit: Self.pendingLimit) else { return false }
        return queue.add { [pending] table in
            pending.remove(size)
            _ = try? table.conversations.add(
                items, to: id, owner: owner, isAnswer: true, now: SystemTime.unixMilliseconds())
        }
    }

    /// A page of items; nil if there is no such conversation.
    package func items(
        of id: String, owner: String, limit: Int, isAscending: Bool, after: String?,
        _ answer: @escaping Answer<ConversationPage?>
    ) {
        queue.submit(answer) { table throws(StoreError) in
            try table.conversations.page(
                of: id, owner: owner, limit: limit, isAscending: isAscending, after: after,
                now: SystemTime.unixMilliseconds())
        }
    }

    package func item(
        _ item: String, of id: String, owner: String, _ answer: @escaping Answer<ConversationItem?>
    ) {
        queue.submit(answer) { table throws(StoreError) in
            try table.conversations.item(item, of: id, owner: owner, now: SystemTime.unixMilliseconds())
        }
    }

    /// Removes an item; the conversation without it, or nil if there is no such item.
    package func remove(
        item: String, of id: String, owner: String, _ answer: @escaping Answer<StoredConversation?>
    ) {
        queue.submit(answer) { table throws(StoreError) in
            try table.conversations.remove(item: item, of: id, owner: owner, now: SystemTime.unixMilliseconds())
        }
    }

    /// Everything that was said in a conversation, and the responses with items of these ids; nil if there is no such
    /// conversation.
    package func recall(
        conversation id: String, items: [String], owner: String, _ answer: @escaping Answer<RecalledConversation?>
    ) {
        queue.submit(answer) { table throws(StoreError) in
            let now = SystemTime.unixMilliseconds()
            guard let found = try table.conversations.recall(id, owner: owner, now: now) else { return nil }
            let own = Set(found.items.map(\.id))
            let holders = try table.holders(
                of: items.filter { !own.contains($0) }, owner: owner, now: now, largest: Self.largestConversation)
            return RecalledConversation(items: found.items, holders: holders, isFull: found.isFull)
        }
    }
}
