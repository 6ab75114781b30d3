import PatchbayCore

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// What a record of the type `finish` says, with texts where they lie in the segment.
///
/// The same layout as ``LedgerDecoder/finish()`` reads, without a copy.
struct LedgerRow {
    /// One counter of tokens; the largest number stands for one that is not known.
    typealias Counter = UInt64

    let time: Int64
    let cost: Int64
    let latency: Int64
    let firstToken: Int64
    let status: Int32
    let outcome: UInt8
    private let flags: UInt8
    let input: Counter
    let output: Counter
    let cached: Counter
    let cacheWrite: Counter
    let reasoning: Counter
    let id: UnsafeRawBufferPointer
    let names: LedgerNames
    private let site: UnsafeRawBufferPointer
    private let account: UnsafeRawBufferPointer
    private let upstreamModel: UnsafeRawBufferPointer
    let attempts: UInt16
    /// Milliseconds of the only attempt, if it says nothing that the row does not say.
    var plainAttempt: Int64? {
        guard let only, isPlain(only) else { return nil }
        return only.milliseconds
    }
    private let only: Attempt?
    let warnings: UInt16

    /// Nil for anything that is no record of the type `finish`.
    init?(_ payload: UnsafeRawBufferPointer) {
        var decoder = LedgerDecoder(payload)
        time = decoder.number(Int64.self)
        cost = decoder.number(Int64.self)
        latency = decoder.number(Int64.self)
        firstToken = decoder.number(Int64.self)
        status = decoder.number(Int32.self)
        outcome = decoder.number(UInt8.self)
        flags = decoder.number(UInt8.self)
        input = decoder.number(UInt64.self)
        output = decoder.number(UInt64.self)
        cached = decoder.number(UInt64.self)
        cacheWrite = decoder.number(UInt64.self)
        reasoning = decoder.number(UInt64.self)
        id = decoder.span()
        let key = decoder.span()
        let pathStart = decoder.position
        _ = decoder.span()
        site = decoder.span()
        account = decoder.span()
        upstreamModel = decoder.span()
        for _ in 0..<3 { _ = decoder.span() }
        names = LedgerNames(key: key, path: UnsafeRawBufferPointer(rebasing: payload[pathStart..<decoder.position]))
        attempts = min(decoder.number(UInt16.self), UInt16(LedgerFormat.Limit.attempts))
        var last: Attempt?
        for _ in 0..<attempts { last = Attempt(&decoder) }
        only = attempts == 1 ? last : nil
        warnings = min(decoder.number(UInt16.self), UInt16(LedgerFormat.Limit.warnings))
        for _ in 0..<warnings { _ = decoder.span() }
        guard !decoder.failed, !id.isEmpty, RequestOutcome(rawValue: outcome) != nil else { return nil }
    }

    /// Whether the row does not say all of it.
    var isFull: Bool { warnings > 0 || attempts > 0 && plainAttempt == nil }

    var stream: Bool { flags & 1 != 0 }
    var estimated: Bool { flags & 2 != 0 }
    var hasFirstToken: Bool { flags & 4 != 0 }

    private struct Attempt {
        let status: Int32
        let milliseconds: Int64
        let site: UnsafeRawBufferPointer
        let account: UnsafeRawBufferPointer
        let upstreamModel: UnsafeRawBufferPointer
        let fault: UnsafeRawBufferPointer
        let reason: UnsafeRawBufferPointer

        init(_ decoder: inout LedgerDecoder) {
            status = decoder.number(Int32.self)
            milliseconds = decoder.number(Int64.self)
            site = decoder.span()
            account = decoder.span()
            upstreamModel = decoder.span()
            fault = decoder.span()
            reason = decoder.span()
        }
    }

    private func isPlain(_ attempt: Attempt) -> Bool {
        attempt.status == status && attempt.reason.isEmpty && attempt.fault.count == 2
            && attempt.fault[0] == UInt8(ascii: "o") && attempt.fault[1] == UInt8(ascii: "k")
            && Self.equal(attempt.site, site) && Self.equal(attempt.account, account)
            && Self.equal(attempt.upstreamModel, upstreamModel)
    }

    private static func equal(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
        guard left.count == right.count else { return false }
        guard let one = left.baseAddress, let other = right.baseAddress else { return true }
        return memcmp(one, other, left.count) == 0
    }
}
