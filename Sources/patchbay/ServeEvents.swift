/// How `serve` ended.
enum ServeOutcome: Sendable, Hashable {
    /// Every request was finished.
    case finished
    /// So many requests were ended with an error because the time to drain was over.
    case cutOff(Int)
}

/// What happens to a running server from outside, one after the other.
final class ServeEvents: Sendable {
    enum Event: Sendable, Hashable {
        case reload(ControlPlane.ReloadCause)
        case end
        /// The admin API has stopped listening, with the reason if it is a failure.
        case adminEnded(String?)
    }

    let stream: AsyncStream<Event>
    private let continuation: AsyncStream<Event>.Continuation

    init(_ requests: AsyncStream<ProcessRequest>) {
        let (stream, continuation) = AsyncStream<Event>.makeStream()
        self.stream = stream
        self.continuation = continuation
        Task {
            for await request in requests { continuation.yield(request == .end ? .end : .reload(.signal)) }
        }
    }

    func fileChanged() { continuation.yield(.reload(.fileChange)) }
    func ended(_ reason: String?) { continuation.yield(.adminEnded(reason)) }
}
