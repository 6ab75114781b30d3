import NIOCore
import PatchbayCore
import PatchbayWire

/// The state of a key's limits in the headers that the official clients know (peers.md section 7): `x-ratelimit-*` of
/// OpenAI, whose resets are spans such as `6m0s`, and `anthropic-ratelimit-*`, whose resets are moments.
enum RateLimitHeaders {
    /// Whether a header of an upstream tells of its own limits.
    static func isOne(_ name: UnsafeRawBufferPointer) -> Bool {
        name.hasPrefixIgnoringCase("x-ratelimit-") || name.hasPrefixIgnoringCase("anthropic-ratelimit-")
    }

    /// Those of both dialects, for answers that refuse.
    static func all(_ limiter: KeyLimiter, now: Int64) -> [UInt8] {
        var buffer = ByteBuffer()
        write(limiter, dialect: .openAI, now: now, into: &buffer)
        write(limiter, dialect: .anthropic, now: now, into: &buffer)
        return Array(buffer.readableBytesView)
    }

    static func write(_ limiter: KeyLimiter, dialect: Dialect, now: Int64, into buffer: inout ByteBuffer) {
        HeadWriter.write(to: &buffer, capacity: capacity) { write(limiter, dialect: dialect, now: now, into: &$0) }
    }

    /// No less than what is written: three lines of 40 and 20 bytes at most for requests and for tokens.
    static let capacity = 512

    static func write(_ limiter: KeyLimiter, dialect: Dialect, now: Int64, into writer: inout HeadWriter) {
        write(limiter, dialect, now, .requests, into: &writer)
        write(limiter, dialect, now, .tokens, into: &writer)
    }

    @inline(__always)
    private static func write(
        _ limiter: KeyLimiter, _ dialect: Dialect, _ now: Int64, _ bucket: Bucket, into writer: inout HeadWriter
    ) {
        guard let state = state(limiter, now, bucket) else { return }
        switch dialect {
        case .anthropic: writeAnthropic(state, isTokens: bucket == .tokens, into: &writer)
        default: writeOpenAI(state, isTokens: bucket == .tokens, into: &writer)
        }
    }

    private struct State {
        var limit: Int
        var remaining: Int
        /// Nanoseconds until all of it is there again.
        var reset: Int64
    }

    /// The tighter one of the key's own limit and that of its group.
    @inline(__always)
    private static func state(_ limiter: KeyLimiter, _ now: Int64, _ bucket: Bucket) -> State? {
        let own = limiter.own.flatMap { scope in state(scope, now, bucket) }
        let group = limiter.group.flatMap { scope in state(scope, now, bucket) }
        guard let own, let group else { return own ?? group }
        return group.remaining < own.remaining ? group : own
    }

    private enum Bucket {
        case requests
        case tokens
    }

    private static func state(_ scope: LimitScope, _ now: Int64, _ bucket: Bucket) -> State? {
        switch bucket {
        case .requests:
            guard let limit = scope.limits.requestsPerMinute else { return nil }
            return State(
                limit: limit, remaining: scope.cell.requests.remaining(of: limit, now: now),
                reset: scope.cell.requests.untilFull(now: now))
        case .tokens:
            guard let limit = scope.limits.tokensPerMinute else { return nil }
            return State(
                limit: limit, remaining: scope.cell.tokens.remaining(of: limit, now: now),
                reset: scope.cell.tokens.untilFull(now: now))
        }
    }

    // MARK: - Lines

    private static func writeOpenAI(_ state: State, isTokens: Bool, into writer: inout HeadWriter) {
        writer.write(isTokens ? "x-ratelimit-limit-tokens: " : "x-ratelimit-limit-requests: ")
        writer.write(decimal: state.limit)
        writer.write(
            isTokens ? "\r\nx-ratelimit-remaining-tokens: " : "\r\nx-ratelimit-remaining-requests: ")
        writer.write(decimal: state.remaining)
        writer.write(isTokens ? "\r\nx-ratelimit-reset-tokens: " : "\r\nx-ratelimit-reset-requests: ")
        writeSpan(milliseconds: Int((state.reset + 999_999) / 1_000_000), into: &writer)
        writer.write("\r\n")
    }

    private static func writeAnthropic(_ state: State, isTokens: Bool, into writer: inout HeadWriter) {
        writer.write(
            isTokens ? "anthropic-ratelimit-tokens-limit: " : "anthropic-ratelimit-requests-limit: ")
        writer.write(decimal: state.limit)
        writer.write(
            isTokens ? "\r\nanthropic-ratelimit-tokens-remaining: " : "\r\nanthropic-ratelimit-requests-remaining: ")
        writer.write(decimal: state.remaining)
        writer.write(
            isTokens ? "\r\nanthropic-ratelimit-tokens-reset: " : "\r\nanthropic-ratelimit-requests-reset: ")
        let moment = SystemTime.unixMilliseconds() + (state.reset + 999_999) / 1_000_000
        Timestamp.withText(seconds: (moment + 999) / 1000) { writer.write($0) }
        writer.write("\r\n")
    }

    /// A span as Go writes it: `250ms`, `1.5s`, `6m0s`.
    static func writeSpan(milliseconds: Int, into writer: inout HeadWriter) {
        guard milliseconds >= 1000 else {
            writer.write(decimal: milliseconds)
            writer.write("ms")
            return
        }
        if milliseconds >= 60_000 {
            writer.write(decimal: milliseconds / 60_000)
            writer.write("m")
        }
        writer.write(decimal: milliseconds % 60_000 / 1000)
        let rest = milliseconds % 1000
        if rest > 0 {
            writer.write(rest < 10 ? ".00" : rest < 100 ? ".0" : ".")
            writer.write(decimal: rest % 10 != 0 ? rest : rest % 100 != 0 ? rest / 10 : rest / 100)
        }
        writer.write("s")
    }
}
