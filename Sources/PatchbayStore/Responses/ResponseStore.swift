package import PatchbayCore

/// A response that clients may refer to later, with the input that led to it. Both are JSON as the client's format has
/// it, and belong to one key.
package struct StoredResponse: Sendable {
    package var id: String
    /// Name of the key; no other key sees the response.
    package var owner: String
    /// The response before it in the conversation.
    package var previous: String?
    /// Site, account and token of the upstream that keeps the response as well; nil if only the gateway does.
    package var channel: String?
    /// Array of the items that this request added to the conversation.
    package var input: [UInt8]
    /// The response document.
    package var response: [UInt8]
    /// Ids of the items in its output, by which later requests may name them.
    package var items: [String] = []
    /// Of a response that is still being made: what it is if the process ends before it is complete.
    package var failed: [UInt8]?

    package init(
        id: String, owner: String, previous: String?, channel: String?, input: [UInt8], response: [UInt8]
    ) {
        self.id = id
        self.owner = owner
        self.previous = previous
        self.channel = channel
        self.input = input
        self.response = response
    }
}

/// What a request refers to.
package struct RecalledResponses: Sendable {
    /// From the first response to the one that the request goes on from.
    package var conversation: [StoredResponse] = []
    /// The responses that hold items which the request only names.
    package var holders: [StoredResponse] = []

    package init(conversation: [StoredResponse] = [], holders: [StoredResponse] = []) {
        self.conversation = conversation
        self.holders = holders
    }
}

/// Keeps responses for the clients that refer to them: one file, `responses.db`, beside the other data.
///
/// One thread does all the work, in the order of the calls, so that whoever has seen a response finds it. No call
/// waits; answers come on that thread. Everything has an expiry, and the whole has a size.
package final class ResponseStore: Sendable {
    /// Bytes of responses that wait for being written; more are not taken.
    static let pendingLimit = 67_108_864
    /// A conversation of more requests or bytes is not put together any more.
    private static let longestChain = 2_048
    static let largestConversation = ConversationTable.largest

    /// Bytes of one response and its input; a larger one is not kept.
    package let entryBytes: Int
    let queue = JobQueue<ResponseTable>()
    private let thread: SystemThread
    let pending = PendingBytes()

    /// Opens the file, and makes it if it is missing.
    package init(directory: String, settings: ResponseStoreSettings) throws(StoreError) {
        entryBytes = settings.entryBytes
        let path = "\(directory)/responses.db"
        try SystemCall.makeDirectory(directory)
        try SystemCall.makePrivateFile(path)
        let handover = Handover(table: try ResponseTable(Database(path: path, readOnly: false), settings))
        thread = try SystemThread(named: "pb-responses") { [queue] in
            while let job = queue.next() { job(handover.table) }
        }
    }

    /// Finishes what has been asked for and ends the thread.
    package func close() {
        queue.close()
        guard pending.close() else { return }
        thread.join()
    }

    /// Keeps a response. False if the store is closed or so far behind that it takes nothing more.
    @discardableResult
    package func put(_ response: StoredResponse) -> Bool {
        let size = response.input.count + response.response.count
        guard pending.add(size, limit: Self.pendingLimit) else { return false }
        return queue.add { [pending] table in
            pending.remove(size)
            // A response that cannot be kept is one that has expired: clients are told when they ask for it.
            _ = try? table.insert(response, now: SystemTime.unixMilliseconds())
        }
    }

    /// Keeps the events by which a response was told, as frames of a stream.
    package func put(events: [UInt8], of id: String, owner: String) {
        guard pending.add(events.count, limit: Self.pendingLimit) else { return }
        _ = queue.add { [pending] table in
            pending.remove(events.count)
            _ = try? table.insert(events: events, of: id, owner: owner, now: SystemTime.unixMilliseconds())
        }
    }

    /// The events of a response; nil if there are none.
    package func events(
        of id: String, owner: String, _ answer: @escaping @Sendable (Result<[UInt8]?, StoreError>) -> Void
    ) {
        queue.submit(answer) { table throws(StoreError) in try table.events(of: id, owner: owner) }
    }

    /// Finds a response of an owner; nil if there is none.
    package func find(
        _ id: String, owner: String, _ answer: @escaping @Sendable (Result<StoredResponse?, StoreError>) -> Void
    ) {
        queue.submit(answer) { table throws(StoreError) in
            try table.find(id, owner: owner, now: SystemTime.unixMilliseconds())
        }
    }

    /// Removes a response of an owner; false if there is none.
    package func remove(
        _ id: String, owner: String, _ answer: @escaping @Sendable (Result<Bool, StoreError>) -> Void
    ) {
        queue.submit(answer) { table throws(StoreError) in
            try table.remove(id, owner: owner, now: SystemTime.unixMilliseconds())
        }
    }

    /// The conversation that ends with a response, oldest first; empty if it, or one before it, is not there any more.
    package func conversation(
        _ id: String, owner: String, _ answer: @escaping @Sendable (Result<[StoredResponse], StoreError>) -> Void
    ) {
        queue.submit(answer) { table throws(StoreError) in
            try table.chain(
                id, owner: owner, now: SystemTime.unixMilliseconds(), longest: Self.longestChain,
                largest: Self.largestConversation)
        }
    }

    /// Finds the conversation that ends with a response, and the responses whose output has items of these ids. What is
    /// not there is missing in the answer.
    package func recall(
        previous: String?, items: [String], owner: String,
        _ answer: @escaping @Sendable (Result<RecalledResponses, StoreError>) -> Void
    ) {
        queue.submit(answer) { table throws(StoreError) in
            let now = SystemTime.unixMilliseconds()
            var recalled = RecalledResponses()
            if let previous {
                recalled.conversation = try table.chain(
                    previous, owner: owner, now: now, longest: Self.longestChain, largest: Self.largestConversation)
            }
            recalled.holders = try table.holders(
                of: items, owner: owner, now: now, largest: Self.largestConversation)
            return recalled
        }
    }

    /// Carries the table to the only thread that uses it from then on.
    private struct Handover: @unchecked Sendable {
        let table: ResponseTable
    }
}
