#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// What tells whether the content of a path has changed: symbolic links are followed, so another target is a change.
struct FileState: Hashable, Sendable {
    private var device: UInt64
    private var inode: UInt64
    private var size: Int64
    private var modified: Int64
    private var changed: Int64

    /// nil if there is no such file.
    init?(path: String) {
        var info = stat()
        guard stat(path, &info) == 0 else { return nil }
        device = UInt64(truncatingIfNeeded: info.st_dev)
        inode = UInt64(truncatingIfNeeded: info.st_ino)
        size = Int64(info.st_size)
        modified = Int64(info.st_mtim.tv_sec) * 1_000_000_000 + Int64(info.st_mtim.tv_nsec)
        changed = Int64(info.st_ctim.tv_sec) * 1_000_000_000 + Int64(info.st_ctim.tv_nsec)
    }
}

/// The directories in which something has to change for a path to lead to another file: those of the path and of every
/// symbolic link on the way, such as the `..data` of a Kubernetes ConfigMap.
enum PathDirectories {
    private static let longestChain = 40

    static func of(_ path: String) -> Set<String> {
        var found: Set<String> = []
        var links = 0
        var current = ""
        var rest = absolute(path).split(separator: "/").map(String.init)[...]
        while let name = rest.popFirst() {
            if name == "." { continue }
            if name == ".." {
                current = current.lastIndex(of: "/").map { String(current[..<$0]) } ?? ""
                continue
            }
            let here = current.isEmpty ? "/" : current
            guard let target = link("\(current)/\(name)"), links < longestChain else {
                if rest.isEmpty { found.insert(here) }
                current += "/\(name)"
                continue
            }
            links += 1
            found.insert(here)
            if target.hasPrefix("/") { current = "" }
            rest = (target.split(separator: "/").map(String.init) + rest)[...]
        }
        return found
    }

    private static func absolute(_ path: String) -> String {
        guard !path.hasPrefix("/"), let directory = getcwd(nil, 0) else { return path }
        defer { free(directory) }
        return "\(String(cString: directory))/\(path)"
    }

    private static func link(_ path: String) -> String? {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 4_096) { buffer in
            guard let base = buffer.baseAddress else { return nil }
            let length = readlink(path, base, buffer.count)
            guard length > 0 else { return nil }
            return String(decoding: buffer.prefix(length).lazy.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
    }
}
