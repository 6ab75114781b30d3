#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// Whole small files, without Foundation.
enum SmallFile {
    /// The content; an error if it is longer than `limit` bytes.
    static func read(_ path: String, limit: Int) throws(StoreError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw SystemCall.failure("open", path) }
        defer { close(descriptor) }
        var content: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16_384)
        while true {
            let count = readBytes(descriptor, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw SystemCall.failure("read", path) }
            if count == 0 { return content }
            content += chunk[..<count]
            guard content.count <= limit else {
                throw StoreError(.invalid, "The file \(path) is longer than \(limit) bytes.")
            }
        }
    }

    /// Makes a file with mode 0600 that must not exist yet; on the disk before it returns.
    static func create(_ path: String, _ content: [UInt8]) throws(StoreError) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw SystemCall.failure("make", path) }
        defer { close(descriptor) }
        var written = 0
        while written < content.count {
            let count = content.withUnsafeBytes { raw in
                write(descriptor, raw.baseAddress.map { $0 + written }, raw.count - written)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                let error = SystemCall.failure("write", path)
                unlink(path)
                throw error
            }
            written += count
        }
        guard fsync(descriptor) == 0 else { throw SystemCall.failure("write", path) }
    }
}

/// The name `read` is taken inside the type above.
private func readBytes(_ descriptor: Int32, _ buffer: UnsafeMutableRawPointer, _ count: Int) -> Int {
    read(descriptor, buffer, count)
}
