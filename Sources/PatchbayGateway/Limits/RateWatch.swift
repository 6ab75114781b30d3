/// Whether somebody who is waited for keeps up a minimum rate. Looked at every quarter of a second; judged over whole
/// windows, so that pauses and bursts within one do not matter.
struct RateWatch {
    /// When the window began, in nanoseconds of the monotonic clock; 0 = nobody is waited for.
    private var since: Int64 = 0
    private var moved = 0

    /// Nobody is waited for now.
    mutating func rest() {
        guard since != 0 else { return }
        since = 0
        moved = 0
    }

    /// Takes note of bytes that have moved since the last look.
    ///
    /// - Parameters:
    ///   - window: Nanoseconds.
    ///   - rate: Bytes per second; 0 = any.
    /// - Returns: Whether a window has ended in which too few have moved.
    mutating func isTooSlow(moving bytes: Int, now: Int64, window: Int64, rate: Int) -> Bool {
        guard rate > 0 else { return false }
        guard since != 0 else {
            since = now
            return false
        }
        moved += bytes
        guard now - since >= window else { return false }
        let isTooSlow = Double(moved) < Double(rate) * Double(now - since) / 1e9
        since = now
        moved = 0
        return isTooSlow
    }
}
