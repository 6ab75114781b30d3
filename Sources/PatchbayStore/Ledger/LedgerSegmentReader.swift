import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// Reads a segment from front to back while its writer may still be filling it.
///
/// The segment of a live writer is read through a mapping, so that a committed length makes the whole record visible.
/// One whose writer is gone is read into memory at once, where a bad disk is an error and not a signal.
final class LedgerSegmentReader {
    enum Failure: Error {
        /// Not a ledger segment, or one of another version.
        case unreadable
    }

    let name: LedgerSegmentName
    let descriptor: Int32
    private(set) var offset = LedgerFormat.headerBytes
    /// Where the record that was returned last begins.
    private(set) var entryOffset = 0
    /// Bytes that were skipped because no record could be made of them.
    private(set) var damagedBytes = 0
    private let bytes: UnsafeRawBufferPointer
    /// What the records of the type `words` have said, by their numbers; nil for those that were damaged.
    private var words: [UnsafeRawBufferPointer?] = []
    private let mapped: Bool
    private let seed: UInt64

    init(directory: String, name: LedgerSegmentName) throws {
        let path = "\(directory)/\(name.file)"
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw SystemCall.failure("open the ledger segment", path) }
        self.descriptor = descriptor
        self.name = name
        do {
            mapped = Self.isLocked(descriptor)
            bytes = try mapped ? Self.map(descriptor, path) : Self.read(descriptor, path)
        } catch {
            close(descriptor)
            throw error
        }
        let isLongEnough = bytes.count >= LedgerFormat.headerBytes
        seed = isLongEnough ? bytes.load(fromByteOffset: LedgerFormat.seedOffset, as: UInt64.self) : 0
        guard seed != 0, bytes.load(as: UInt64.self) == LedgerFormat.magic,
            LedgerFormat.readableVersions.contains(
                bytes.load(fromByteOffset: LedgerFormat.versionOffset, as: UInt32.self))
        else { throw Failure.unreadable }
    }

    deinit {
        if mapped {
            munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count)
        } else {
            bytes.deallocate()
        }
        close(descriptor)
    }

    /// Whether the writer of the segment lives and may add to it.
    var isLocked: Bool { Self.isLocked(descriptor) }

    /// The writer has said that no record follows those that are there.
    var isSealed: Bool { sealedEnd != nil }

    /// Every record of a sealed segment has been returned.
    var isExhausted: Bool { sealedEnd.map { offset >= $0 } ?? false }

    /// The next committed record; nil if there is none at the moment, or none any more.
    ///
    /// - Parameter abandoned: the writer is gone, so what does not add up will not get better: it is skipped.
    func next(abandoned: Bool) -> LedgerEntry? {
        while offset + LedgerFormat.recordHeaderBytes < bytes.count {
            if let length = recordLength(at: offset), isIntact(at: offset, length: length) {
                entryOffset = offset
                offset += LedgerFormat.recordHeaderBytes + length
                switch decode(at: entryOffset, length: length) {
                case .entry(let entry): return entry
                case .words: continue
                case .nonsense: damagedBytes += length
                }
            } else {
                guard abandoned || isSealed, !isExhausted, skipDamage() else { return nil }
            }
        }
        return nil
    }

    /// Moves to the next intact record; at the end of the file if there is none. False if there is nothing to move to.
    private func skipDamage() -> Bool {
        let end = sealedEnd ?? bytes.count
        var candidate = offset + 8
        var lastUsed = offset
        while candidate + LedgerFormat.recordHeaderBytes < end {
            if let length = recordLength(at: candidate), isIntact(at: candidate, length: length) {
                damagedBytes += candidate - offset
                offset = candidate
                return true
            }
            if bytes.load(fromByteOffset: candidate, as: UInt64.self) != 0 { lastUsed = candidate }
            candidate += 8
        }
        // A record that was being written when the process ended is no damage: it had not been committed.
        if sealedEnd != nil || word(at: offset) != 0 { damagedBytes += lastUsed + 8 - offset }
        offset = end
        return false
    }

    private var sealedEnd: Int? {
        guard word(at: LedgerFormat.stateOffset) != LedgerFormat.SegmentState.open.rawValue else { return nil }
        let end = bytes.load(fromByteOffset: LedgerFormat.endOffset, as: UInt64.self)
        return Int(clamping: min(max(end, UInt64(LedgerFormat.headerBytes)), UInt64(bytes.count)))
    }

    private func recordLength(at offset: Int) -> Int? {
        let length = Int(word(at: offset))
        let room = bytes.count - offset - LedgerFormat.recordHeaderBytes
        guard length > 0, length & 7 == 0, length <= room, length <= LedgerFormat.maximumPayload + 8 else { return nil }
        return length
    }

    private func isIntact(at offset: Int, length: Int) -> Bool {
        guard let base = bytes.baseAddress else { return false }
        let type = bytes.load(fromByteOffset: offset + 4, as: UInt32.self)
        guard type <= UInt32(UInt8.max) else { return false }
        let sum = LedgerFormat.checksum(
            seed: seed, offset: offset, type: UInt8(type), payload: base + offset + LedgerFormat.recordHeaderBytes,
            length: length)
        return sum == bytes.load(fromByteOffset: offset + 8, as: UInt64.self)
    }

    private enum Decoded {
        case entry(LedgerEntry)
        case words
        case nonsense
    }

    @inline(__always)
    private func decode(at offset: Int, length: Int) -> Decoded {
        let start = offset + LedgerFormat.recordHeaderBytes
        let payload = UnsafeRawBufferPointer(rebasing: bytes[start..<(start + length)])
        switch LedgerFormat.RecordType(rawValue: bytes[offset + 4]) {
        case .plainFinish:
            guard let plain = LedgerPlain(finish: payload), let words = words(plain.words) else { return .nonsense }
            return .entry(.finish(LedgerFinish(bytes: payload, words: words), plain.id, plain.place))
        case .plainBegin:
            guard let plain = LedgerPlain(begin: payload), words(plain.words) != nil else { return .nonsense }
            return .entry(.plainBegin)
        case let type?:
            return decodeInFull(type, payload)
        case nil:
            return .nonsense
        }
    }

    @inline(never)
    private func decodeInFull(_ type: LedgerFormat.RecordType, _ payload: UnsafeRawBufferPointer) -> Decoded {
        var decoder = LedgerDecoder(payload)
        switch type {
        case .begin:
            return decoder.beginPayload().map { .entry(.begin($0)) } ?? .nonsense
        case .finish:
            return finish(payload, place: .unknown)
        case .placedFinish:
            let place = LedgerPlace(rawValue: decoder.number(UInt64.self))
            return finish(UnsafeRawBufferPointer(rebasing: payload.dropFirst(8)), place: place)
        case .words:
            let number = decoder.number(UInt32.self)
            let texts = UnsafeRawBufferPointer(rebasing: payload.dropFirst(4))
            return note(texts, number) ? .words : .nonsense
        case .plainBegin, .plainFinish:
            return .nonsense
        }
    }

    private func finish(_ payload: UnsafeRawBufferPointer, place: LedgerPlace) -> Decoded {
        guard let row = LedgerRow(payload) else { return .nonsense }
        return .entry(.finish(LedgerFinish(bytes: payload, words: nil), row.id, place))
    }

    @inline(__always)
    private func words(_ number: UInt32) -> UnsafeRawBufferPointer? {
        let index = Int(number)
        return index < words.count ? words[index] : nil
    }

    /// Numbers follow one another; where some are missing their records were damaged.
    private func note(_ texts: UnsafeRawBufferPointer, _ number: UInt32) -> Bool {
        let index = Int(number)
        let most = bytes.count / LedgerFormat.recordHeaderBytes
        guard LedgerNames(texts) != nil, index >= words.count, index < most else { return false }
        words.append(contentsOf: repeatElement(nil, count: index - words.count))
        words.append(texts)
        return true
    }

    /// A copy of the beginning that was returned as `plainBegin` when ``entryOffset`` was this.
    func begin(at offset: Int) -> LedgerBegin? {
        guard offset >= LedgerFormat.headerBytes, let length = recordLength(at: offset) else { return nil }
        let start = offset + LedgerFormat.recordHeaderBytes
        let payload = UnsafeRawBufferPointer(rebasing: bytes[start..<(start + length)])
        guard let plain = LedgerPlain(begin: payload), let words = words(plain.words),
            let names = LedgerNames(words)
        else { return nil }
        var path = LedgerDecoder(names.path)
        return LedgerBegin(
            id: String(decoding: plain.id, as: UTF8.self), time: plain.time,
            key: String(decoding: names.key, as: UTF8.self), model: String(decoding: path.span(), as: UTF8.self))
    }

    /// A word that the writer stores last. Callers stay inside the file.
    private func word(at offset: Int) -> UInt32 {
        guard let base = bytes.baseAddress else { return 0 }
        return (base + offset).assumingMemoryBound(to: Atomic<UInt32>.self).pointee.load(ordering: .acquiring)
    }

    private static func isLocked(_ descriptor: Int32) -> Bool {
        guard flock(descriptor, LOCK_SH | LOCK_NB) == 0 else { return true }
        flock(descriptor, LOCK_UN)
        return false
    }

    private static func size(_ descriptor: Int32, _ path: String) throws(StoreError) -> Int {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw SystemCall.failure("read the size of", path) }
        return Int(status.st_size)
    }

    private static func map(_ descriptor: Int32, _ path: String) throws(StoreError) -> UnsafeRawBufferPointer {
        let size = try size(descriptor, path)
        let mapping = mmap(nil, max(size, 1), PROT_READ, MAP_SHARED, descriptor, 0)
        guard let mapping, mapping != MAP_FAILED else { throw SystemCall.failure("map the ledger segment", path) }
        return UnsafeRawBufferPointer(start: mapping, count: size)
    }

    private static func read(_ descriptor: Int32, _ path: String) throws(StoreError) -> UnsafeRawBufferPointer {
        let size = try size(descriptor, path)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 16)
        var filled = 0
        while filled < size {
            let count = pread(descriptor, buffer.baseAddress.map { $0 + filled }, size - filled, off_t(filled))
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                let error = SystemCall.failure("read the ledger segment", path)
                buffer.deallocate()
                throw error
            }
            filled += count
        }
        return UnsafeRawBufferPointer(buffer)
    }
}
