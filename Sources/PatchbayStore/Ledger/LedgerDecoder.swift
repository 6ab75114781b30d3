import PatchbayCore

/// What was written before the first upstream call of a request.
struct LedgerBegin: Sendable, Hashable {
    var id: String
    var time: Int64
    var key: String
    var model: String
}

enum LedgerEntry: Sendable {
    case begin(LedgerBegin)
    case finish(RequestRecord)
}

/// Reads the payload of one record. Every read is bounded; nonsense gives nil, never a trap.
struct LedgerDecoder {
    private let bytes: UnsafeRawBufferPointer
    private var position = 0
    private var failed = false

    init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    mutating func entry(_ type: UInt8) -> LedgerEntry? {
        switch LedgerFormat.RecordType(rawValue: type) {
        case .begin: begin().map(LedgerEntry.begin)
        case .finish: finish().map(LedgerEntry.finish)
        case nil: nil
        }
    }

    private mutating func number<Value: FixedWidthInteger & BitwiseCopyable>(_ type: Value.Type) -> Value {
        guard !failed, bytes.count - position >= MemoryLayout<Value>.size else {
            failed = true
            return 0
        }
        defer { position += MemoryLayout<Value>.size }
        return bytes.loadUnaligned(fromByteOffset: position, as: Value.self)
    }

    private mutating func text() -> String {
        let length = Int(number(UInt16.self))
        guard !failed, bytes.count - position >= length else {
            failed = true
            return ""
        }
        defer { position += length }
        return String(decoding: UnsafeRawBufferPointer(rebasing: bytes[position..<(position + length)]), as: UTF8.self)
    }

    private mutating func counter() -> UInt64? {
        let value = number(UInt64.self)
        return value == .max ? nil : value
    }

    private mutating func begin() -> LedgerBegin? {
        let time = number(Int64.self)
        let begin = LedgerBegin(id: text(), time: time, key: text(), model: text())
        return failed || begin.id.isEmpty ? nil : begin
    }

    private mutating func finish() -> RequestRecord? {
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
