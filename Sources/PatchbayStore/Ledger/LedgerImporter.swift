package import Logging
import PatchbayCore

/// Brings the ledger of all event loops, and of processes that have ended, into the database.
///
/// It runs on its own thread. `work` and `lastSync` are guarded by `pass`, which is held while a pass runs; `counters`,
/// `failuresInRow`, `stopped` and `thread` are guarded by `control`.
package final class LedgerImporter: @unchecked Sendable {
    /// What the importer has done so far.
    package struct Statistics: Sendable, Hashable {
        /// Requests that were new to the database.
        package var imported: UInt64 = 0
        package var failures: UInt64 = 0
        /// What the last pass failed with; nil when it succeeded.
        package var lastError: StoreError?
    }

    /// Milliseconds that a batch waits for somebody else's lock.
    private static let patience: Int32 = 1_000
    /// Nanoseconds between passes while they fail.
    private static let longestPause: Int64 = 2_000_000_000

    private let store: Store
    private let folder: String
    private let interval: Int64
    private let syncInterval: Int64
    private let logger: Logger
    private let pass = Monitor()
    private let control = Monitor()
    private var work: LedgerImport?
    private var counters = Statistics()
    private var failuresInRow = 0
    private var lastSync: Int64 = 0
    private var stopped = false
    private var thread: SystemThread?

    /// - Parameters:
    ///   - store: where the requests go.
    ///   - directory: the data directory of the writers.
    ///   - interval: milliseconds between passes.
    ///   - syncInterval: milliseconds between syncs of live segments to the disk; 0 = never. It bounds what a power cut
    ///     can take; the end of the process takes nothing.
    package init(
        store: Store, directory: String, interval: Int = 200, syncInterval: Int = 1_000,
        logger: Logger = Logger(label: "patchbay.ledger")
    ) throws(StoreError) {
        self.store = store
        self.interval = Int64(interval) * 1_000_000
        self.syncInterval = Int64(syncInterval) * 1_000_000
        self.logger = logger
        folder = LedgerWriter.folder(in: directory)
        try SystemCall.makeDirectory(folder)
    }

    /// Starts the thread. Once.
    package func start() throws(StoreError) {
        let started = try SystemThread(named: "pb-ledger") { [weak self] in
            while let importer = self, importer.sleep() { importer.runQuietly() }
        }
        control.locked { thread = started }
    }

    /// Imports what has been committed by now and returns how many requests were new. Blocks; safe from any thread that
    /// may block.
    @discardableResult
    package func drain() throws(StoreError) -> Int {
        try pass.locked { () throws(StoreError) in try runPass() }
    }

    /// Ends the thread after a last pass. The writers must have been closed before.
    package func stop() {
        let ending = control.locked {
            stopped = true
            control.wakeAll()
            defer { thread = nil }
            return thread
        }
        ending?.join()
        runQuietly()
        pass.locked { work = nil }
    }

    /// Segment files that are in the folder now.
    package var segmentCount: Int {
        guard let names = try? SystemCall.names(in: folder) else { return 0 }
        return names.count { LedgerSegmentName($0) != nil }
    }

    package var statistics: Statistics { control.locked { counters } }

    private func sleep() -> Bool {
        control.locked {
            let pause = min(max(interval, Self.longestPause), interval << min(failuresInRow, 16))
            let deadline = SystemTime.monotonicNanoseconds() + pause
            while !stopped, SystemTime.monotonicNanoseconds() < deadline { control.wait(until: deadline) }
            return !stopped
        }
    }

    private func runQuietly() {
        // The failure is counted and logged; the next pass begins anew from the segments.
        _ = try? drain()
    }

    private func runPass() throws(StoreError) -> Int {
        let before = statistics.imported
        do throws(StoreError) {
            let current: LedgerImport
            if let work { current = work } else { current = try makeWork() }
            work = current
            try current.run()
            synchroniseIfDue(current)
            note(nil)
        } catch {
            work = nil
            note(error)
            throw error
        }
        return Int(statistics.imported - before)
    }

    private func makeWork() throws(StoreError) -> LedgerImport {
        let memory = try store.write { database throws(StoreError) in try LedgerBatch.Memory(from: database) }
        return LedgerImport(folder: folder, memory: memory, logger: logger) { [unowned self] batch throws(StoreError) in
            let inserted = try store.write { database throws(StoreError) in
                // Others wait for the same thread; the next pass tries again.
                try database.waiting(atMost: Self.patience) { () throws(StoreError) in try batch.apply(to: database) }
            }
            control.locked { counters.imported += UInt64(inserted) }
        }
    }

    /// Logs the first of a row of failures and the end of the row.
    private func note(_ error: StoreError?) {
        let previous = control.locked {
            defer { counters.lastError = error }
            if error != nil { counters.failures += 1 }
            failuresInRow = error == nil ? 0 : failuresInRow + 1
            return counters.lastError
        }
        if let error, previous == nil {
            logger.error("ledger import failed", metadata: ["reason": "\(error)"])
        } else if error == nil, previous != nil {
            logger.notice("ledger import works again")
        }
    }

    private func synchroniseIfDue(_ work: LedgerImport) {
        let now = SystemTime.monotonicNanoseconds()
        guard syncInterval > 0, now - lastSync >= syncInterval else { return }
        lastSync = now
        work.synchronise()
    }
}
