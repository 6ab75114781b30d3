import PatchbayCore

/// Writes the payload of one record into memory that it does not own. Never writes past the end; a record that does
/// not fit sets ``overflowed``.
struct LedgerEncoder {
    private let base: UnsafeMutableRawPointer
    private let capacity: Int
    private(set) var count = 0
    private(set) var overflowed = false

    init(_ base: UnsafeMutableRawPointer, capacity: Int) {
        self.base = base
        self.capacity = max(capacity, 0)
    }

    mutating func put<Value: BitwiseCopyable>(_ value: Value) {
        guard reserve(MemoryLayout<Value>.size) else { return }
        base.storeBytes(of: value, toByteOffset: count, as: Value.self)
        count += MemoryLayout<Value>.size
    }

    mutating func put(_ bytes: UnsafeRawBufferPointer) {
        guard reserve(bytes.count), let source = bytes.baseAddress else { return }
        (base + count).copyMemory(from: source, byteCount: bytes.count)
        count += bytes.count
    }

    /// A length of two bytes, then at most `limit` bytes.
    mutating func put(_ text: String, limit: Int) {
        var text = text
        text.withUTF8 { bytes in
            let length = Self.cut(bytes, at: limit)
            guard reserve(2 + length) else { return }
            base.storeBytes(of: UInt16(truncatingIfNeeded: length), toByteOffset: count, as: UInt16.self)
            if let source = bytes.baseAddress { (base + count + 2).copyMemory(from: source, byteCount: length) }
            count += 2 + length
        }
    }

    /// The next so many bytes, which the caller writes; nil if there are not as many.
    @inline(__always)
    mutating func room(_ bytes: Int) -> UnsafeMutableRawPointer? {
        guard reserve(bytes) else { return nil }
        defer { count += bytes }
        return base + count
    }

    /// Fills up with zeros to a multiple of eight.
    mutating func pad() {
        while count & 7 != 0, !overflowed { put(UInt8(0)) }
    }

    @inline(__always)
    private mutating func reserve(_ bytes: Int) -> Bool {
        if bytes > capacity - count { overflowed = true }
        return !overflowed
    }

    private static func cut(_ bytes: UnsafeBufferPointer<UInt8>, at limit: Int) -> Int {
        guard bytes.count > limit else { return bytes.count }
        var length = limit
        while length > 0, bytes[length] & 0xC0 == 0x80 { length -= 1 }
        return length
    }
}

extension LedgerEncoder {
    mutating func encodeBegin(id: String, time: Int64, key: String, model: String) {
        put(time)
        put(id, limit: LedgerFormat.Limit.id)
        encodeCaller(key: key, model: model)
        pad()
    }

    mutating func encodeCaller(key: String, model: String) {
        put(key, limit: LedgerFormat.Limit.name)
        put(model, limit: LedgerFormat.Limit.model)
    }

    /// Who was asked, in which formats, and what went wrong.
    mutating func encodeWay(of record: borrowing RequestRecord) {
        put(record.site, limit: LedgerFormat.Limit.name)
        put(record.account, limit: LedgerFormat.Limit.name)
        put(record.upstreamModel, limit: LedgerFormat.Limit.model)
        put(record.clientFormat, limit: LedgerFormat.Limit.word)
        put(record.upstreamFormat, limit: LedgerFormat.Limit.word)
        put(record.errorCode, limit: LedgerFormat.Limit.word)
    }

    mutating func encodeFinish(_ record: borrowing RequestRecord) {
        encode(RequestNumbers(record))
        put(record.id, limit: LedgerFormat.Limit.id)
        encodeCaller(key: record.key, model: record.model)
        encodeWay(of: record)
        put(UInt16(min(record.attempts.count, LedgerFormat.Limit.attempts)))
        for attempt in record.attempts.prefix(LedgerFormat.Limit.attempts) { encode(attempt) }
        put(UInt16(min(record.warnings.count, LedgerFormat.Limit.warnings)))
        for warning in record.warnings.prefix(LedgerFormat.Limit.warnings) {
            put(warning, limit: LedgerFormat.Limit.word)
        }
        pad()
    }

    mutating func encode(_ numbers: borrowing RequestNumbers) {
        let usage = numbers.usage
        put(numbers.time)
        put(numbers.cost.picodollars)
        put(Int64(numbers.latencyMilliseconds))
        put(Int64(numbers.firstTokenMilliseconds ?? 0))
        put(Int32(clamping: numbers.status))
        put(numbers.outcome.rawValue)
        put(numbers.flags)
        let counters = (usage.input, usage.output, usage.cached, usage.cacheWrite, usage.reasoning)
        put(counters.0 ?? UInt64.max)
        put(counters.1 ?? UInt64.max)
        put(counters.2 ?? UInt64.max)
        put(counters.3 ?? UInt64.max)
        put(counters.4 ?? UInt64.max)
    }

    private mutating func encode(_ attempt: AttemptRecord) {
        put(Int32(clamping: attempt.status))
        put(Int64(attempt.milliseconds))
        encodeWords(of: attempt)
    }

    mutating func encodeWords(of attempt: AttemptRecord) {
        put(attempt.site, limit: LedgerFormat.Limit.name)
        put(attempt.account, limit: LedgerFormat.Limit.name)
        put(attempt.upstreamModel, limit: LedgerFormat.Limit.model)
        put(attempt.fault, limit: LedgerFormat.Limit.word)
        put(attempt.reason, limit: LedgerFormat.Limit.reason)
    }
}
