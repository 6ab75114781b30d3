import Foundation
import Synchronization
import Testing

@testable import PatchbayGateway

@Suite struct ConcurrencyGateTests {
    /// Writes down who was let in.
    private final class Door: Sendable {
        let order = Mutex<[Int]>([])

        func ticket(_ number: Int) -> ConcurrencyGate.Ticket {
            ConcurrencyGate.Ticket { self.order.withLock { $0.append(number) } }
        }

        var admitted: [Int] { order.withLock { $0 } }
    }

    @Test func placesAreTakenUpToTheLimit() {
        let gate = ConcurrencyGate(name: "s", limit: 2)
        #expect(gate.enter() && gate.enter() && !gate.enter())
        gate.leave()
        #expect(gate.enter() && gate.taken == 2)
    }

    @Test func theLineIsFirstInFirstOut() {
        let gate = ConcurrencyGate(name: "s", limit: 1)
        let door = Door()
        #expect(gate.enter())
        for number in 1...3 { #expect(gate.join(door.ticket(number), length: 3) == .waiting) }
        #expect(gate.join(door.ticket(4), length: 3) == .full)
        #expect(gate.waiting == 3)
        for _ in 1...3 { gate.leave() }
        #expect(door.admitted == [1, 2, 3])
        #expect(gate.taken == 1 && gate.waiting == 0)
        gate.leave()
        #expect(gate.taken == 0)
    }

    @Test func nobodyOvertakesTheLine() {
        let gate = ConcurrencyGate(name: "s", limit: 1)
        let door = Door()
        #expect(gate.enter())
        #expect(gate.join(door.ticket(1), length: 1) == .waiting)
        gate.setLimit(2)
        #expect(door.admitted == [1])
        #expect(!gate.enter())
    }

    @Test func whoLeavesTheLineIsNotLetIn() {
        let gate = ConcurrencyGate(name: "s", limit: 1)
        let door = Door()
        #expect(gate.enter())
        let tickets = (1...3).map(door.ticket)
        for ticket in tickets { #expect(gate.join(ticket, length: 9) == .waiting) }
        #expect(gate.forget(tickets[1]))
        gate.leave()
        gate.leave()
        #expect(door.admitted == [1, 3])
        #expect(!gate.forget(tickets[0]))
        gate.leave()
        #expect(gate.taken == 0 && gate.waiting == 0)
    }

    @Test func aFreePlaceNeedsNoLine() {
        let gate = ConcurrencyGate(name: "s", limit: 1)
        #expect(gate.join(Door().ticket(1), length: 0) == .entered)
        #expect(gate.join(Door().ticket(2), length: 0) == .full)
    }

    @Test func withoutALimitEverybodyComesIn() {
        let gate = ConcurrencyGate(name: "s", limit: 1)
        let door = Door()
        #expect(gate.enter())
        for number in 1...5 { #expect(gate.join(door.ticket(number), length: 9) == .waiting) }
        gate.setLimit(nil)
        #expect(door.admitted == [1, 2, 3, 4, 5] && gate.taken == 6 && gate.places == nil)
    }

    @Test func threadsNeverHoldMorePlacesThanThereAreAndNobodyIsForgotten() {
        let gate = ConcurrencyGate(name: "s", limit: 3)
        let inside = Atomic<Int>(0)
        let most = Atomic<Int>(0)
        let served = Atomic<Int>(0)
        @Sendable func work() {
            most.max(inside.wrappingAdd(1, ordering: .relaxed).newValue, ordering: .relaxed)
            served.wrappingAdd(1, ordering: .relaxed)
            inside.wrappingSubtract(1, ordering: .relaxed)
            gate.leave()
        }
        DispatchQueue.concurrentPerform(iterations: 8) { worker in
            for round in 0..<2_000 {
                if gate.enter() {
                    work()
                    continue
                }
                let signal = DispatchSemaphore(value: 0)
                let ticket = ConcurrencyGate.Ticket { signal.signal() }
                switch gate.join(ticket, length: 1_000) {
                case .entered: work()
                case .full: Issue.record("the line is long enough")
                case .waiting:
                    if (round + worker) % 5 == 0, gate.forget(ticket) {
                        served.wrappingAdd(1, ordering: .relaxed)
                        continue
                    }
                    signal.wait()
                    work()
                }
            }
        }
        #expect(served.load(ordering: .relaxed) == 16_000)
        #expect(most.load(ordering: .relaxed) <= 3)
        #expect(gate.taken == 0 && gate.waiting == 0)
    }
}
