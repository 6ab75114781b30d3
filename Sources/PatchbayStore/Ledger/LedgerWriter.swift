package import Logging
package import PatchbayCore

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// What a ledger writer has done so far.
package struct LedgerStatistics: Sendable, Hashable {
    /// Records committed to a segment.
    package var records: UInt64 = 0
    package var segments: UInt64 = 0
    /// Times a new segment could not be made.
    package var failures: UInt64 = 0
    /// Records waiting in memory for a segment.
    package var queued = 0
    /// Records dropped because that queue was full.
    package var lost: UInt64 = 0

    package init() {}
}

/// Writes the ledger of one event loop to memory that outlives the process.
///
/// A record is a few stores to a shared mapping of a file: no system call, no allocation in the common case. The
/// kernel keeps the pages when the process is killed; ``LedgerImporter`` reads them, also in the next process. When
/// a new segment cannot be made (a full disk), records wait in a bounded queue and the attempt is repeated.
///
/// Not thread-safe: it belongs to its event loop.
package final class LedgerWriter {
    /// Payload bytes that may wait in memory.
    private static let queueLimit = 16 << 20
    private static let retryInterval: Int64 = 100_000_000

    private let directory: String
    private let loop: Int
    private let segmentBytes: Int
    private let started: Int64
    private let writer: String
    private let logger: Logger
    private var sequence: UInt64 = 0
    private var segment: LedgerSegment?
    private var queue: [(type: LedgerFormat.RecordType, payload: [UInt8])] = []
    private var queuedBytes = 0
    private var nextRetry: Int64 = 0
    private var counters = LedgerStatistics()

    /// - Parameters:
    ///   - directory: the data directory; segments go to its folder `ledger`, which is made if it is missing.
    ///   - loop: the number of the event loop.
    ///   - segmentBytes: the size of a segment, rounded up to whole pages.
    /// - Throws: `StoreError` when the first segment cannot be made.
    package init(
        directory: String, loop: Int, segmentBytes: Int = 4 << 20, logger: Logger = Logger(label: "patchbay.ledger")
    ) throws(StoreError) {
        self.directory = Self.folder(in: directory)
        self.loop = loop
        self.segmentBytes = (max(segmentBytes, LedgerFormat.minimumSegment) + 4095) & ~4095
        self.logger = logger
        started = SystemTime.unixMilliseconds()
        writer = LedgerSegmentName.writer(
            started: started, process: UInt32(truncatingIfNeeded: getpid()), nonce: UInt32.random(in: 0...UInt32.max),
            loop: loop)
        try SystemCall.makeDirectory(self.directory)
        segment = try makeSegment()
    }

    deinit { close() }

    /// Where the segments of a data directory are.
    static func folder(in directory: String) -> String { "\(directory)/ledger" }

    package var statistics: LedgerStatistics {
        var counters = counters
        counters.queued = queue.count
        return counters
    }

    /// Notes that a request is about to go to an upstream. Ids are unique for ever and at most 128 bytes long.
    package func begin(id: String, time: Int64, key: String, model: String) {
        write(.begin) { $0.encodeBegin(id: id, time: time, key: key, model: model) }
    }

    /// Notes how a request ended; to be called before the last bytes go to the client.
    ///
    /// - Parameter place: of its beginning.
    package func finish(_ record: borrowing RequestRecord, place: LedgerPlace = .unknown) {
        guard place.isKnown else { return write(.finish) { $0.encodeFinish(record) } }
        write(.placedFinish) { encoder in
            encoder.put(place.rawValue)
            encoder.encodeFinish(record)
        }
    }

    /// ``begin(id:time:key:model:)`` for a request whose words are known.
    package func begin(id: UnsafeRawBufferPointer, time: Int64, words: LedgerWords) -> LedgerPlace {
        if queue.isEmpty, let segment,
            segment.append(.plainBegin, words, { $0.encodePlainBegin(id: id, time: time, words: $1) })
        {
            counters.records &+= 1
            return segment.lastPlace
        }
        writeSlowly(.begin) { $0.encodeBegin(id: id, time: time, words: words) }
        return .unknown
    }

    /// ``finish(_:place:)`` for a request that went well at the first attempt.
    package func finish(
        id: UnsafeRawBufferPointer, _ numbers: RequestNumbers, attemptMilliseconds: Int, words: LedgerWords,
        place: LedgerPlace
    ) {
        if numbers.arePlain(attemptMilliseconds: attemptMilliseconds), queue.isEmpty, let segment,
            segment.append(
                .plainFinish, words,
                {
                    $0.encodePlainFinish(
                        id: id, numbers, attemptMilliseconds: attemptMilliseconds, words: $1, place: place)
                })
        {
            counters.records &+= 1
            return
        }
        finishInFull(id: id, numbers, attemptMilliseconds: attemptMilliseconds, words: words, place: place)
    }

    /// For numbers that are too large, a segment that is full, and a queue that has to be kept in order.
    @inline(never)
    private func finishInFull(
        id: UnsafeRawBufferPointer, _ numbers: RequestNumbers, attemptMilliseconds: Int, words: LedgerWords,
        place: LedgerPlace
    ) {
        write(.placedFinish) { encoder in
            encoder.put(place.rawValue)
            encoder.encodeFinish(id: id, numbers, attemptMilliseconds: attemptMilliseconds, words: words)
        }
    }

    /// To be called a few times a second: brings waiting records to the disk when there is room again.
    package func tick() {
        if !queue.isEmpty { flushQueue() }
    }

    /// Ends the last segment in order. Records after this are refused.
    package func close() {
        if !queue.isEmpty {
            nextRetry = 0
            flushQueue()
        }
        if !queue.isEmpty {
            logger.error("ledger records lost at the end", metadata: ["count": "\(queue.count)"])
            counters.lost += UInt64(queue.count)
            queue = []
        }
        segment?.seal(.closed)
        segment = nil
        nextRetry = .max
    }

    /// Lets go of everything as the end of the process would: nothing is sealed. For tests of recovery.
    func abandon() {
        segment = nil
        queue = []
        nextRetry = .max
    }

    @inline(__always)
    private func write(_ type: LedgerFormat.RecordType, _ encode: (inout LedgerEncoder) -> Void) {
        if queue.isEmpty, let segment, segment.append(type, encode) {
            counters.records &+= 1
            return
        }
        writeSlowly(type, encode)
    }

    @inline(never)
    private func writeSlowly(_ type: LedgerFormat.RecordType, _ encode: (inout LedgerEncoder) -> Void) {
        if !queue.isEmpty { flushQueue() }
        if queue.isEmpty, roll(), let segment, segment.append(type, encode) {
            counters.records &+= 1
        } else {
            enqueue(type, encode)
        }
    }

    /// True if there is a new segment to write to.
    private func roll() -> Bool {
        let now = SystemTime.monotonicNanoseconds()
        guard now >= nextRetry else { return false }
        do throws(StoreError) {
            let next = try makeSegment()
            segment?.seal(.followed)
            segment = next
            if nextRetry != 0 { logger.notice("ledger writes to the disk again") }
            nextRetry = 0
            return true
        } catch {
            if nextRetry == 0 {
                logger.error("ledger keeps records in memory", metadata: ["reason": "\(error)"])
            }
            counters.failures += 1
            nextRetry = now + Self.retryInterval
            return false
        }
    }

    private func makeSegment() throws(StoreError) -> LedgerSegment {
        let name = LedgerSegmentName(writer: writer, sequence: sequence)
        let made = try LedgerSegment(
            directory: directory, name: name, started: started, loop: loop, bytes: segmentBytes)
        sequence += 1
        counters.segments += 1
        return made
    }

    private func enqueue(_ type: LedgerFormat.RecordType, _ encode: (inout LedgerEncoder) -> Void) {
        let payload = [UInt8](unsafeUninitializedCapacity: LedgerFormat.maximumPayload) { buffer, count in
            guard let base = buffer.baseAddress else { return }
            var encoder = LedgerEncoder(base, capacity: buffer.count)
            encode(&encoder)
            count = encoder.overflowed ? 0 : encoder.count
        }
        guard nextRetry != .max, !payload.isEmpty, queuedBytes + payload.count <= Self.queueLimit else {
            counters.lost += 1
            return
        }
        queue.append((type, Array(payload[...])))
        queuedBytes += payload.count
    }

    /// Moves waiting records, oldest first, as far as there is room.
    private func flushQueue() {
        var moved = 0
        while moved < queue.count {
            let (type, payload) = queue[moved]
            if let segment, append(type, payload, to: segment) {
                counters.records &+= 1
                queuedBytes -= payload.count
                moved += 1
            } else if !roll() {
                break
            }
        }
        queue.removeFirst(moved)
    }

    private func append(_ type: LedgerFormat.RecordType, _ payload: [UInt8], to segment: LedgerSegment) -> Bool {
        segment.append(type) { encoder in
            payload.withUnsafeBytes { encoder.put($0) }
        }
    }
}
