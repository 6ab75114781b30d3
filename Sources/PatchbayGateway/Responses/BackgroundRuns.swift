import NIOCore
import PatchbayCore
import Synchronization

/// The responses that are being made in the background, on whatever loop. Touched only by requests that begin, cancel
/// or delete one, and at its end.
final class BackgroundRuns: Sendable {
    /// Where a run is at work.
    struct Place: Sendable {
        let eventLoop: any EventLoop
        /// To be opened on `eventLoop`.
        let connection: NIOLoopBound<ClientConnection>
        /// What clients may follow, to be opened there too; nil if the response is not streamed.
        var events: NIOLoopBound<RunEvents>?
    }

    /// More than this are not at work at once, because nobody waits for them who could give up.
    static let most = 1_024
    /// Of the events of all of them.
    let eventBudget = EventBudget()

    private let places = Mutex<[String: Place]>([:])

    /// False if there are too many.
    func add(_ id: String, owner: String, _ place: Place) -> Bool {
        places.withLock { places in
            guard places.count < Self.most else { return false }
            places[Self.name(id, owner)] = place
            return true
        }
    }

    func remove(_ id: String, owner: String) {
        places.withLock { _ = $0.removeValue(forKey: Self.name(id, owner)) }
    }

    /// Where the response is being made; nil if it is not.
    func find(_ id: String, owner: String) -> Place? {
        places.withLock { $0[Self.name(id, owner)] }
    }

    private static func name(_ id: String, _ owner: String) -> String { "\(owner)\n\(id)" }
}
