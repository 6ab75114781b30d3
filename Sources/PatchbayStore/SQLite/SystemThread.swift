#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// A thread of the operating system, joined when it is no longer wanted.
struct SystemThread: Sendable {
    private let identifier: pthread_t

    /// Starts the body on a new thread. The name shows in system tools; at most 15 bytes of it.
    init(named name: String, _ body: @escaping @Sendable () -> Void) throws(StoreError) {
        let start = Unmanaged.passRetained(
            Start {
                Self.nameCurrentThread(name)
                body()
            })
        var identifier = pthread_t()
        let status = pthread_create(
            &identifier, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<Start>.fromOpaque(argument).takeRetainedValue().body()
                return nil
            }, start.toOpaque())
        guard status == 0 else {
            start.release()
            throw SystemCall.error(status, "start the thread", name)
        }
        self.identifier = identifier
    }

    /// Waits for the end of the body. Once, and not from the thread itself.
    func join() { pthread_join(identifier, nil) }

    /// A name is a convenience: that it cannot be set is no error.
    private static func nameCurrentThread(_ name: String) {
        let descriptor = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        _ = write(descriptor, name, min(name.utf8.count, 15))
        close(descriptor)
    }

    private final class Start: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
}
