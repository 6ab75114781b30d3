#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif
internal import Synchronization

/// Watches plugin directories with inotify and calls back when files have been written or moved there.
///
/// Events are gathered for a moment, so that a copy of several files leads to one call.
final class DirectoryWatcher: Sendable {
    /// Milliseconds without an event that end the gathering, and its longest duration.
    private static let quiet: Int32 = 100
    private static let longest = 5
    /// Milliseconds between looks for directories that do not exist yet.
    private static let retry: Int32 = 1000

    private let directories: [String]
    private let onChange: @Sendable () -> Void
    /// A pipe whose writing end is used to stop the thread.
    private let stopSignal: (reading: Int32, writing: Int32)
    private let isStopped = Atomic<Bool>(false)

    init(directories: [String], onChange: @escaping @Sendable () -> Void) {
        self.directories = directories
        self.onChange = onChange
        var ends: [Int32] = [-1, -1]
        pipe(&ends)
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        stopSignal = (ends[0], ends[1])
    }

    deinit {
        close(stopSignal.reading)
        close(stopSignal.writing)
    }

    func start() {
        HostThread.start(name: "pb-watcher") { [self] in run() }
    }

    func stop() {
        isStopped.store(true, ordering: .relaxed)
        var byte: UInt8 = 1
        write(stopSignal.writing, &byte, 1)
    }

    /// What one thread of the watcher works on.
    private struct Watch {
        let events: Int32
        var directories: [Int32: String] = [:]
        /// Cannot be watched yet.
        var missing: [String]
    }

    private func run() {
        let events = inotify_init1(Int32(IN_CLOEXEC) | Int32(IN_NONBLOCK))
        guard events >= 0 else { return }
        defer { close(events) }
        var watch = Watch(events: events, missing: directories)
        Self.addMissing(to: &watch)
        // Files may have come between the last scan and the first watch.
        onChange()
        while !isStopped.load(ordering: .relaxed) {
            let hasEvent = wait(for: events, milliseconds: watch.missing.isEmpty ? -1 : Self.retry)
            if isStopped.load(ordering: .relaxed) { return }
            if hasEvent {
                if gather(&watch) { onChange() }
            } else if !watch.missing.isEmpty {
                if Self.addMissing(to: &watch) { onChange() }
            }
        }
    }

    /// - Returns: whether a directory was added.
    @discardableResult
    private static func addMissing(to watch: inout Watch) -> Bool {
        let before = watch.missing.count
        watch.missing.removeAll { directory in
            let number = inotify_add_watch(watch.events, directory, UInt32(IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE))
            if number >= 0 { watch.directories[number] = directory }
            return number >= 0
        }
        return watch.missing.count < before
    }

    private func wait(for events: Int32, milliseconds: Int32) -> Bool {
        var descriptors = [
            pollfd(fd: events, events: Int16(POLLIN), revents: 0),
            pollfd(fd: stopSignal.reading, events: Int16(POLLIN), revents: 0),
        ]
        guard poll(&descriptors, 2, milliseconds) > 0 else { return false }
        return descriptors[0].revents != 0
    }

    /// Reads events until there is a pause.
    ///
    /// - Returns: whether a file is complete that was not before.
    private func gather(_ watch: inout Watch) -> Bool {
        var rounds = 0
        var isNews = false
        repeat {
            withUnsafeTemporaryAllocation(byteCount: 16_384, alignment: 8) { room in
                while case let count = read(watch.events, room.baseAddress, room.count), count > 0 {
                    if Self.hasNews(UnsafeRawBufferPointer(rebasing: room[..<count]), &watch) { isNews = true }
                }
            }
            rounds += 1
        } while rounds < Self.longest && wait(for: watch.events, milliseconds: Self.quiet)
        return isNews
    }

    private static func hasNews(_ bytes: UnsafeRawBufferPointer, _ watch: inout Watch) -> Bool {
        var isNews = false
        let headSize = MemoryLayout<inotify_event>.size
        var position = 0
        while position + headSize <= bytes.count {
            let event = bytes.loadUnaligned(fromByteOffset: position, as: inotify_event.self)
            let name = bytes[(position + headSize)...].prefix(Int(event.len)).prefix { $0 != 0 }
            position += headSize + Int(event.len)
            if event.mask & UInt32(IN_IGNORED) != 0 {
                // The directory is gone, and may come again.
                if let directory = watch.directories.removeValue(forKey: event.wd) { watch.missing.append(directory) }
            } else if event.mask & UInt32(IN_CREATE) != 0, let directory = watch.directories[event.wd] {
                // A file that is being written ends with another event; a link is complete at once.
                isNews = isNews || isLink("\(directory)/\(String(decoding: name, as: UTF8.self))")
            } else {
                isNews = true
            }
        }
        return isNews
    }

    private static func isLink(_ path: String) -> Bool {
        var info = stat()
        guard lstat(path, &info) == 0 else { return false }
        return info.st_mode & S_IFMT == S_IFLNK || info.st_nlink > 1
    }
}
