import PatchbayCore

/// Where the beginning of a request lies among the segments of its writer, so that its end is paired with it without a
/// search.
package struct LedgerPlace: Sendable, Hashable {
    /// The sequence of the segment in the upper half, the offset of the record in the lower one.
    let rawValue: UInt64

    /// Of a beginning that is found by its id.
    package static let unknown = LedgerPlace(rawValue: 0)

    init(rawValue: UInt64) { self.rawValue = rawValue }

    /// - Parameter offset: of a record, so that it is never 0.
    init(sequence: UInt64, offset: Int) {
        rawValue = sequence << 32 | UInt64(UInt32(truncatingIfNeeded: offset))
    }

    var isKnown: Bool { rawValue != 0 }
    var sequence: UInt64 { rawValue >> 32 }
    var offset: Int { Int(rawValue & 0xFFFF_FFFF) }
}

/// Names as they lie in a segment: those that a record of the type `words` has, or a finished record between its id and
/// its attempts.
///
/// It needs no lock: nothing writes to a record that has been committed.
struct LedgerNames: @unchecked Sendable {
    let key: UnsafeRawBufferPointer
    /// Model, site, account, model of the upstream, format of the client, format of the upstream, code of the error:
    /// each behind its length of two bytes.
    let path: UnsafeRawBufferPointer

    static let pathParts = 7

    init(key: UnsafeRawBufferPointer, path: UnsafeRawBufferPointer) {
        self.key = key
        self.path = path
    }

    /// Nil if these bytes do not begin with eight texts.
    init?(_ bytes: UnsafeRawBufferPointer) {
        var decoder = LedgerDecoder(bytes)
        key = decoder.span()
        let start = decoder.position
        for _ in 0..<Self.pathParts { _ = decoder.span() }
        guard !decoder.failed else { return nil }
        path = UnsafeRawBufferPointer(rebasing: bytes[start..<decoder.position])
    }
}

/// A record of the type `plainBegin` or `plainFinish` where it lies. Its bytes have been checked: see ``init(begin:)``
/// and ``init(finish:)``.
///
/// ```
/// plainBegin              plainFinish
/// 0   time     i64        0   time      i64     40  status      u16
/// 8   words    u32        8   cost      i64     42  outcome     u8
/// 12  idBytes  u8         16  place     u64     43  flags       u8
/// 13  id                  24  words     u32     44  input       u32
///                         28  latency   u32     48  output      u32
///                         32  attempt   u32     52  cached      u32
///                         36  first     u32     56  cacheWrite  u32
///                                               60  reasoning   u32
///                                               64  idBytes     u8
///                                               65  id
/// ```
/// `words` is the number of a record of the type `words` in the same segment. The largest number of 32 bits stands for
/// one that is not known. Nothing writes to a record that has been committed, so that any thread may read it.
struct LedgerPlain: @unchecked Sendable {
    static let beginIDOffset = 12
    static let finishIDOffset = 64
    static let unknown = UInt32.max

    private let base: UnsafeRawPointer
    private let idOffset: Int

    /// Nil unless the payload can be one of the type `plainBegin`.
    init?(begin payload: UnsafeRawBufferPointer) {
        self.init(payload, idOffset: Self.beginIDOffset)
    }

    /// Nil unless the payload can be one of the type `plainFinish`.
    init?(finish payload: UnsafeRawBufferPointer) {
        self.init(payload, idOffset: Self.finishIDOffset)
        guard RequestOutcome(rawValue: outcome) != nil else { return nil }
    }

    /// A payload that one of the others has accepted.
    init(knownFinish base: UnsafeRawPointer) {
        self.base = base
        idOffset = Self.finishIDOffset
    }

    @inline(__always)
    private init?(_ payload: UnsafeRawBufferPointer, idOffset: Int) {
        guard let base = payload.baseAddress, payload.count > idOffset + 1, base.isAligned(toMultipleOf: 8) else {
            return nil
        }
        let length = Int(payload[idOffset])
        guard length > 0, length <= LedgerFormat.Limit.id, payload.count - idOffset - 1 >= length else { return nil }
        self.base = base
        self.idOffset = idOffset
    }

    var time: Int64 { base.load(as: Int64.self) }
    var id: UnsafeRawBufferPointer {
        let length = Int(base.load(fromByteOffset: idOffset, as: UInt8.self))
        return UnsafeRawBufferPointer(start: base + idOffset + 1, count: length)
    }
    var words: UInt32 { number(idOffset == Self.beginIDOffset ? 8 : 24) }

    // Of `plainFinish` alone.
    var cost: Int64 { base.load(fromByteOffset: 8, as: Int64.self) }
    var place: LedgerPlace { LedgerPlace(rawValue: base.load(fromByteOffset: 16, as: UInt64.self)) }
    var latency: Int64 { Int64(number(28)) }
    var attempt: Int64 { Int64(number(32)) }
    var firstToken: UInt32 { number(36) }
    var status: UInt16 { base.load(fromByteOffset: 40, as: UInt16.self) }
    var outcome: UInt8 { base.load(fromByteOffset: 42, as: UInt8.self) }
    var flags: UInt8 { base.load(fromByteOffset: 43, as: UInt8.self) }
    var input: UInt32 { number(44) }
    var output: UInt32 { number(48) }
    var cached: UInt32 { number(52) }
    var cacheWrite: UInt32 { number(56) }
    var reasoning: UInt32 { number(60) }

    @inline(__always)
    private func number(_ offset: Int) -> UInt32 { base.load(fromByteOffset: offset, as: UInt32.self) }
}

extension LedgerEncoder {
    @inline(__always)
    mutating func encodePlainBegin(id: UnsafeRawBufferPointer, time: Int64, words: UInt32) {
        guard let base = plainRoom(id, at: LedgerPlain.beginIDOffset) else { return }
        base.storeBytes(of: time, as: Int64.self)
        base.storeBytes(of: words, toByteOffset: 8, as: UInt32.self)
    }

    /// - Parameter numbers: such as ``RequestNumbers/arePlain(attemptMilliseconds:)`` is true of.
    @inline(__always)
    mutating func encodePlainFinish(
        id: UnsafeRawBufferPointer, _ numbers: borrowing RequestNumbers, attemptMilliseconds: Int, words: UInt32,
        place: LedgerPlace
    ) {
        guard let base = plainRoom(id, at: LedgerPlain.finishIDOffset) else { return }
        base.storeBytes(of: numbers.time, as: Int64.self)
        base.storeBytes(of: numbers.cost.picodollars, toByteOffset: 8, as: Int64.self)
        base.storeBytes(of: place.rawValue, toByteOffset: 16, as: UInt64.self)
        base.storeBytes(of: words, toByteOffset: 24, as: UInt32.self)
        func put(_ number: Int, _ offset: Int) {
            base.storeBytes(of: UInt32(truncatingIfNeeded: number), toByteOffset: offset, as: UInt32.self)
        }
        put(numbers.latencyMilliseconds, 28)
        put(attemptMilliseconds, 32)
        put(numbers.firstTokenMilliseconds ?? -1, 36)
        base.storeBytes(of: UInt16(truncatingIfNeeded: numbers.status), toByteOffset: 40, as: UInt16.self)
        base.storeBytes(of: numbers.outcome.rawValue, toByteOffset: 42, as: UInt8.self)
        base.storeBytes(of: numbers.flags, toByteOffset: 43, as: UInt8.self)
        func put(_ counter: UInt64?, _ offset: Int) {
            base.storeBytes(
                of: counter.map { UInt32(truncatingIfNeeded: $0) } ?? LedgerPlain.unknown, toByteOffset: offset,
                as: UInt32.self)
        }
        let usage = numbers.usage
        put(usage.input, 44)
        put(usage.output, 48)
        put(usage.cached, 52)
        put(usage.cacheWrite, 56)
        put(usage.reasoning, 60)
    }

    /// Room for a record whose id lies at its end, with the id and the zeros that follow it.
    @inline(__always)
    private mutating func plainRoom(_ id: UnsafeRawBufferPointer, at offset: Int) -> UnsafeMutableRawPointer? {
        let end = offset + 1 + id.count
        let padded = (end + 7) & ~7
        guard id.count <= LedgerFormat.Limit.id, let text = id.baseAddress, let base = room(padded) else { return nil }
        base.storeBytes(of: 0, toByteOffset: padded - 8, as: UInt64.self)
        base.storeBytes(of: UInt8(truncatingIfNeeded: id.count), toByteOffset: offset, as: UInt8.self)
        (base + offset + 1).copyMemory(from: text, byteCount: id.count)
        return base
    }
}

extension RequestNumbers {
    /// Whether they fit into a record of the type `plainFinish`.
    @inline(__always)
    func arePlain(attemptMilliseconds: Int) -> Bool {
        let most = UInt64(LedgerPlain.unknown)
        func fits(_ counter: UInt64?) -> Bool { counter ?? 0 < most }
        func fits(_ number: Int) -> Bool { UInt64(truncatingIfNeeded: number) < most }
        return fits(latencyMilliseconds) && fits(attemptMilliseconds) && fits(firstTokenMilliseconds ?? 0)
            && UInt64(truncatingIfNeeded: status) <= UInt64(UInt16.max)
            && fits(usage.input) && fits(usage.output) && fits(usage.cached) && fits(usage.cacheWrite)
            && fits(usage.reasoning)
    }

    var flags: UInt8 {
        (stream ? 1 : 0) | (usage.estimated ? 2 : 0) | (firstTokenMilliseconds != nil ? 4 : 0)
    }
}

extension UnsafeRawPointer {
    fileprivate func isAligned(toMultipleOf alignment: UInt) -> Bool { UInt(bitPattern: self) & (alignment - 1) == 0 }
}
