import PatchbayCore
import Testing

@testable import PatchbayAdmin

@Suite struct AdminGateTests {
    private static let token = "the-right-admin-token"
    private let gate = AdminGate(BearerToken(Secret(token)))
    private let right = "Bearer \(token)"

    private func guess(_ peer: String, times: Int = 1, now: Int64 = 0) -> AdminGate.Judgement {
        var last = AdminGate.Judgement.admitted
        for _ in 0..<times { last = gate.judge("Bearer wrong-\(now)", peer: peer, now: now) }
        return last
    }

    @Test func wrongGuessesAreThrottledPerAddress() {
        #expect(guess("10.0.0.1", times: AdminGate.burst) == .refused)
        #expect(guess("10.0.0.1") == .throttled(seconds: 2, isNew: true))
        #expect(guess("10.0.0.1") == .throttled(seconds: 2, isNew: false))
        #expect(guess("10.0.0.2") == .refused)
        #expect(gate.judge(right, peer: "10.0.0.3", now: 0) == .admitted)
    }

    @Test func theRightTokenTellsNothingWhileAnAddressIsThrottled() {
        _ = guess("10.0.0.1", times: AdminGate.burst)
        #expect(gate.judge(right, peer: "10.0.0.1", now: 0) == .throttled(seconds: 2, isNew: true))
        #expect(gate.judge(right, peer: "10.0.0.1", now: AdminGate.pause) == .admitted)
    }

    @Test func guessesAreForgivenOneByOne() {
        _ = guess("10.0.0.1", times: AdminGate.burst)
        #expect(guess("10.0.0.1", now: AdminGate.pause) == .refused)
        #expect(guess("10.0.0.1", now: AdminGate.pause) == .throttled(seconds: 2, isNew: true))
        #expect(guess("10.0.0.1", times: AdminGate.burst, now: 100 * AdminGate.pause) == .refused)
    }

    @Test func whoSendsNothingDoesNotGuess() {
        for _ in 0..<100 { #expect(gate.judge(nil, peer: "10.0.0.1", now: 0) == .refused) }
        #expect(gate.judge(right, peer: "10.0.0.1", now: 0) == .admitted)
    }

    @Test func manyAddressesDoNotFillTheMemoryNorWashOneClean() {
        _ = guess("10.9.9.9", times: AdminGate.burst)
        for number in 0..<(3 * AdminGate.capacity) { _ = guess("10.1.\(number / 256).\(number % 256)") }
        #expect(guess("10.9.9.9") == .throttled(seconds: 2, isNew: true))
    }

    @Test func anIPv6AddressCountsWithItsNetwork() {
        #expect(AdminGate.network(of: "2001:db8:1:2:aaaa::1") == "2001:db8:1:2")
        #expect(AdminGate.network(of: "2001:db8:1:2:bbbb:cccc:dddd:eeee") == "2001:db8:1:2")
        #expect(AdminGate.network(of: "2001:db8::1") == AdminGate.network(of: "2001:db8::2"))
        #expect(AdminGate.network(of: "::ffff:10.0.0.1") == "::ffff:10.0.0.1")
        #expect(AdminGate.network(of: "10.0.0.1") == "10.0.0.1")
    }

    @Test func anotherTokenTakesThePlaceOfTheFirst() {
        gate.setToken(BearerToken(Secret("another-token-1")))
        #expect(gate.judge(right, peer: "10.0.0.1", now: 0) == .refused)
        #expect(gate.judge("Bearer another-token-1", peer: "10.0.0.1", now: 0) == .admitted)
    }

    @Test func theServiceAnswers429WithRetryAfter() async {
        let client = AdminClient()
        var answer = AdminAnswer.empty
        for _ in 0...AdminGate.burst {
            answer = await client.service.respond(
                AdminRequest(method: "GET", path: "/api/v1/sites", authorization: "Bearer wrong", peer: "10.0.0.1"))
        }
        #expect(answer.status == 429 && answer.problem.hasPrefix("too_many_attempts"))
        #expect(answer.headers.contains { $0.name == "retry-after" })
        let health = await client.service.respond(AdminRequest(method: "GET", path: "/healthz", peer: "10.0.0.1"))
        #expect(health.status == 200)
    }
}
