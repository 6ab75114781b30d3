import PatchbayCore
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// A segment while it is being written: the mapping, the descriptor that holds its lock, and how far it is filled.
///
/// The lock tells every reader that the writer lives; the kernel drops it with the process, whatever ends it.
/// Blocks are allocated when the file is made, so that a full disk is an error here and never a signal later.
final class LedgerSegment {
    let name: LedgerSegmentName
    let base: UnsafeMutableRawPointer
    let capacity: Int
    let seed: UInt64
    private(set) var offset = LedgerFormat.headerBytes
    private var lastOffset = 0
    private let descriptor: Int32
    /// Records of the type `words` so far.
    private var wordsCount: UInt32 = 0

    /// Makes the file under a temporary name, locks it, and only then shows it to readers.
    init(directory: String, name: LedgerSegmentName, started: Int64, loop: Int, bytes: Int) throws(StoreError) {
        let path = "\(directory)/\(name.file)"
        let hidden = "\(path).new"
        let descriptor = open(hidden, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw SystemCall.failure("make the ledger segment", hidden) }
        self.name = name
        self.descriptor = descriptor
        capacity = bytes
        seed = UInt64.random(in: 1...UInt64.max)
        do throws(StoreError) {
            base = try Self.prepare(descriptor, hidden, bytes: bytes)
        } catch {
            close(descriptor)
            unlink(hidden)
            throw error
        }
        writeHeader(started: started, loop: loop)
        if rename(hidden, path) != 0 {
            let error = SystemCall.failure("name the ledger segment", path)
            unlink(hidden)
            throw error
        }
    }

    deinit {
        munmap(base, capacity)
        close(descriptor)
    }

    private static func prepare(
        _ descriptor: Int32, _ path: String, bytes: Int
    ) throws(StoreError) -> UnsafeMutableRawPointer {
        let status = posix_fallocate(descriptor, 0, off_t(bytes))
        guard status == 0 else { throw SystemCall.error(status, "allocate the ledger segment", path) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            throw SystemCall.failure("lock the ledger segment", path)
        }
        let mapping = mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0)
        guard let mapping, mapping != MAP_FAILED else { throw SystemCall.failure("map the ledger segment", path) }
        return mapping
    }

    private func writeHeader(started: Int64, loop: Int) {
        base.storeBytes(of: LedgerFormat.magic, as: UInt64.self)
        base.storeBytes(of: LedgerFormat.version, toByteOffset: LedgerFormat.versionOffset, as: UInt32.self)
        base.storeBytes(
            of: UInt32(truncatingIfNeeded: loop), toByteOffset: LedgerFormat.loopOffset, as: UInt32.self)
        base.storeBytes(of: seed, toByteOffset: LedgerFormat.seedOffset, as: UInt64.self)
        base.storeBytes(of: name.sequence, toByteOffset: LedgerFormat.sequenceOffset, as: UInt64.self)
        base.storeBytes(of: started, toByteOffset: LedgerFormat.startedOffset, as: Int64.self)
        base.storeBytes(
            of: UInt32(truncatingIfNeeded: getpid()), toByteOffset: LedgerFormat.processOffset, as: UInt32.self)
    }

    /// Writes and commits one record; false if it does not fit.
    @inline(__always)
    func append(_ type: LedgerFormat.RecordType, _ encode: (inout LedgerEncoder) -> Void) -> Bool {
        let payload = base + offset + LedgerFormat.recordHeaderBytes
        var encoder = LedgerEncoder(payload, capacity: capacity - offset - LedgerFormat.recordHeaderBytes)
        encode(&encoder)
        guard !encoder.overflowed, encoder.count > 0 else { return false }
        commit(type, length: encoder.count)
        return true
    }

    /// Writes and commits a record that refers to words; false if it does not fit.
    @inline(__always)
    func append(
        _ type: LedgerFormat.RecordType, _ words: LedgerWords, _ encode: (inout LedgerEncoder, UInt32) -> Void
    ) -> Bool {
        guard let number = number(of: words) else { return false }
        return append(type) { encode(&$0, number) }
    }

    /// The number of words that a record may refer to now. Nil if there is no room to write them.
    @inline(__always)
    private func number(of words: LedgerWords) -> UInt32? {
        let part = offset / LedgerFormat.wordsReach
        if words.written.segment == seed, words.written.part == part { return words.written.number }
        return write(words, part: part)
    }

    @inline(never)
    private func write(_ words: LedgerWords, part: Int) -> UInt32? {
        let number = wordsCount
        guard append(.words, { $0.encodeNames(of: words, number: number) }) else { return nil }
        wordsCount += 1
        words.written = (seed, part, number)
        return number
    }

    private func commit(_ type: LedgerFormat.RecordType, length: Int) {
        let record = base + offset
        let sum = LedgerFormat.checksum(
            seed: seed, offset: offset, type: type.rawValue, payload: record + LedgerFormat.recordHeaderBytes,
            length: length)
        record.storeBytes(of: UInt32(type.rawValue), toByteOffset: 4, as: UInt32.self)
        record.storeBytes(of: sum, toByteOffset: 8, as: UInt64.self)
        word(at: offset).pointee.store(UInt32(length), ordering: .releasing)
        lastOffset = offset
        offset += LedgerFormat.recordHeaderBytes + length
    }

    /// Where the record lies that was written last.
    var lastPlace: LedgerPlace { LedgerPlace(sequence: name.sequence, offset: lastOffset) }

    /// Says that no record will follow. The lock stays until the object goes.
    func seal(_ state: LedgerFormat.SegmentState) {
        base.storeBytes(of: UInt64(offset), toByteOffset: LedgerFormat.endOffset, as: UInt64.self)
        word(at: LedgerFormat.stateOffset).pointee.store(state.rawValue, ordering: .releasing)
    }

    /// `Atomic<UInt32>` has the size and alignment of its value; every offset used here is a multiple of four.
    private func word(at offset: Int) -> UnsafeMutablePointer<Atomic<UInt32>> {
        (base + offset).assumingMemoryBound(to: Atomic<UInt32>.self)
    }
}
