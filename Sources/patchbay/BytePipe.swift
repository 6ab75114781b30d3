#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// A pipe that wakes a thread or carries single bytes to it. Never closed: it lives as long as the process.
struct BytePipe: Sendable {
    let reading: Int32
    let writing: Int32

    /// - Parameter blocking: reading waits for a byte.
    init(blocking: Bool) {
        var ends: [Int32] = [-1, -1]
        pipe(&ends)
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            if !blocking { _ = fcntl(end, F_SETFL, O_NONBLOCK) }
        }
        (reading, writing) = (ends[0], ends[1])
    }

    func send(_ byte: UInt8) {
        var byte = byte
        _ = write(writing, &byte, 1)
    }
}
