import NIOCore
import PatchbayCore

/// What an exchange holds and waits for because of limits.
struct GovernedState {
    /// Of the route, then of the candidate that is asked.
    var policy = RequestPolicy()
    /// In the routing table.
    var route: Int32 = 0
    /// Tokens taken from the key's bucket in advance; nil = the request holds nothing of its key's limits.
    var reserved: TokenReservation?
    /// Gateways that the request has come through before this one.
    var hops = 0
    /// Of the plan; the one that is asked or waited for.
    var candidate: Int32 = -1
    /// The attempt in progress has places at the gates of its channel.
    var holdsPlaces = false
    var routeGate: ConcurrencyGate?
    var waiting: Waiting?
    var chances: [SecondChance] = []
    /// How often a party that had failed was asked again.
    var retries = 0

    /// Why nothing is under way although the request is not finished.
    struct Waiting {
        enum Reason {
            /// For the next try of a party that has failed.
            case backoff
            /// For the end of the rest of every channel.
            case rest
            /// In the line at a gate.
            case turn(ConcurrencyGate, ConcurrencyGate.Ticket, isRoute: Bool)
        }

        var reason: Reason
        var since: Int64
        var timer: Scheduled<Void>
    }

    /// A party that has failed in a way that passes.
    struct SecondChance {
        var candidate: Int32
        /// The upstream asked not to come earlier; monotonic nanoseconds.
        var notBefore: Int64
    }
}

/// What the next step of a request is.
enum Turn {
    /// Send an attempt to this candidate, whose places are held.
    case ask(CandidateSlot)
    /// The request goes on by itself when its time has come.
    case waiting
    /// Nobody is left to be asked.
    case exhausted
}
