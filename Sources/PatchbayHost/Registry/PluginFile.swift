#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// What tells whether a file has changed since it was looked at.
struct FileIdentity: Hashable, Sendable {
    var device: UInt64
    var inode: UInt64
    var size: Int64
    /// Nanoseconds since 1970.
    var modified: Int64
    var changed: Int64

    /// nil if there is no such file.
    init?(path: String) {
        var info = stat()
        guard stat(path, &info) == 0 else { return nil }
        self.init(info)
    }

    init(_ info: stat) {
        device = UInt64(truncatingIfNeeded: info.st_dev)
        inode = UInt64(truncatingIfNeeded: info.st_ino)
        size = Int64(info.st_size)
        modified = Int64(info.st_mtim.tv_sec) * 1_000_000_000 + Int64(info.st_mtim.tv_nsec)
        changed = Int64(info.st_ctim.tv_sec) * 1_000_000_000 + Int64(info.st_ctim.tv_nsec)
    }
}

/// The content of a file in a plugin directory, read once: what is checked is what gets loaded.
struct PluginFile {
    let path: String
    let bytes: [UInt8]
    private(set) lazy var sha256 = bytes.withUnsafeBytes { FileHash.hexadecimal(of: $0) }

    static let sizeLimit = 256 << 20

    /// - Throws: ``PluginRefusal`` if the file cannot be read, leads out of its directory, or could be changed by
    ///   others.
    init(path: String, directory: String) throws(PluginRefusal) {
        self.path = path
        try Self.checkDirectory(directory)
        try Self.checkLocation(path, directory)
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw Self.unreadable(errno) }
        defer { close(descriptor) }
        var info = stat()
        guard fstat(descriptor, &info) == 0 else { throw Self.unreadable(errno) }
        guard info.st_mode & S_IFMT == S_IFREG else {
            throw PluginRefusal(.unreadable, "It is not a regular file.")
        }
        guard info.st_mode & S_IWOTH == 0 else {
            throw PluginRefusal(
                .unsafePermissions, "Everybody may write to the file; remove the permission with chmod o-w.")
        }
        guard info.st_size <= Self.sizeLimit else {
            throw PluginRefusal(
                .tooLarge, "The file has \(info.st_size) bytes; at most \(Self.sizeLimit) are allowed.")
        }
        bytes = try Self.read(descriptor, count: Int(info.st_size))
    }

    private static func unreadable(_ number: Int32) -> PluginRefusal {
        PluginRefusal(.unreadable, "The file cannot be read: \(String(cString: strerror(number))).")
    }

    private static func checkDirectory(_ directory: String) throws(PluginRefusal) {
        var info = stat()
        guard stat(directory, &info) == 0 else { throw unreadable(errno) }
        guard info.st_mode & S_IWOTH == 0 else {
            throw PluginRefusal(
                .unsafePermissions,
                "Everybody may write to the directory \(directory); remove the permission with chmod o-w.")
        }
    }

    /// A link may lead to another name in the same directory, nowhere else.
    private static func checkLocation(_ path: String, _ directory: String) throws(PluginRefusal) {
        guard let target = realPath(path) else { throw unreadable(errno) }
        guard let home = realPath(directory) else { throw unreadable(errno) }
        guard target.hasPrefix(home == "/" ? "/" : home + "/"), !target.dropFirst(home.count + 1).contains("/") else {
            throw PluginRefusal(.symlinkOutside, "The file is a link that leaves its directory; it leads to \(target).")
        }
    }

    static func realPath(_ path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    private static func read(_ descriptor: Int32, count: Int) throws(PluginRefusal) -> [UInt8] {
        var failure: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { room, filled in
            while filled < count, let start = room.baseAddress {
                let got = Glibc.read(descriptor, start + filled, count - filled)
                if got > 0 {
                    filled += got
                } else if got == 0 || errno != EINTR {
                    failure = got == 0 ? 0 : errno
                    break
                }
            }
        }
        guard failure == 0 else { throw unreadable(failure) }
        return bytes
    }
}
