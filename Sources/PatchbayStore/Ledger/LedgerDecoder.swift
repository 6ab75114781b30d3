import PatchbayCore

/// What was written before the first upstream call of a request.
struct LedgerBegin: Sendable, Hashable {
    var id: String
    var time: Int64
    var key: String
    var model: String
}

/// What a record says. Valid as long as the segment's reader.
enum LedgerEntry {
    /// A beginning that is found by its id.
    case begin(LedgerPayload)
    /// A beginning that is found by its place.
    case plainBegin
    /// A finished request, its id, and the place of its beginning.
    case finish(LedgerFinish, UnsafeRawBufferPointer, LedgerPlace)
}

/// The payload of an intact record where it lies in its segment. Valid as long as the segment's reader.
///
/// Nothing writes to a record that has been committed, so that any thread may read it.
struct LedgerPayload: @unchecked Sendable {
    let bytes: UnsafeRawBufferPointer
    /// Of the request, in UTF-8.
    let id: UnsafeRawBufferPointer

    /// A copy of what a record of the type `begin` says.
    var begin: LedgerBegin? {
        var decoder = LedgerDecoder(bytes)
        return decoder.begin()
    }
}

/// A finished request where it lies in its segment, as ``LedgerPayload`` does. It needs no lock: nothing writes to a
/// record that has been committed.
struct LedgerFinish: @unchecked Sendable {
    /// Of a record of the type `finish`, or of `plainFinish` if there are words.
    let bytes: UnsafeRawBufferPointer
    /// The eight texts that a plain record refers to.
    let words: UnsafeRawBufferPointer?

    /// A copy of what it says; nil for plain records, which nobody needs a copy of.
    var record: RequestRecord? {
        guard words == nil else { return nil }
        var decoder = LedgerDecoder(bytes)
        return decoder.finish()
    }
}

/// Reads the payload of one record. Every read is bounded; nonsense gives nil, never a trap.
struct LedgerDecoder {
    private let bytes: UnsafeRawBufferPointer
    private(set) var position = 0
    private(set) var failed = false

    init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    /// Checks a payload of the type `begin`. Nothing is copied.
    mutating func beginPayload() -> LedgerPayload? {
        _ = number(Int64.self)
        let (id, _, _) = (span(), span(), span())
        return failed || id.isEmpty ? nil : LedgerPayload(bytes: bytes, id: id)
    }

    mutating func number<Value: FixedWidthInteger & BitwiseCopyable>(_ type: Value.Type) -> Value {
        guard !failed, bytes.count - position >= MemoryLayout<Value>.size else {
            failed = true
            return 0
        }
        defer { position += MemoryLayout<Value>.size }
        return bytes.loadUnaligned(fromByteOffset: position, as: Value.self)
    }

    /// A text where it lies; its address is never nil.
    mutating func span() -> UnsafeRawBufferPointer {
        let length = Int(number(UInt16.self))
        guard !failed, bytes.count - position >= length else {
            failed = true
            return UnsafeRawBufferPointer(rebasing: bytes[..<0])
        }
        defer { position += length }
        return UnsafeRawBufferPointer(rebasing: bytes[position..<(position + length)])
    }

    private mutating func text() -> String { String(decoding: span(), as: UTF8.self) }

    private mutating func counter() -> UInt64? {
        let value = number(UInt64.self)
        return value == .max ? nil : value
    }

    mutating func begin() -> LedgerBegin? {
        let time = number(Int64.self)
        let begin = LedgerBegin(id: text(), time: time, key: text(), model: text())
        return failed || begin.id.isEmpty ? nil : begin
    }

    mutating func finish() -> RequestRecord? {
        var record = RequestRecord(id: "", time: number(Int64.self), key: "", model: "")
        record.cost = Money(picodollars: number(Int64.self))
        record.latencyMilliseconds = Int(number(Int64.self))
        let firstToken = Int(number(Int64.self))
        record.status = Int(number(Int32.self))
        guard let outcome = RequestOutcome(rawValue: number(UInt8.self)) else { return nil }
        record.outcome = outcome
        let flags = number(UInt8.self)
        record.stream = flags & 1 != 0
        record.firstTokenMilliseconds = flags & 4 != 0 ? firstToken : nil
        record.usage = TokenUsage(
            input: counter(), output: counter(), cached: counter(), cacheWrite: counter(), reasoning: counter(),
            estimated: flags & 2 != 0)
        decodeWords(into: &record)
        for _ in 0..<min(number(UInt16.self), UInt16(LedgerFormat.Limit.attempts)) { record.attempts.append(attempt()) }
        for _ in 0..<min(number(UInt16.self), UInt16(LedgerFormat.Limit.warnings)) { record.warnings.append(text()) }
        return failed || record.id.isEmpty ? nil : record
    }

    private mutating func decodeWords(into record: inout RequestRecord) {
        record.id = text()
        record.key = text()
        record.model = text()
        record.site = text()
        record.account = text()
        record.upstreamModel = text()
        record.clientFormat = text()
        record.upstreamFormat = text()
        record.errorCode = text()
    }

    private mutating func attempt() -> AttemptRecord {
        let status = Int(number(Int32.self))
        let milliseconds = Int(number(Int64.self))
        return AttemptRecord(
            site: text(), account: text(), upstreamModel: text(), status: status, fault: text(), reason: text(),
            milliseconds: milliseconds)
    }
}
