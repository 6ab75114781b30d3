import Logging
import PatchbayCore

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// The import itself: reads segments, pairs beginnings with ends and hands over batches. Confined by its owner.
///
/// Everything it keeps can be rebuilt from the segments and the database. After any failure it is thrown away.
final class LedgerImport {
    private static let batchLimit = 8_000

    private let folder: String
    private let logger: Logger
    private let commit: (LedgerBatch) throws(StoreError) -> Void
    private var memory: LedgerBatch.Memory
    private var segments: [LedgerSegmentName: Segment] = [:]
    /// Requests in flight whose beginning is found by its id, and where it lies.
    private var pending: [LedgerIdentity: Pending] = [:]
    private let identityKey = LedgerIdentity.Key()
    private var segmentCount = 0
    /// What was in the folder, and what was made of it; nil before the first look.
    private var listed: (files: [String]?, names: [LedgerSegmentName], writers: [String: [LedgerSegmentName]]) =
        (nil, [], [:])
    private var batch = LedgerBatch()
    private var removable: [LedgerSegmentName] = []

    /// A beginning in a segment that is open.
    private struct Pending {
        let segment: Int
        let payload: LedgerPayload
    }

    private final class Segment {
        /// Tells the segments of this object apart.
        let number: Int
        let reader: LedgerSegmentReader
        /// Ends before this offset are in the database already.
        let imported: Int
        var reportedDamage = 0
        /// Beginnings of requests in flight that are found by their place.
        var pending = LedgerPlaces()

        init(number: Int, reader: LedgerSegmentReader, imported: Int) {
            self.number = number
            self.reader = reader
            self.imported = imported
        }
    }

    /// - Parameter commit: writes a batch; when it throws, this object is of no use any more.
    init(
        folder: String, memory: LedgerBatch.Memory, logger: Logger,
        commit: @escaping (LedgerBatch) throws(StoreError) -> Void
    ) {
        self.folder = folder
        self.memory = memory
        self.logger = logger
        self.commit = commit
    }

    /// Imports everything that has been committed by now.
    func run() throws(StoreError) {
        try list()
        let writers = listed.writers
        for name in listed.names { openIfNew(name) }
        // What could not be opened counts as locked: its writer's requests are not over before it has been read.
        let unlocked = writers.filter { _, names in !names.contains { segments[$0]?.reader.isLocked ?? true } }
        let dead = unlocked.isEmpty ? [] : try confirmDead(unlocked)
        for (writer, names) in writers.sorted(by: { $0.key < $1.key }) {
            try importWriter(writer, names, dead: dead.contains(writer))
        }
        settleOrphans(living: Set(writers.keys))
        try flush()
    }

    /// Asks the kernel to bring what live writers have written to the disk.
    func synchronise() {
        for segment in segments.values where segment.reader.isLocked { fdatasync(segment.reader.descriptor) }
    }

    /// Looks at the folder, which mostly is as it was.
    private func list() throws(StoreError) {
        let files = try SystemCall.names(in: folder)
        for file in files where file.hasSuffix(LedgerSegmentName.unfinishedSuffix) { removeIfStale(file) }
        guard listed.files != files else { return }
        let names = files.compactMap(LedgerSegmentName.init)
        let writers = Dictionary(grouping: names, by: \.writer)
        listed = (files, names, writers.mapValues { $0.sorted { $0.sequence < $1.sequence } })
        forgetVanished(names)
    }

    private func listSegments() throws(StoreError) -> [LedgerSegmentName] {
        try SystemCall.names(in: folder).compactMap(LedgerSegmentName.init)
    }

    private func forgetVanished(_ names: [LedgerSegmentName]) {
        let present = Set(names)
        for name in segments.keys where !present.contains(name) {
            // Another importer has taken it over, with what was in flight.
            let number = segments.removeValue(forKey: name)?.number
            pending = pending.filter { $0.value.segment != number }
        }
        for file in memory.positions.keys where LedgerSegmentName(file).map({ !present.contains($0) }) ?? true {
            memory.positions[file] = nil
            batch.forgotten.append(file)
        }
    }

    private func openIfNew(_ name: LedgerSegmentName) {
        guard segments[name] == nil else { return }
        do {
            let reader = try LedgerSegmentReader(directory: folder, name: name)
            segmentCount += 1
            segments[name] = Segment(
                number: segmentCount, reader: reader, imported: memory.positions[name.file] ?? 0)
        } catch LedgerSegmentReader.Failure.unreadable {
            setAside(name)
        } catch {
            logger.warning("ledger segment cannot be opened", metadata: ["reason": "\(error)"])
        }
    }

    /// A segment that its writer did not live to finish making. A young one may be in the making.
    private func removeIfStale(_ file: String) {
        let path = "\(folder)/\(file)"
        var status = stat()
        guard stat(path, &status) == 0, Int(status.st_mtim.tv_sec) + 60 < Int(SystemTime.unixMilliseconds() / 1_000)
        else { return }
        unlink(path)
    }

    /// A file that is no segment is kept for people to look at, out of the way.
    private func setAside(_ name: LedgerSegmentName) {
        let path = "\(folder)/\(name.file)"
        rename(path, "\(path).unreadable")
        logger.error("ledger segment is unreadable", metadata: ["file": "\(path).unreadable"])
    }

    /// Writers that hold no lock and have made no segment since: a live writer always holds the lock of a segment that
    /// is in the folder, and makes the next one before it lets go of the last.
    private func confirmDead(_ candidates: [String: [LedgerSegmentName]]) throws(StoreError) -> Set<String> {
        let now = Dictionary(grouping: try listSegments(), by: \.writer)
        return Set(candidates.filter { writer, names in Set(now[writer] ?? []) == Set(names) }.keys)
    }

    private func importWriter(_ writer: String, _ names: [LedgerSegmentName], dead: Bool) throws(StoreError) {
        for name in names {
            try importSegment(name, dead: dead)
            guard let segment = segments[name] else { continue }
            batchPosition(of: segment)
            if dead || (segment.reader.isExhausted && !segment.reader.isLocked) { retire(segment) }
        }
        if dead { interruptCarried(of: writer) }
    }

    private func importSegment(_ name: LedgerSegmentName, dead: Bool) throws(StoreError) {
        guard let segment = segments[name] else { return }
        while let entry = segment.reader.next(abandoned: dead) {
            take(entry, from: segment)
            if batch.count >= Self.batchLimit {
                batchPosition(of: segment)
                try flush()
            }
        }
        reportDamage(name)
    }

    @inline(__always)
    private func take(_ entry: LedgerEntry, from segment: Segment) {
        switch entry {
        case .plainBegin:
            segment.pending.insert(segment.reader.entryOffset)
        case .begin(let payload):
            pending[LedgerIdentity(payload.id, identityKey)] = Pending(segment: segment.number, payload: payload)
        case .finish(let finish, let id, let place):
            pair(id, place, from: segment)
            if segment.reader.entryOffset >= segment.imported { batch.finished.append(finish) }
        }
    }

    /// Its request is not in flight any more.
    /// A finished request is not in flight any more.
    @inline(__always)
    private func pair(_ id: UnsafeRawBufferPointer, _ place: LedgerPlace, from segment: Segment) {
        if place.sequence == segment.reader.name.sequence, segment.pending.remove(place.offset) { return }
        pairElsewhere(id, place, from: segment)
    }

    @inline(never)
    private func pairElsewhere(_ id: UnsafeRawBufferPointer, _ place: LedgerPlace, from segment: Segment) {
        if place.isKnown {
            let name = LedgerSegmentName(writer: segment.reader.name.writer, sequence: place.sequence)
            if let earlier = segments[name], earlier.pending.remove(place.offset) { return }
        }
        pending[LedgerIdentity(id, identityKey)] = nil
        if !memory.open.isEmpty { settle(String(decoding: id, as: UTF8.self)) }
    }

    /// The end of a request whose beginning was carried.
    private func settle(_ id: String) {
        if memory.open.removeValue(forKey: id) != nil { batch.settled.append(id) }
    }

    private func reportDamage(_ name: LedgerSegmentName) {
        guard let segment = segments[name], segment.reader.damagedBytes > segment.reportedDamage else { return }
        segment.reportedDamage = segment.reader.damagedBytes
        logger.error(
            "ledger segment is damaged",
            metadata: ["segment": "\(name.file)", "bytes": "\(segment.reader.damagedBytes)"])
    }

    private func batchPosition(of segment: Segment) {
        let file = segment.reader.name.file
        guard segment.reader.offset > memory.positions[file] ?? 0 else { return }
        batch.positions[file] = segment.reader.offset
    }

    /// The segment has been read to its end: what it alone knows goes to the database, and the file may go.
    private func retire(_ segment: Segment) {
        let name = segment.reader.name
        removable.append(name)
        // Written even if it has not changed, so that the commit has something to sync.
        batch.positions[name.file] = segment.reader.offset
        batch.mustBeDurable = true
        for (identity, item) in pending where item.segment == segment.number {
            pending[identity] = nil
            if let begin = item.payload.begin { carry(begin, of: name.writer) }
        }
        segment.pending.removeAll { offset in
            if let begin = segment.reader.begin(at: offset) { carry(begin, of: name.writer) }
        }
    }

    private func carry(_ begin: LedgerBegin, of writer: String) {
        let carried = LedgerBatch.Carried(writer: writer, begin: begin)
        memory.open[begin.id] = carried
        batch.carried.append(carried)
    }

    private func interruptCarried(of writer: String) {
        for (id, item) in memory.open where item.writer == writer { interrupt(id, item) }
    }

    /// Carried beginnings of writers that have left no segment.
    private func settleOrphans(living: Set<String>) {
        for (id, item) in memory.open where !living.contains(item.writer) { interrupt(id, item) }
    }

    private func interrupt(_ id: String, _ item: LedgerBatch.Carried) {
        var record = RequestRecord(id: id, time: item.begin.time, key: item.begin.key, model: item.begin.model)
        record.outcome = .interrupted
        record.errorCode = RequestOutcome.interrupted.name
        batch.interrupted.append(record)
        batch.settled.append(id)
        memory.open[id] = nil
    }

    private func flush() throws(StoreError) {
        guard !batch.isEmpty || !removable.isEmpty else { return }
        try commit(batch)
        for (file, position) in batch.positions { memory.positions[file] = position }
        batch = LedgerBatch()
        for name in removable {
            segments[name] = nil
            unlink("\(folder)/\(name.file)")
        }
        removable = []
    }
}
