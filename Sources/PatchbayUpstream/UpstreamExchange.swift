import NIOCore

/// One request and its response. For the event loop only; the pool keeps it alive until it ends.
package final class UpstreamExchange {
    enum Stage {
        /// Not sent: waits for a connection.
        case waiting
        /// Sent: waits for the response head.
        case sent
        /// The body is arriving.
        case body
        case finished
    }

    let timeouts: UpstreamTimeouts
    /// Kept until the first byte of the response, for sending it again.
    private(set) var request: UpstreamRequest
    private(set) var stage = Stage.waiting
    /// The response may only come from a connection that has served nothing before.
    private(set) var isRetry = false
    /// The call to `send` that made it has not returned: no callback may be made.
    var isLaunching = true
    /// It is in a queue of its destination.
    var isQueued = false
    /// Position in the pool's list of exchanges.
    var slot = 0
    private(set) var isPaused = false
    private let destination: UpstreamDestination
    private var receiver: (any UpstreamResponseReceiver)?
    private var connection: UpstreamConnection?
    /// On the clock of the ticks; 0 = not known before the next tick.
    private var deadline: Int64 = 0
    private var ticksSinceSent = 0
    /// What of the request had not left at the last tick; 0 = nothing, or not known.
    private var queuedBefore = 0
    private var receivedBytes = false

    /// A used connection that closes later than so many ticks after the request left has not merely been stale: the
    /// upstream may have acted on the request, so it is not sent again.
    private static let staleTicks = 8

    init(
        destination: UpstreamDestination, request: consuming UpstreamRequest, timeouts: UpstreamTimeouts,
        receiver: any UpstreamResponseReceiver
    ) {
        self.destination = destination
        self.request = request
        self.timeouts = timeouts
        self.receiver = receiver
    }

    /// Ends the exchange without another callback. Its connection is closed unless the response was complete.
    package func cancel() {
        receiver = nil
        guard let connection = leave() else { return }
        connection.abandon()
    }

    /// Stops reading from the socket; what has been read already is still delivered. No timeout runs meanwhile.
    package func pauseReading() {
        isPaused = true
    }

    /// Reads on after ``pauseReading()``.
    package func resumeReading() {
        guard isPaused else { return }
        isPaused = false
        connection?.readIfWanted()
    }
}

// MARK: - Progress, called by the connection and the destination

extension UpstreamExchange {
    func didSend(on connection: UpstreamConnection) {
        self.connection = connection
        stage = .sent
        deadline = 0
        ticksSinceSent = 0
        queuedBefore = 0
    }

    /// The first byte of the response: from now on the request cannot be repeated.
    func didReceiveBytes() {
        guard !receivedBytes else { return }
        receivedBytes = true
        if let spare = request.forget() { destination.pool.keep(spare) }
    }

    /// Calls the receiver; nil after the end.
    func withReceiver(_ body: (any UpstreamResponseReceiver) -> Void) {
        if let receiver { body(receiver) }
    }

    func didReceiveHead() {
        stage = .body
        deadline = 0
    }

    func didReceiveBody() {
        deadline = 0
    }

    /// Whether the request may be sent again on another connection, and if so, marks it as sent again.
    func takeRetry() -> Bool {
        guard !isRetry, !receivedBytes, ticksSinceSent <= Self.staleTicks else { return false }
        isRetry = true
        connection = nil
        stage = .waiting
        deadline = 0
        return true
    }

    func complete() {
        _ = leave()
        deliver(.success(()))
    }

    func fail(_ code: UpstreamError.Code, _ sentence: String) {
        fail(UpstreamError(code, sentence))
    }

    func fail(_ error: UpstreamError) {
        guard stage != .finished else { return }
        let connection = leave()
        destination.pool.noteFailure()
        var error = error
        error.receivedBytes = receivedBytes
        connection?.abandon()
        deliver(.failure(error))
    }

    /// Takes the exchange out of all lists, once.
    private func leave() -> UpstreamConnection? {
        guard stage != .finished else { return nil }
        if isQueued { destination.didStopWaiting(self) }
        stage = .finished
        destination.pool.remove(self)
        let connection = connection
        self.connection = nil
        _ = request.forget()
        return connection
    }

    private func deliver(_ outcome: Result<Void, UpstreamError>) {
        guard let receiver else { return }
        guard !isLaunching else {
            destination.pool.eventLoop.assumeIsolated().execute { [self] in
                isLaunching = false
                deliver(outcome)
            }
            return
        }
        self.receiver = nil
        switch outcome {
        case .success: receiver.upstreamDidEnd()
        case .failure(let error): receiver.upstreamDidFail(error)
        }
    }
}

// MARK: - Time

extension UpstreamExchange {
    /// Starts the clock of a phase that began after the previous tick; true if the phase's time is over.
    func isOverdue(now: Int64) -> Bool {
        if stage == .sent { ticksSinceSent += 1 }
        if isPaused {
            deadline = 0
            return false
        }
        noteWriting(now: now)
        if deadline == 0 {
            deadline = now + Int64(allowance) * 1_000_000
            return false
        }
        return now >= deadline
    }

    /// The clock of the first byte starts when all of the request has left; until then every progress counts.
    private func noteWriting(now: Int64) {
        guard stage == .sent else { return }
        let queued = connection?.queuedBytes ?? 0
        guard queued != queuedBefore else { return }
        queuedBefore = queued
        deadline = 0
    }

    private var allowance: Int {
        switch stage {
        case .waiting: timeouts.connect
        case .sent where queuedBefore > 0: timeouts.write
        case .sent: timeouts.firstByte
        case .body, .finished: timeouts.idle
        }
    }

    func failOverdue() {
        let name = destination.origin.description
        switch stage {
        case .waiting:
            fail(.timeoutConnect, "No connection to \(name) within \(timeouts.connect) ms.")
        case .sent where queuedBefore > 0:
            fail(.timeoutWrite, "\(name) took nothing of the request for \(timeouts.write) ms.")
        case .sent:
            fail(.timeoutFirstByte, "\(name) sent no response within \(timeouts.firstByte) ms.")
        case .body:
            fail(.timeoutIdle, "\(name) sent nothing for \(timeouts.idle) ms in the middle of a response.")
        case .finished: break
        }
    }
}
