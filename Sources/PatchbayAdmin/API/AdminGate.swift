import Synchronization

/// Who may use the admin API: whoever carries the token. Wrong guesses are throttled per address.
///
/// An address may guess wrong ``burst`` times, and once more every ``pause``. Beyond that its requests are refused
/// without a look at the token: a throttle that lets the right one through would tell it apart.
final class AdminGate: Sendable {
    enum Judgement: Sendable, Hashable {
        case admitted
        case refused
        /// `isNew`: the address was not throttled at its last request.
        case throttled(seconds: Int, isNew: Bool)
    }

    static let burst = 10
    /// Nanoseconds in which one wrong guess is forgiven.
    static let pause: Int64 = 2_000_000_000
    /// Addresses that are remembered. The one whose guesses are forgiven soonest makes room for another.
    static let capacity = 1_024

    private struct Guesses {
        /// When all wrong guesses are forgiven.
        var forgivenAt: Int64
        var isThrottled = false
    }

    private struct State {
        var token: BearerToken
        var guesses: [String: Guesses] = [:]
    }

    private let state: Mutex<State>

    init(_ token: BearerToken) {
        state = Mutex(State(token: token))
    }

    func setToken(_ token: BearerToken) { state.withLock { $0.token = token } }

    /// - Parameters:
    ///   - peer: address without port; empty = unknown, which is not throttled.
    ///   - now: nanoseconds of the monotonic clock.
    func judge(_ authorization: String?, peer: String, now: Int64) -> Judgement {
        let peer = Self.network(of: peer)
        let (token, throttled) = state.withLock { ($0.token, Self.throttle(&$0, peer, now)) }
        if let throttled { return throttled }
        if token.isCarried(by: authorization) { return .admitted }
        // Who sends nothing does not guess.
        if authorization != nil, !peer.isEmpty { state.withLock { Self.note(&$0, peer, now) } }
        return .refused
    }

    private static func throttle(_ state: inout State, _ peer: String, _ now: Int64) -> Judgement? {
        guard let guesses = state.guesses[peer] else { return nil }
        let excess = guesses.forgivenAt - now - Int64(burst - 1) * pause
        guard excess > 0 else {
            state.guesses[peer]?.isThrottled = false
            return nil
        }
        state.guesses[peer]?.isThrottled = true
        return .throttled(seconds: Int((excess + 999_999_999) / 1_000_000_000), isNew: !guesses.isThrottled)
    }

    private static func note(_ state: inout State, _ peer: String, _ now: Int64) {
        if state.guesses[peer] == nil, state.guesses.count >= capacity {
            state.guesses = state.guesses.filter { $0.value.forgivenAt > now }
            if state.guesses.count >= capacity, let oldest = state.guesses.min(by: { soonest($0, $1) }) {
                state.guesses[oldest.key] = nil
            }
        }
        let from = max(state.guesses[peer]?.forgivenAt ?? 0, now)
        state.guesses[peer, default: Guesses(forgivenAt: 0)].forgivenAt = from + pause
    }

    private static func soonest(
        _ left: (key: String, value: Guesses), _ right: (key: String, value: Guesses)
    ) -> Bool { left.value.forgivenAt < right.value.forgivenAt }

    /// Who has one IPv6 address has its whole /64.
    static func network(of peer: String) -> String {
        guard peer.contains(":"), !peer.contains(".") else { return peer }
        let groups = peer.split(separator: ":", omittingEmptySubsequences: false)
        // The zeros that `::` stands for may be among the first four groups; then the rest is zero as well.
        let gap = groups.dropFirst().firstIndex(of: "") ?? groups.count
        return groups[..<min(4, gap)].joined(separator: ":")
    }
}
