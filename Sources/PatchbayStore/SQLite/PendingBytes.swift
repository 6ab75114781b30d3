/// Bytes on their way to the thread of a store. The lock of `monitor` guards `count` and `isClosed`.
final class PendingBytes: @unchecked Sendable {
    private let monitor = Monitor()
    private var count = 0
    private var isClosed = false

    /// False if somebody has closed it before.
    func close() -> Bool {
        monitor.locked {
            defer { isClosed = true }
            return !isClosed
        }
    }

    /// False, with nothing added, if they would be more than `limit`.
    func add(_ size: Int, limit: Int) -> Bool {
        monitor.locked {
            guard count + size <= limit else { return false }
            count += size
            return true
        }
    }

    func remove(_ size: Int) {
        monitor.locked { count -= size }
    }
}
