#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// A value behind a pthread mutex. The mutex of the standard library would do, were its waiting not invisible to the
/// thread sanitizer, which then reports races that are none.
final class Locked<Value>: @unchecked Sendable {
    // `value` is guarded by `mutex`, whose record is only passed to pthread functions.
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private var value: Value

    init(_ value: sending Value) {
        self.value = value
        pthread_mutex_init(mutex, nil)
    }

    deinit {
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    func withLock<Result, Failure: Error>(
        _ body: (inout Value) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body(&value)
    }
}
