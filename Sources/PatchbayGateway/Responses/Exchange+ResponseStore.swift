import NIOCore
import PatchbayCore
import PatchbayRouting
import PatchbayStore
import PatchbayWire

/// State that outlives a request: what `previous_response_id` means, and the endpoints of kept responses.
///
/// The store answers on a thread of its own; nothing here waits for it.
extension Exchange {
    /// Asks the store of responses and goes on here with its answer.
    private func ask<Value: Sendable>(
        _ question: (ResponseStore, @escaping @Sendable (Result<Value, StoreError>) -> Void) -> Void,
        then: @escaping (Value) throws(GatewayError) -> Void
    ) throws(GatewayError) {
        guard let store = loop.responses else {
            throw GatewayError(.storeUnavailable, "this gateway keeps no responses", status: 503)
        }
        ask(for: "responses", { question(store, $0) }, then: then)
    }

    // MARK: - Going on from a response

    /// A request for a new response, a shorter conversation or a count: with `previous_response_id` the conversation is
    /// looked up first, so that nobody goes on from what belongs to another key.
    func beginResponse() throws(GatewayError) {
        let turn = try ResponsesTurn(scanning: body)
        if turn.isBackground { return try runInBackground(turn) }
        responses = turn
        if let conversation = turn.conversation { return try beginResponse(in: conversation, turn) }
        guard turn.refersBack, let owner = key?.key.name else { return try goOn() }
        guard loop.responses != nil else {
            // Without a store nobody but the upstream knows its items.
            guard let previous = turn.previous else { return try goOn() }
            throw .responseNotFound(previous, previous: true)
        }
        let sent = Array(body.readableBytesView)
        let (previous, references) = (turn.previous, turn.references)
        try ask(
            { (store, answer: @escaping @Sendable (Result<ResponsesConversation.Outcome, StoreError>) -> Void) in
                store.recall(previous: previous, items: references, owner: owner) { result in
                    answer(
                        result.map { ResponsesConversation.outcome($0, previous: previous, references, body: sent) })
                }
            },
            then: { [self] outcome throws(GatewayError) in
                switch outcome {
                case .previousMissing: throw .responseNotFound(previous ?? "", previous: true)
                case .itemMissing(let id): throw .itemNotFound(id)
                case .full: throw .conversationTooLarge
                case .composed(let composed): take(composed)
                }
                try goOn()
            })
    }

    /// The request with the conversation in it takes the place of the one that was sent.
    func take(_ composed: ResponsesConversation.Composed) {
        responses?.original = body
        responses?.pinned = composed.channel
        responses?.portable = ByteBuffer(bytes: composed.portable)
        responses?.input = composed.input
        responses?.whole = composed.whole
        body = ByteBuffer(bytes: composed.body)
    }

    func goOn() throws(GatewayError) {
        try openCompactions()
        if let files = loop.files, files.hasFiles, try waitsForFiles(files) { return }
        try answerResponse()
    }

    /// Goes on with a request that says everything itself.
    func answerResponse() throws(GatewayError) {
        guard endpoint == .inputTokens else { return try route() }
        answer(try ResponsesInputTokens.document(for: body), warning: "usage.estimated;info")
    }

    /// Channels of the upstream that keeps the conversation itself are asked first.
    func preferPinned() {
        guard let pinned = responses?.pinned else { return }
        let table = snapshot.table
        func isPinned(_ candidate: Int32) -> Bool {
            table.channels[Int(table.candidates[Int(candidate)].channel)].credentialID == pinned
        }
        plan = plan.filter(isPinned) + plan.filter { !isPinned($0) }
    }

    /// The client's own bytes for a channel of its format: as they came for the one that keeps the conversation, else
    /// with the conversation in them.
    var ownFormatBody: ByteBuffer {
        guard let turn = responses, let original = turn.original else { return body }
        return holder == turn.pinned ? original : turn.portable ?? body
    }

    /// Whether the upstream does not know the response after all, and is asked again with the whole conversation.
    func retriesWithConversation() -> Bool {
        guard let turn = responses, turn.original != nil, turn.pinned == holder, attempt.isSameFormat, mayAskAgain,
            (400..<500).contains(attempt.status) || attempt.status == 501
        else { return false }
        let isAbout = attempt.collected.withUnsafeReadableBytes { raw in
            String(decoding: raw.prefix(4096), as: UTF8.self).lowercased()
        }
        let signs = ["previous_response", "previous response", "item with id", "items are not persisted"]
        guard signs.contains(where: { isAbout.contains($0) }) else { return false }
        responses?.pinned = nil
        return true
    }

    /// Whether the policy leaves an attempt for asking the same channel otherwise.
    var mayAskAgain: Bool { attempts.count < governed.policy.retry.maxAttempts }

    /// The party whose credential the attempt uses; what an upstream keeps belongs to it.
    private var holder: String { snapshot.table.channels[Int(attempt.channel)].credentialID }

    // MARK: - Keeping a response

    /// Keeps the response of a document, or of the frames that end a stream. It is on its way to the store before the
    /// client can refer to it.
    func keepResponse(_ answer: some Collection<UInt8>, isStream: Bool) {
        guard endpoint == .responses, let turn = responses, turn.isKept, let store = loop.responses, let key else {
            return
        }
        var response = Array(answer).withUnsafeBytes { raw in
            isStream ? Self.finalResponse(in: raw) : Array(raw)
        }
        if isStream, let document = response { response = Self.complete(document, with: attempt.doneItems) }
        guard var response, let id = Self.responseID(response) else { return }
        let source = turn.original ?? body
        let isUpstreams = attempt.format == .openAIResponses
        var input = turn.input ?? source.withUnsafeReadableBytes { ResponsesConversation.input(of: $0) }
        if let conversation = turn.conversation {
            append(input: input, response: response, to: conversation, owner: key.key.name, in: store)
            guard turn.keeps else { return }
            response = ConversationEcho.document(response, conversation)
            // Who goes on from the response alone goes on from all that was said before it.
            input = turn.whole ?? input
        }
        if let run = connection.run { return run.keep(response, input: input) }
        var kept = StoredResponse(
            id: id, owner: key.key.name, previous: turn.previous, channel: isUpstreams ? holder : nil, input: input,
            response: response)
        kept.items = response.withUnsafeBytes { ResponsesConversation.outputIDs(of: $0) }
        store.put(kept)
    }

    private static func responseID(_ document: [UInt8]) -> String? {
        document.withUnsafeBytes { raw in
            let found = try? JSONFieldScanner.scanTopLevel(raw, names: ["id", "status"])
            let status = found?[1]?.string(in: raw)
            guard status == "completed" || status == "incomplete" else { return nil }
            return found?[0]?.string(in: raw)
        }
    }

    /// Notes the items of a stream that passes through, for upstreams whose last event has none (formats.md E-72).
    func noteItem(_ frame: SSEFrame) {
        guard responses?.isKept == true, let event = frame.event, event.equals("response.output_item.done"),
            let data = frame.data, attempt.doneItems.count + data.count <= loop.responses?.entryBytes ?? 0,
            let item = (try? JSONFieldScanner.scanTopLevel(data, names: ["item"]))?[0], item.kind == .object
        else { return }
        if !attempt.doneItems.isEmpty { attempt.doneItems.append(UInt8(ascii: ",")) }
        attempt.doneItems.append(contentsOf: item.span.bytes(in: data))
    }

    /// The response with the items of its stream, if it has none itself.
    static func complete(_ response: [UInt8], with items: [UInt8]) -> [UInt8] {
        guard !items.isEmpty else { return response }
        return response.withUnsafeBytes { raw in
            guard let output = (try? JSONFieldScanner.scanTopLevel(raw, names: ["output"]))?[0],
                output.kind == .array, output.span.bytes(in: raw).dropFirst().dropLast().allSatisfy({ $0 <= 0x20 })
            else { return response }
            let patch = JSONPatchOperation("output", value: [UInt8(ascii: "[")] + items + [UInt8(ascii: "]")])
            var whole: [UInt8] = []
            do {
                try JSONPatch.apply([patch], to: raw, into: &whole)
                return whole
            } catch {
                return response
            }
        }
    }

    /// The response in the last frame of a stream.
    private static func finalResponse(in frames: UnsafeRawBufferPointer) -> [UInt8]? {
        var splitter = SSEFrameSplitter()
        var position = 0
        var response: [UInt8]?
        while let frame = try? splitter.next(in: frames, at: &position) {
            guard let data = frame.data,
                let found = try? JSONFieldScanner.scanTopLevel(data, names: ["response"]), let value = found[0],
                value.kind == .object
            else { continue }
            response = Array(value.span.bytes(in: data))
        }
        return response
    }

    // MARK: - Endpoints

    /// The id in `/v1/responses/{id}…`.
    private var responseIDInPath: String {
        let path = connection.headBytes.withUnsafeReadableBytes { bytes in
            String(decoding: connection.head.path.bytes(in: bytes), as: UTF8.self)
        }
        let words = path.split(separator: "/")
        guard let place = words.firstIndex(of: "responses"), words.count > place + 1 else { return "" }
        return String(words[place + 1].prefix(128))
    }

    var query: String {
        connection.headBytes.withUnsafeReadableBytes { bytes in
            connection.head.query.map { String(decoding: $0.bytes(in: bytes), as: UTF8.self) } ?? ""
        }
    }

    func answerStoredResponse(_ endpoint: Endpoint) throws(GatewayError) {
        guard let owner = key?.key.name else { return }
        let id = responseIDInPath
        guard loop.responses != nil else { throw .responseNotFound(id, previous: false) }
        switch endpoint {
        case .storedResponse where connection.head.method == .delete:
            try cancelRun(id, owner) { [self] _ throws(GatewayError) in
                try ask({ $0.remove(id, owner: owner, $1) }) { [self] isRemoved throws(GatewayError) in
                    guard isRemoved else { throw .responseNotFound(id, previous: false) }
                    let document: JSONValue = ["id": .string(id), "object": "response", "deleted": true]
                    answer(document.serialised())
                }
            }
        case .storedResponse:
            let query = try ResponseQuery(query)
            if query.isStream, let place = loop.runs.find(id, owner: owner), place.events != nil {
                return follow(place, after: query.after)
            }
            try ask({ $0.find(id, owner: owner, $1) }) { [self] found throws(GatewayError) in
                guard let found else { throw .responseNotFound(id, previous: false) }
                guard query.isStream else { return answer(found.response) }
                guard !found.isUnfinished else {
                    throw .invalid(
                        "\"stream\" has to be false while a response is made that is not a stream", parameter: "stream")
                }
                try replay(found, id, owner, after: query.after)
            }
        case .responseInput:
            let query = try ResponsesInputPage.Query(query)
            try ask(
                { (store, reply: @escaping @Sendable (Result<[UInt8]?, StoreError>) -> Void) in
                    store.conversation(id, owner: owner) { result in
                        reply(result.map { $0.isEmpty ? nil : ResponsesInputPage.document($0, query) })
                    }
                },
                then: { [self] page throws(GatewayError) in
                    guard let page else { throw .responseNotFound(id, previous: false) }
                    answer(page)
                })
        default: try answerCancellation(id, owner)
        }
    }
}

extension StoredResponse {
    /// It is still being made.
    var isUnfinished: Bool {
        response.withUnsafeBytes { raw in
            let status = (try? JSONFieldScanner.scanTopLevel(raw, names: ["status"]))?[0]?.string(in: raw)
            return status == "queued" || status == "in_progress"
        }
    }
}
