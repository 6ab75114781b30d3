#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// A lock with one condition, for the store's own threads.
///
/// The two C objects live at a fixed address that is made in `init` and freed in `deinit`, and are themselves
/// thread-safe; that is why this may be shared.
final class Monitor: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

    init() {
        pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(condition, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    func locked<Value, Failure: Error>(_ body: () throws(Failure) -> Value) throws(Failure) -> Value {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body()
    }

    /// Only while locked. Returns at a signal, and sometimes without one.
    func wait() { pthread_cond_wait(condition, mutex) }

    /// Only while locked. Returns at a signal, at the latest when the monotonic clock shows `nanoseconds`.
    func wait(until nanoseconds: Int64) {
        var time = timespec(tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
        pthread_cond_timedwait(condition, mutex, &time)
    }

    func wakeAll() { pthread_cond_broadcast(condition) }
}
