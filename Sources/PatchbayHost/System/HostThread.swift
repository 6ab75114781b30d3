#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// A plain thread of the host, for work that may block. Swift's cooperative threads must never wait for a plugin.
package enum HostThread {
    private final class Start: Sendable {
        let name: String
        let body: @Sendable () -> Void

        init(name: String, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }

    /// Runs `body` on a new detached thread.
    ///
    /// - Parameter name: shown by debuggers; the system keeps 15 bytes.
    /// - Returns: false if the system has no more threads.
    @discardableResult
    package static func start(name: String, _ body: @escaping @Sendable () -> Void) -> Bool {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        let start = Unmanaged.passRetained(Start(name: name, body: body)).toOpaque()
        var thread = pthread_t()
        let isStarted = pthread_create(&thread, &attributes, enter, start) == 0
        if !isStarted { Unmanaged<Start>.fromOpaque(start).release() }
        return isStarted
    }

    private static let enter: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { pointer in
        guard let pointer else { return nil }
        let start = Unmanaged<Start>.fromOpaque(pointer).takeRetainedValue()
        setName(start.name)
        start.body()
        return nil
    }

    /// The function of the C library for this is not visible to Swift.
    private static func setName(_ name: String) {
        let descriptor = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        _ = write(descriptor, name, name.utf8.count)
        close(descriptor)
    }
}
