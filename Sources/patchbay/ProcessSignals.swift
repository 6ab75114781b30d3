import PatchbayHost
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// What the process is asked from outside.
enum ProcessRequest: Sendable, Hashable {
    /// SIGHUP: read the configuration file again.
    case reload
    /// SIGTERM or SIGINT for the first time.
    case end
}

/// Signals of the process as a stream. A second SIGTERM or SIGINT ends the process at once, whatever it is doing.
///
/// The handler only writes a byte to a pipe: nothing else is safe there. A thread reads the other end.
enum ProcessSignals {
    /// Once, before anything that takes long: until then a SIGHUP ends the process.
    static func requests() -> AsyncStream<ProcessRequest> {
        let (stream, continuation) = AsyncStream<ProcessRequest>.makeStream()
        let pipe = BytePipe(blocking: true)
        SignalState.writing.store(pipe.writing, ordering: .relaxed)
        SignalState.endings.store(0, ordering: .relaxed)
        HostThread.start(name: "pb-signals") {
            while let number = next(pipe.reading) { continuation.yield(number == UInt8(SIGHUP) ? .reload : .end) }
        }
        for number in [SIGHUP, SIGTERM, SIGINT] { install(number) }
        return stream
    }

    private static func next(_ descriptor: Int32) -> UInt8? {
        var byte: UInt8 = 0
        while true {
            let count = read(descriptor, &byte, 1)
            if count == 1 { return byte }
            guard count < 0, errno == EINTR else { return nil }
        }
    }

    private static func install(_ number: Int32) {
        var action = sigaction()
        action.__sigaction_handler.sa_handler = { SignalState.received($0) }
        action.sa_flags = SA_RESTART
        sigfillset(&action.sa_mask)
        sigaction(number, &action, nil)
    }
}

/// What the signal handler works on. Touched once before a handler is installed, so that nothing is made inside one.
private enum SignalState {
    static let writing = Atomic<Int32>(-1)
    static let endings = Atomic<Int>(0)

    static func received(_ number: Int32) {
        if number != SIGHUP, endings.add(1, ordering: .relaxed).oldValue > 0 { _exit(128 + number) }
        let saved = errno
        var byte = UInt8(truncatingIfNeeded: number)
        _ = write(writing.load(ordering: .relaxed), &byte, 1)
        errno = saved
    }
}
