import PatchbayCore
import Synchronization

/// A bucket that holds a minute's worth of something and refills evenly: the generic cell rate algorithm, which needs
/// one number, the moment at which the bucket will be full again.
///
/// Any thread may take from it; there is no lock. The limit is not part of it, so that a limit may change while what
/// has been taken is remembered.
struct RateBucket: ~Copyable, Sendable {
    /// When it will be full again, in monotonic nanoseconds.
    private let fullAt = Atomic<Int64>(0)

    /// What the bucket holds, in nanoseconds of refilling.
    static let window: Int64 = 60_000_000_000
    /// Nobody pays longer than this for what turned out to be more than expected.
    static let longestDebt: Int64 = 600_000_000_000
    private static let mostUnits = 100_000_000

    /// How long so many units take to flow back.
    static func cost(of units: Int, limit: Int) -> Int64 {
        Int64(min(max(units, 0), mostUnits)) * window / Int64(max(limit, 1))
    }

    /// Takes units if they are there; zero if so, else the nanoseconds until they will be. More units than the bucket
    /// holds are taken from a full one.
    func take(_ units: Int, of limit: Int, now: Int64) -> Int64 {
        let cost = RateBucket.cost(of: min(units, limit), limit: limit)
        var seen = fullAt.load(ordering: .relaxed)
        while true {
            let next = max(seen, now) &+ cost
            let wait = next &- now &- RateBucket.window
            if wait > 0 { return wait }
            let (isTaken, current) = fullAt.weakCompareExchange(expected: seen, desired: next, ordering: .relaxed)
            if isTaken { return 0 }
            seen = current
        }
    }

    /// Takes more than was expected, or gives back what was not used. What flows into a full bucket is lost.
    func correct(by units: Int, of limit: Int, now: Int64) {
        guard units != 0 else { return }
        let cost = RateBucket.cost(of: units.magnitude > Int.max ? Int.max : Int(units.magnitude), limit: limit)
        var seen = fullAt.load(ordering: .relaxed)
        while true {
            let next = units < 0 ? seen &- cost : min(max(seen, now) &+ cost, now &+ RateBucket.longestDebt)
            let (isDone, current) = fullAt.weakCompareExchange(expected: seen, desired: next, ordering: .relaxed)
            if isDone { return }
            seen = current
        }
    }

    /// The limit has changed: what has been taken stays the same number of units.
    func rescale(from old: Int, to new: Int, now: Int64) {
        var seen = fullAt.load(ordering: .relaxed)
        while seen > now {
            let missing = Double(seen &- now) * Double(old) / Double(max(new, 1))
            let next = now &+ Int64(min(missing, Double(RateBucket.longestDebt)))
            let (isDone, current) = fullAt.weakCompareExchange(expected: seen, desired: next, ordering: .relaxed)
            if isDone { return }
            seen = current
        }
    }

    /// Units that could be taken now.
    func remaining(of limit: Int, now: Int64) -> Int {
        let free = RateBucket.window - untilFull(now: now)
        guard free > 0 else { return 0 }
        return Int((Double(free) * Double(limit) / Double(RateBucket.window) + 1e-6).rounded(.down))
    }

    /// Nanoseconds until the bucket will be full.
    func untilFull(now: Int64) -> Int64 {
        max(0, fullAt.load(ordering: .relaxed) &- now)
    }

    /// Nanoseconds until so many units could be taken; zero = now.
    func wait(for units: Int, of limit: Int, now: Int64) -> Int64 {
        max(0, untilFull(now: now) &+ RateBucket.cost(of: min(units, limit), limit: limit) &- RateBucket.window)
    }
}

/// What has been used of the limits of one key or group. One for the process, shared by all loops, and kept when the
/// configuration changes.
final class LimitCell: Sendable {
    let requests = RateBucket()
    let tokens = RateBucket()
    /// Requests under way.
    let inFlight = Atomic<Int>(0)
    /// The limits that were in force last; 0 = none.
    private let requestLimit = Atomic<Int>(0)
    private let tokenLimit = Atomic<Int>(0)

    /// Other limits are in force from now on.
    func adopt(_ limits: KeyLimits, now: Int64) {
        let requestsBefore = requestLimit.exchange(limits.requestsPerMinute ?? 0, ordering: .relaxed)
        if let limit = limits.requestsPerMinute, requestsBefore > 0, requestsBefore != limit {
            requests.rescale(from: requestsBefore, to: limit, now: now)
        }
        let tokensBefore = tokenLimit.exchange(limits.tokensPerMinute ?? 0, ordering: .relaxed)
        if let limit = limits.tokensPerMinute, tokensBefore > 0, tokensBefore != limit {
            tokens.rescale(from: tokensBefore, to: limit, now: now)
        }
    }
    /// Keeps the cells of different keys, which different loops write, on different cache lines.
    private let padding: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
}
