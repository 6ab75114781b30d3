#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// The two clocks of the system, without Foundation.
package enum SystemTime {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    package static func unixMilliseconds() -> Int64 {
        read(CLOCK_REALTIME) / 1_000_000
    }

    /// Nanoseconds on a clock that never goes back.
    package static func monotonicNanoseconds() -> Int64 {
        read(CLOCK_MONOTONIC)
    }

    private static func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
