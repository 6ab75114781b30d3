import PatchbayWire
import Testing

@testable import PatchbayGateway

/// Events of responses in the background, as readers get them.
@Suite struct RunEventsTests {
    private func frame(_ type: String, _ rest: String = "") -> [UInt8] {
        Array("event: \(type)\ndata: {\"type\":\"\(type)\",\"sequence_number\":90\(rest)}\n\n".utf8)
    }

    private func response(_ status: String) -> String { ",\"response\":{\"id\":\"up\",\"status\":\"\(status)\"}" }

    private final class Reader {
        var batches: [RunEvents.Batch] = []

        func read(_ events: RunEvents, after: Int) { events.next(after: after) { self.batches.append($0) } }

        var text: String {
            batches.reduce(into: "") { text, batch in
                if case .frames(let bytes, _, _) = batch { text += String(decoding: bytes, as: UTF8.self) }
            }
        }

        var isAtEnd: Bool { if case .frames(_, _, true)? = batches.last { true } else { false } }
        var hasOverflowed: Bool { if case .overflow? = batches.last { true } else { false } }
    }

    @Test func eventsAreNumberedAndNamedAnew() {
        let events = RunEvents(id: "resp_1", limit: 10_000, budget: EventBudget())
        events.append(frame("response.created", response("in_progress")) + Array(": ka\n\n".utf8) + frame("x"))
        let reader = Reader()
        reader.read(events, after: -1)
        #expect(
            reader.text == """
                event: response.created
                data: {"type":"response.created","sequence_number":0,"response":{"id":"resp_1","status":"in_progress",\
                "background":true}}

                event: x
                data: {"type":"x","sequence_number":1}


                """)
        #expect(!reader.isAtEnd && events.final == nil)
    }

    @Test func whoIsThereWaitsAndWhoComesLaterGetsTheRest() {
        let events = RunEvents(id: "r", limit: 10_000, budget: EventBudget())
        let (first, late) = (Reader(), Reader())
        first.read(events, after: -1)
        #expect(first.batches.isEmpty)
        events.append(frame("a"))
        #expect(first.text.contains("\"sequence_number\":0"))
        first.read(events, after: 0)
        events.append(frame("response.completed", response("completed")))
        // What an upstream sends behind the end is none of it.
        events.append(frame("b"))
        events.end()
        late.read(events, after: 0)
        #expect(late.isAtEnd && late.text == first.text.components(behind: "\n\n") && !late.text.contains("event: b"))
        late.read(events, after: 7)
        #expect(late.isAtEnd)
        #expect(events.final.map { String(decoding: $0, as: UTF8.self) }?.contains("\"status\":\"completed\"") == true)
        #expect(RunEvents.frames(events.all ?? [], after: 0) == Array(late.text.utf8))
        #expect(RunEvents.frames(events.all ?? [], after: 9) == [])
    }

    @Test func whatIsTooMuchIsSaid() {
        let events = RunEvents(id: "r", limit: 200, budget: EventBudget())
        for _ in 0..<9 { events.append(frame("a")) }
        events.end()
        let reader = Reader()
        reader.read(events, after: -1)
        #expect(!reader.isAtEnd && reader.text.contains("\"sequence_number\":0"))
        reader.read(events, after: 8)
        #expect(reader.hasOverflowed && events.all == nil)
    }

    @Test func allOfThemTogetherHaveABound() {
        let budget = EventBudget()
        #expect(budget.take(EventBudget.most - 100) && !budget.take(101) && budget.take(90))
        do {
            let events = RunEvents(id: "r", limit: 10_000, budget: budget)
            events.append(frame("a"))
            #expect(events.hasOverflowed)
        }
        budget.give(EventBudget.most - 10)
        do {
            let events = RunEvents(id: "r", limit: 10_000, budget: budget)
            events.append(frame("a"))
            #expect(!events.hasOverflowed && !budget.take(EventBudget.most))
        }
        #expect(budget.take(EventBudget.most))
    }

    @Test func frameAfterFrameIsTheSameAsAllAtOnce() {
        let budget = EventBudget()
        let (one, all) = (
            RunEvents(id: "r", limit: 10_000, budget: budget), RunEvents(id: "r", limit: 10_000, budget: budget)
        )
        let frames = [frame("a"), frame("b", response("in_progress")), frame("response.failed", response("failed"))]
        for frame in frames { one.append(frame) }
        all.append(Array(frames.joined()))
        #expect(one.all == all.all && one.all != nil)
    }
}

extension String {
    /// What stands behind the first `separator`.
    fileprivate func components(behind separator: String) -> String {
        firstRange(of: separator).map { String(self[$0.upperBound...]) } ?? ""
    }
}
