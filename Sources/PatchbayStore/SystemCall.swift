#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// Names what the operating system said.
enum SystemCall {
    /// The error for the current `errno`, to be called right after the call that failed.
    static func failure(_ action: String, _ path: String) -> StoreError {
        error(errno, action, path)
    }

    static func error(_ number: Int32, _ action: String, _ path: String) -> StoreError {
        let code: StoreError.Code = number == ENOSPC || number == EDQUOT ? .full : .system
        return StoreError(code, "Cannot \(action) \(path): \(text(number)).")
    }

    private static func text(_ number: Int32) -> String {
        switch number {
        case ENOSPC: "no space left on the device"
        case EDQUOT: "the disk quota is used up"
        case EACCES, EPERM: "permission denied"
        case ENOENT: "no such file or directory"
        case EEXIST: "it exists already"
        case ENOTDIR: "a part of the path is not a directory"
        case EISDIR: "it is a directory"
        case EROFS: "the file system is read-only"
        case EMFILE, ENFILE: "too many open files"
        default: "error \(number) of the operating system"
        }
    }

    /// Makes a directory with mode 0700 unless there is one.
    static func makeDirectory(_ path: String) throws(StoreError) {
        guard mkdir(path, 0o700) != 0, errno != EEXIST else { return }
        throw failure("make the directory", path)
    }

    /// Makes a file that only its owner may read, also where the umask would say otherwise, unless there is one.
    static func makePrivateFile(_ path: String) throws(StoreError) {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure("open", path) }
        close(descriptor)
    }

    /// The names in a directory, without `.` and `..`, sorted.
    static func names(in directory: String) throws(StoreError) -> [String] {
        guard let stream = opendir(directory) else { throw failure("read the directory", directory) }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { field in
                field.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }
}
