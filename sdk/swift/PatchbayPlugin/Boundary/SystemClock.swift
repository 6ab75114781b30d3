#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The system's clocks, for hosts that offer none.
enum SystemClock {
    /// Nanoseconds since 1970-01-01T00:00:00Z.
    static var wallNanoseconds: UInt64 { read(CLOCK_REALTIME) }
    /// Nanoseconds since an unspecified origin.
    static var monotonicNanoseconds: UInt64 { read(CLOCK_MONOTONIC) }

    private static func read(_ clock: clockid_t) -> UInt64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
