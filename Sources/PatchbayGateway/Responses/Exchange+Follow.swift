import NIOCore
import PatchbayCore
import PatchbayStore
import PatchbayWire

/// A client that reads the events of a response in the background as they come. It asks for the next ones when it has
/// taken what there was, so that nothing piles up for a slow one; who leaves ends nothing.
struct FollowedRun {
    let place: BackgroundRuns.Place
    /// Number of the last event that the client has.
    var after: Int
    var isAsking = false
    /// Nanoseconds; when the client has heard something last.
    var heardAt: Int64
}

extension Exchange {
    /// Sends the events behind a number, and goes on until the response is complete.
    func follow(_ place: BackgroundRuns.Place, after: Int) {
        responses = nil
        followed = FollowedRun(place: place, after: after, heardAt: loop.now)
        state = .sending
        var head = connection.buffer(capacity: 512)
        writeStreamHead(into: &head)
        connection.write(head)
        connection.flush()
        if state == .sending { askForEvents() }
    }

    /// Asks for the next events, unless that has been done already.
    func askForEvents() {
        guard let run = followed, !run.isAsking, connection.isWritable else { return }
        followed?.isAsking = true
        lookup += 1
        let mine = lookup
        let eventLoop = loop.eventLoop
        let here = NIOLoopBound(self, eventLoop: eventLoop)
        run.place.eventLoop.execute {
            guard let events = run.place.events?.value else { return }
            events.next(after: run.after) { batch in
                eventLoop.execute {
                    let exchange = here.value
                    guard exchange.state == .sending, exchange.lookup == mine else { return }
                    exchange.loop.noteTime()
                    exchange.received(batch)
                }
            }
        }
    }

    private func received(_ batch: RunEvents.Batch) {
        followed?.isAsking = false
        followed?.heardAt = loop.now
        switch batch {
        case .frames(let frames, let last, let isEnd):
            followed?.after = last
            write(chunk: frames)
            guard !isEnd else { return endFollowing() }
        case .overflow:
            let sentence = "the events are more than this gateway keeps; ask for the response itself"
            write(chunk: ResponsesFailure.error(sentence, sequence: (followed?.after ?? -1) + 1))
            return endFollowing()
        }
        connection.flush()
        if state == .sending { askForEvents() }
    }

    private func endFollowing() {
        followed = nil
        finishFollowedStream()
    }

    /// A client that waits for long hears that the connection is alive.
    func showFollowerLife(now: Int64) {
        guard let run = followed, now - run.heardAt >= loop.timeouts.heartbeat.milliseconds, connection.isWritable
        else { return }
        followed?.heardAt = now
        if let sign = dialect.signOfLife { write(chunk: sign) }
        connection.flush()
    }

    /// `GET /v1/responses/{id}?stream=true` of a response that is complete: its events as they were, if they are kept.
    func replay(_ found: StoredResponse, _ id: String, _ owner: String, after: Int) throws(GatewayError) {
        guard let store = loop.responses else { throw .responseNotFound(id, previous: false) }
        ask(for: "responses", { store.events(of: id, owner: owner, $0) }) {
            [self] (events: [UInt8]?) throws(GatewayError) in
            let kept = events.map { RunEvents.frames($0, after: after) }
            answer(kept ?? ResponsesReplay.stream(found.response, after: after), type: "text/event-stream")
        }
    }
}

extension ResponsesFailure {
    /// The flat `error` of a stream whose response goes on.
    static func error(_ sentence: String, sequence: Int) -> [UInt8] {
        let event: JSONValue = [
            "type": "error", "code": "server_error", "message": .string(sentence), "param": .null,
            "sequence_number": .int(sequence),
        ]
        return Array("event: error\ndata: ".utf8) + event.serialised() + Array("\n\n".utf8)
    }
}
