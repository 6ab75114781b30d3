import PatchbayHost
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// Calls back when one of a few files has changed, whether it was written in place, replaced by a rename, or is reached
/// through a symbolic link that leads elsewhere now.
///
/// inotify tells when to look; what counts is whether the files differ from what they were. They are looked at every
/// second as well, for file systems that tell nothing.
final class FileWatcher: Sendable {
    /// Milliseconds between looks without an event, and between two looks that have to agree.
    private static let interval: Int32 = 1_000
    private static let settling: Int32 = 15
    /// A file that nobody said is finished has to stay the same for so long.
    private static let unannounced: Int32 = 150

    private struct State {
        var paths: [String]
        var seen: [String: FileState?]
        var isStale = true
    }

    private let state: Mutex<State>
    private let onChange: @Sendable () -> Void
    /// A byte wakes the thread.
    private let bell = BytePipe(blocking: false)

    /// What the files are like now is what later changes are told against.
    init(paths: [String], onChange: @escaping @Sendable () -> Void) {
        state = Mutex(State(paths: paths, seen: Self.look(at: paths)))
        self.onChange = onChange
    }

    /// Watches for ever.
    func start() {
        HostThread.start(name: "pb-config") { [self] in run() }
    }

    /// Other files from now on. Those that are watched already are not forgotten.
    func watch(_ paths: [String]) {
        let isNew = state.withLock { state in
            guard state.paths != paths else { return false }
            for path in paths where state.seen[path] == nil { state.seen[path] = FileState(path: path) }
            state.paths = paths
            state.isStale = true
            return true
        }
        if isNew { bell.send(1) }
    }

    private static func look(at paths: [String]) -> [String: FileState?] {
        Dictionary(paths.map { ($0, FileState(path: $0)) }, uniquingKeysWith: { first, _ in first })
    }

    // MARK: - The thread

    private func run() {
        var events: Int32 = -1
        defer { if events >= 0 { close(events) } }
        while true {
            if state.withLock({ $0.isStale.take() }) || events < 0 {
                if events >= 0 { close(events) }
                events = subscribe()
            }
            let hasEvent = wait(events, milliseconds: Self.interval)
            guard hasChanged(now: current()) else { continue }
            settle(events, quiet: hasEvent ? Self.settling : Self.unannounced)
            onChange()
            // Links may lead elsewhere now.
            state.withLock { $0.isStale = true }
        }
    }

    /// Waits until two looks in a row agree, so that a change in several steps is one change. A file that is missing is
    /// most likely being replaced.
    private func settle(_ events: Int32, quiet: Int32) {
        var last = current()
        for _ in 0..<40 {
            _ = wait(events, milliseconds: quiet)
            let next = current()
            let isWhole = !next.values.contains { $0 == nil }
            defer { last = next }
            if next == last, isWhole { break }
        }
        state.withLock { $0.seen = last }
    }

    private func current() -> [String: FileState?] { Self.look(at: state.withLock { $0.paths }) }

    private func hasChanged(now: [String: FileState?]) -> Bool {
        state.withLock { state in now.contains { path, file in state.seen[path] != .some(file) } }
    }

    private func subscribe() -> Int32 {
        let events = inotify_init1(Int32(IN_CLOEXEC) | Int32(IN_NONBLOCK))
        guard events >= 0 else { return -1 }
        let complete = UInt32(IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_DELETE)
        for path in state.withLock({ $0.paths }) {
            for directory in PathDirectories.of(path) { inotify_add_watch(events, directory, complete) }
            // A file that is mounted by itself does not tell its directory.
            inotify_add_watch(events, path, UInt32(IN_CLOSE_WRITE | IN_ATTRIB | IN_MOVE_SELF))
        }
        return events
    }

    /// True if something happened; takes all of it from the queue.
    private func wait(_ events: Int32, milliseconds: Int32) -> Bool {
        var descriptors = [
            pollfd(fd: events, events: Int16(POLLIN), revents: 0),
            pollfd(fd: bell.reading, events: Int16(POLLIN), revents: 0),
        ]
        guard poll(&descriptors, 2, milliseconds) > 0 else { return false }
        withUnsafeTemporaryAllocation(byteCount: 4_096, alignment: 8) { room in
            for descriptor in descriptors where descriptor.revents != 0 && descriptor.fd >= 0 {
                while read(descriptor.fd, room.baseAddress, room.count) > 0 {}
            }
        }
        return descriptors[0].revents != 0
    }
}

extension Bool {
    /// The value, which is false afterwards.
    fileprivate mutating func take() -> Bool {
        defer { self = false }
        return self
    }
}
