import NIOCore
import PatchbayCore
import PatchbayWire
import Testing

@testable import PatchbayGateway

@Suite struct LimitHeaderTests {
    private let now: Int64 = 1_000_000_000_000

    private func lines(_ dialect: Dialect, _ limits: KeyLimits, group: KeyLimits = KeyLimits(), taking: Int) -> [String]
    {
        let registry = LimitRegistry()
        let limiter = KeyLimiter(own: registry.scope(.key, "k", limits), group: registry.scope(.group, "g", group))
        for _ in 0..<taking { _ = limiter?.admit(tokens: 10, now: now) }
        var buffer = ByteBuffer()
        if let limiter { RateLimitHeaders.write(limiter, dialect: dialect, now: now, into: &buffer) }
        return String(buffer: buffer).split(separator: "\r\n").map(String.init)
    }

    @Test func openAI() {
        let lines = lines(.openAI, KeyLimits(requestsPerMinute: 60, tokensPerMinute: 6_000), taking: 3)
        #expect(
            lines == [
                "x-ratelimit-limit-requests: 60", "x-ratelimit-remaining-requests: 57",
                "x-ratelimit-reset-requests: 3s",
                "x-ratelimit-limit-tokens: 6000", "x-ratelimit-remaining-tokens: 5970",
                "x-ratelimit-reset-tokens: 300ms",
            ])
    }

    @Test func anthropic() {
        let lines = lines(.anthropic, KeyLimits(requestsPerMinute: 60), taking: 1)
        #expect(
            lines.dropLast() == [
                "anthropic-ratelimit-requests-limit: 60", "anthropic-ratelimit-requests-remaining: 59",
            ])
        let reset = lines.last?.split(separator: " ").last.map(String.init) ?? ""
        let moment = Timestamp.milliseconds(reset) ?? 0
        #expect(abs(moment - SystemTime.unixMilliseconds()) < 5_000 && reset.utf8.count == 20)
    }

    @Test func theTighterOfKeyAndGroupIsTold() {
        let lines = lines(
            .openAI, KeyLimits(requestsPerMinute: 60), group: KeyLimits(requestsPerMinute: 5), taking: 2)
        #expect(lines.prefix(2) == ["x-ratelimit-limit-requests: 5", "x-ratelimit-remaining-requests: 3"])
    }

    @Test func concurrencyHasNoHeaders() {
        #expect(lines(.openAI, KeyLimits(concurrency: 1), taking: 1).isEmpty)
    }

    @Test(arguments: [
        (0, "0ms"), (1, "1ms"), (999, "999ms"), (1_000, "1s"), (1_005, "1.005s"), (1_050, "1.05s"), (1_500, "1.5s"),
        (59_999, "59.999s"), (60_000, "1m0s"), (360_000, "6m0s"), (90_250, "1m30.25s"),
    ])
    func spansAreWrittenAsGoWritesThem(milliseconds: Int, text: String) {
        var buffer = ByteBuffer()
        HeadWriter.write(to: &buffer, capacity: 64) {
            RateLimitHeaders.writeSpan(milliseconds: milliseconds, into: &$0)
        }
        #expect(String(buffer: buffer) == text)
    }

    @Test(arguments: [
        ("", 0), ("x-patchbay-hops: 1\r\n", 1), ("X-Patchbay-Hops: 3\r\n", 3), ("x-patchbay-hops: x\r\n", 1),
        ("x-patchbay-hops: 0\r\n", 1), ("x-patchbay-hop: 9\r\n", 0), ("x-patchbay-hops: -7\r\n", 1),
        ("x-patchbay-hops: 2 \r\n", 2),
    ])
    func hopsAreCounted(line: String, hops: Int) throws {
        let text = Array("GET / HTTP/1.1\r\nhost: x\r\n\(line)\r\n".utf8)
        var parser = HTTPRequestHeadParser(limits: HTTPLimits())
        var head = HTTPRequestHead()
        try text.withUnsafeBytes { bytes in
            _ = try parser.parse(bytes, into: &head)
            #expect(try Hops.check(head.fields, bytes, limit: 100) == hops)
            if hops > 0 { #expect(throws: GatewayError.self) { try Hops.check(head.fields, bytes, limit: hops) } }
        }
    }

    @Test func aLoopIsAnErrorThatNobodyRepeats() {
        let error = GatewayError.loop("round and round")
        #expect(error.status == 508 && String(decoding: error.fields, as: UTF8.self) == "x-should-retry: false\r\n")
    }
}
