#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// Whole files up to a bound.
enum TextFile {
    struct Failure: Error {
        /// Continues "The file ...".
        var rule: String
    }

    static func read(_ path: String, limit: Int) -> Result<[UInt8], Failure> {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return .failure(Failure(rule: Self.reason(errno))) }
        defer { close(descriptor) }
        var content: [UInt8] = []
        var status = stat()
        if fstat(descriptor, &status) == 0, (0...limit).contains(Int(status.st_size)) {
            content.reserveCapacity(Int(status.st_size))
        }
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = fill(&chunk, descriptor)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { return .failure(Failure(rule: Self.reason(errno))) }
            if count == 0 { return .success(content) }
            content += chunk[..<count]
            guard content.count <= limit else { return .failure(Failure(rule: "is longer than \(limit) bytes")) }
        }
    }

    private static func reason(_ number: Int32) -> String {
        switch number {
        case ENOENT: "does not exist"
        case EACCES, EPERM: "must be readable; permission was denied"
        case EISDIR: "is a directory"
        default: "cannot be read (error \(number) of the operating system)"
        }
    }
}

/// The name `read` is taken inside the type above.
private func fill(_ buffer: inout [UInt8], _ descriptor: Int32) -> Int { read(descriptor, &buffer, buffer.count) }
