import NIOCore
import PatchbayCore
import PatchbayStore
import PatchbayWire

/// `background: true`: the client gets a response that is queued, and asks for it later. What the gateway does for it
/// is a request like any other, with the same key, limits, routes and record, whose connection has no client.
extension Exchange {
    func runInBackground(_ turn: ResponsesTurn) throws(GatewayError) {
        guard endpoint == .responses else {
            throw .invalid("\"background\" means something to /v1/responses only", parameter: "background")
        }
        guard let store = loop.responses, let owner = key?.key.name else {
            throw .invalid("\"background\" has to be false: this gateway keeps no responses", parameter: "background")
        }
        guard turn.keeps else {
            throw .invalid("\"store\" has to be true for a response in the background", parameter: "store")
        }
        let (own, isStream) = try foregroundBody()
        let id = "resp_" + requestID
        let budget = loop.runs.eventBudget
        let run = BackgroundRun(
            id: id, owner: owner, turn: turn, body: body, created: startedAtUnix / 1000, store: store,
            events: isStream ? RunEvents(id: id, limit: store.entryBytes, budget: budget) : nil)
        let place = ClientConnection(running: run, as: connection)
        let bound = NIOLoopBound(place, eventLoop: loop.eventLoop)
        let events = run.events.map { NIOLoopBound($0, eventLoop: loop.eventLoop) }
        let found = BackgroundRuns.Place(eventLoop: loop.eventLoop, connection: bound, events: events)
        guard loop.runs.add(run.id, owner: owner, found) else {
            throw GatewayError(
                .rateLimited, "there are \(BackgroundRuns.most) responses in the background already", status: 429,
                retryAfter: 1)
        }
        loop.add(place)
        place.exchange.take(over: self, body: own)
        guard !run.isRefused else {
            connection.write(run.answer)
            state = .finished
            return connection.answered()
        }
        run.begun()
        // Whoever has been told of the response finds it, also after a crash.
        ask(for: "responses", { store.find(run.id, owner: owner, $0) }) {
            [self] (kept: StoredResponse?) throws(GatewayError) in
            guard kept != nil else {
                _ = place.cancelRun()
                throw GatewayError(
                    .tooLarge, "the request cannot be kept: in the background it may have \(store.entryBytes) bytes",
                    status: 413)
            }
            if isStream { return follow(found, after: -1) }
            answer(run.document(status: "queued"))
        }
    }

    /// The body without the word that has brought it here, and whether it asks for a stream.
    private func foregroundBody() throws(GatewayError) -> (body: ByteBuffer, isStream: Bool) {
        var own: [UInt8] = []
        do {
            let isStream = try body.withUnsafeReadableBytes { raw in
                try JSONPatch.apply([JSONPatchOperation("background", value: nil)], to: raw, into: &own)
                return try JSONFieldScanner.scanTopLevel(raw, names: ["stream"])[0]?.kind == .true
            }
            return (ByteBuffer(bytes: own), isStream)
        } catch {
            throw .invalid("the request body is not a JSON object")
        }
    }

    /// Begins the same request anew on this exchange, whose connection has no client.
    private func take(over other: Exchange, body: ByteBuffer) {
        reset()
        endpoint = other.endpoint
        dialect = other.dialect
        key = other.key
        isHead = false
        governed.hops = other.governed.hops
        state = .receiving
        bodyReceived(body)
    }

    // MARK: - Cancelling

    /// Ends a response that is being made, then goes on; `then` gets nil if none is.
    func cancelRun(
        _ id: String, _ owner: String, then: @escaping ([UInt8]?) throws(GatewayError) -> Void
    ) throws(GatewayError) {
        guard let place = loop.runs.find(id, owner: owner) else { return try then(nil) }
        ask(
            for: "responses",
            { answer in
                place.eventLoop.execute { answer(.success(place.connection.value.cancelRun())) }
            }, then: then)
    }

    func answerCancellation(_ id: String, _ owner: String) throws(GatewayError) {
        try cancelRun(id, owner) { [self] document throws(GatewayError) in
            if let document { return answer(document) }
            guard let store = loop.responses else { throw .responseNotFound(id, previous: false) }
            ask(for: "responses", { store.find(id, owner: owner, $0) }) {
                [self] (found: StoredResponse?) throws(GatewayError) in
                guard let found else { throw .responseNotFound(id, previous: false) }
                // Who cancels twice, or too late, gets what there is.
                let isBackground = found.response.withUnsafeBytes { raw in
                    (try? JSONFieldScanner.scanTopLevel(raw, names: ["background"]))?[0]?.kind == .true
                }
                guard isBackground else {
                    throw .invalid(
                        "Only responses with \"background\" set can be cancelled, and '\(id)' is complete.")
                }
                answer(found.response)
            }
        }
    }
}
