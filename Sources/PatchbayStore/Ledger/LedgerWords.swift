package import PatchbayCore

/// The numbers of a finished request.
package struct RequestNumbers {
    /// Milliseconds since 1970, when the head had been read.
    package var time: Int64
    package var cost: Money
    package var latencyMilliseconds: Int
    /// nil = no content was sent.
    package var firstTokenMilliseconds: Int?
    package var status: Int
    package var outcome: RequestOutcome
    package var usage: TokenUsage
    package var stream: Bool

    package init(
        time: Int64, cost: Money, latencyMilliseconds: Int, firstTokenMilliseconds: Int?, status: Int,
        outcome: RequestOutcome, usage: TokenUsage, stream: Bool
    ) {
        self.time = time
        self.cost = cost
        self.latencyMilliseconds = latencyMilliseconds
        self.firstTokenMilliseconds = firstTokenMilliseconds
        self.status = status
        self.outcome = outcome
        self.usage = usage
        self.stream = stream
    }

    init(_ record: borrowing RequestRecord) {
        self.init(
            time: record.time, cost: record.cost, latencyMilliseconds: record.latencyMilliseconds,
            firstTokenMilliseconds: record.firstTokenMilliseconds, status: record.status, outcome: record.outcome,
            usage: record.usage, stream: record.stream)
    }
}

/// The words of requests that went well at the first attempt, as they stand in their records. The requests of a client
/// have the same ones again and again: they are encoded once and kept.
///
/// Not thread-safe: it belongs to the event loop of its ledger writer.
package final class LedgerWords {
    /// Key and model: all words of the record that is written first.
    let caller: [UInt8]
    /// What lies between them and the numbers of the attempt.
    let way: [UInt8]
    /// What lies behind those numbers.
    let attempt: [UInt8]
    /// In which part of which segment they were written last, and their number there.
    var written: (segment: UInt64, part: Int, number: UInt32) = (0, 0, 0)

    /// Nil if the record says more than a plain success does: it has no warnings and one attempt, which says nothing
    /// that the record does not say itself.
    package init?(_ record: RequestRecord) {
        guard record.attempts.count == 1, record.warnings.isEmpty, record.attempts[0].isPlain(in: record) else {
            return nil
        }
        caller = Self.encoded { $0.encodeCaller(key: record.key, model: record.model) }
        way = Self.encoded { $0.encodeWay(of: record) }
        attempt = Self.encoded { encoder in
            encoder.encodeWords(of: record.attempts[0])
            encoder.put(UInt16(0))
        }
    }

    private static func encoded(_ encode: (inout LedgerEncoder) -> Void) -> [UInt8] {
        withUnsafeTemporaryAllocation(byteCount: LedgerFormat.maximumPayload, alignment: 8) { room in
            guard let base = room.baseAddress else { return [] }
            var encoder = LedgerEncoder(base, capacity: room.count)
            encode(&encoder)
            return Array(room[..<encoder.count])
        }
    }
}

extension LedgerEncoder {
    mutating func encodeBegin(id: UnsafeRawBufferPointer, time: Int64, words: LedgerWords) {
        put(time)
        put(id: id)
        put(words.caller)
        pad()
    }

    mutating func encodeFinish(
        id: UnsafeRawBufferPointer, _ numbers: RequestNumbers, attemptMilliseconds: Int, words: LedgerWords
    ) {
        encode(numbers)
        put(id: id)
        put(words.caller)
        put(words.way)
        put(UInt16(1))
        put(Int32(clamping: numbers.status))
        put(Int64(attemptMilliseconds))
        put(words.attempt)
        pad()
    }

    mutating func encodeNames(of words: LedgerWords, number: UInt32) {
        put(number)
        put(words.caller)
        put(words.way)
        pad()
    }

    /// An id that is known not to be too long.
    @inline(__always)
    private mutating func put(id: UnsafeRawBufferPointer) {
        put(UInt16(id.count))
        put(id)
    }

    @inline(__always)
    private mutating func put(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { put($0) }
    }
}

extension AttemptRecord {
    /// Whether the row of the request and the milliseconds say all of it.
    fileprivate func isPlain(in record: RequestRecord) -> Bool {
        status == record.status && fault == "ok" && reason.isEmpty && site == record.site && account == record.account
            && upstreamModel == record.upstreamModel
    }
}
