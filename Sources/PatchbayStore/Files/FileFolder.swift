#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// The contents of files, one file of the system each, named by an id that the gateway has made. What is being written
/// has another name, so that a file is there whole or not at all.
struct FileFolder {
    private let path: String
    private static let unfinished = ".part"
    private static let pieceBytes = 1_048_576

    init(_ path: String) throws(StoreError) {
        self.path = path
        try SystemCall.makeDirectory(path)
    }

    /// The ids of all contents, and the names of what was never finished.
    func names() throws(StoreError) -> [String] { try SystemCall.names(in: path) }

    /// Writes a content; on the disk before it returns.
    func write(
        _ id: String, _ content: ((UnsafeRawBufferPointer) -> Void) -> Void
    ) throws(StoreError) {
        let part = "\(path)/\(id)\(Self.unfinished)"
        let descriptor = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw SystemCall.failure("make", part) }
        var failure: StoreError?
        content { bytes in
            do throws(StoreError) {
                try Self.write(bytes, to: descriptor, part)
            } catch {
                failure = error
            }
        }
        if failure == nil, fsync(descriptor) != 0 { failure = SystemCall.failure("write", part) }
        close(descriptor)
        if failure == nil, rename(part, "\(path)/\(id)") != 0 { failure = SystemCall.failure("rename", part) }
        if let failure {
            unlink(part)
            throw failure
        }
        try syncNames()
    }

    private static func write(
        _ bytes: UnsafeRawBufferPointer, to descriptor: Int32, _ name: String
    ) throws(StoreError) {
        var position = 0
        while position < bytes.count {
            let piece = UnsafeRawBufferPointer(rebasing: bytes[position...].prefix(pieceBytes))
            let count = writeBytes(descriptor, piece)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw SystemCall.failure("write", name) }
            position += count
        }
    }

    /// A name that was given is there after a loss of power as well.
    private func syncNames() throws(StoreError) {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw SystemCall.failure("open", path) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw SystemCall.failure("write", path) }
    }

    /// A content for reading; nil if it is not there.
    func content(_ id: String) throws(StoreError) -> FileContent? {
        let descriptor = open("\(path)/\(id)", O_RDONLY | O_CLOEXEC)
        if descriptor < 0, errno == ENOENT { return nil }
        guard descriptor >= 0 else { throw SystemCall.failure("open", "\(path)/\(id)") }
        return FileContent(descriptor: descriptor)
    }

    /// Removes a content, or the remains of one, if it is there.
    func remove(_ name: String) {
        unlink("\(path)/\(name)")
    }
}

/// A content that is open for reading. It can be read to its end even when the file is removed meanwhile.
package final class FileContent: Sendable {
    private let descriptor: Int32

    fileprivate init(descriptor: Int32) {
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    /// At most `count` bytes from an offset; fewer at the end. Blocks, so it belongs on the thread of the store.
    func read(at offset: Int, count: Int) throws(StoreError) -> [UInt8] {
        var failure: StoreError?
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            while filled < count {
                let rest = UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[filled...])
                let got = pread(descriptor, rest.baseAddress, rest.count, offset + filled)
                if got < 0, errno == EINTR { continue }
                if got < 0 { failure = SystemCall.failure("read", "a file of a client") }
                guard got > 0 else { return }
                filled += got
            }
        }
        if let failure { throw failure }
        return bytes
    }
}

/// The name `write` is taken inside the type above.
private func writeBytes(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
    write(descriptor, bytes.baseAddress, bytes.count)
}
