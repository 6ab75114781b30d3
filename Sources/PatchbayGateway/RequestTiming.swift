import NIOCore
import PatchbayCore

/// Where the time of one request went, for callers whose key asks for the header `server-timing` (W3C Server Timing).
///
/// Taken with a look at the clock of its own at every step: the loop's time stands still while a burst of input is
/// worked on. Monotonic nanoseconds.
struct RequestTiming {
    private let begun: Int64
    /// The whole request had come.
    private let received: Int64
    private var firstSent: Int64 = 0
    private var sent: Int64 = 0
    private var answered: Int64 = 0
    /// In lines and before retries.
    private var waited: Int64 = 0

    /// - Parameter begun: When the head had come.
    init(begun: Int64) {
        self.begun = begun
        received = SystemTime.monotonicNanoseconds()
    }

    /// An attempt leaves.
    mutating func attemptSent() {
        sent = SystemTime.monotonicNanoseconds()
        answered = 0
        if firstSent == 0 { firstSent = sent }
    }

    /// The head of an answer has come.
    mutating func attemptAnswered() {
        answered = SystemTime.monotonicNanoseconds()
    }

    mutating func add(wait: Int64) {
        waited += wait
    }

    /// Milliseconds with three digits: `receive` (the request's body), `wait` (lines and pauses before retries),
    /// `failed` (attempts before the last), `upstream` (the last one, up to the head of its answer), `answer` (from
    /// there to the whole document or the first content of a stream), `gateway` (all the rest) and `total`.
    func write(into head: inout ByteBuffer) {
        let now = SystemTime.monotonicNanoseconds()
        let upstream = sent == 0 ? 0 : (answered == 0 ? now : answered) - sent
        let answer = answered == 0 ? 0 : now - answered
        let total = now - begun
        let receive = received - begun
        // Waits lie before the first attempt or between two.
        let failed = max(0, sent - firstSent - waited)
        head.writeStaticString("server-timing: ")
        for (name, time) in [
            ("receive", receive), ("wait", waited), ("failed", failed), ("upstream", upstream), ("answer", answer),
            ("gateway", max(0, total - receive - waited - failed - upstream - answer)),
        ] as [(StaticString, Int64)] {
            RequestTiming.write(name, time, into: &head)
            head.writeStaticString(", ")
        }
        RequestTiming.write("total", total, into: &head)
        head.writeStaticString("\r\n")
    }

    private static func write(_ name: StaticString, _ nanoseconds: Int64, into head: inout ByteBuffer) {
        let microseconds = Int(max(0, nanoseconds) / 1_000)
        head.writeStaticString(name)
        head.writeStaticString(";dur=")
        head.writeDecimal(microseconds / 1_000)
        let rest = microseconds % 1_000
        head.writeStaticString(rest < 10 ? ".00" : rest < 100 ? ".0" : ".")
        head.writeDecimal(rest)
    }
}
