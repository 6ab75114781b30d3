import Logging
import NIOCore
package import PatchbayCore
import PatchbayHost
import PatchbayStore
import PatchbayUpstream
import Synchronization

extension Gateway {
    /// How draining went.
    package struct DrainResult: Sendable, Hashable {
        /// Requests that were ended with an error at the deadline.
        package var cutOff = 0
        /// Connections that were closed with bytes of an answer still on their way.
        package var abandoned = 0
    }

    /// So long errors of requests that were cut off may take to reach their clients.
    private static let farewell: Int64 = 2_500_000_000

    /// Ends the gateway: readiness turns false, then no new connections are taken, requests in progress finish until
    /// the deadline, and what is left then is ended with an error in its own dialect. Once.
    package func drain(_ settings: GatewayDrain) async -> DrainResult {
        readiness.become(.draining)
        logger.notice(
            "gateway drains",
            metadata: [
                "connections": "\(connectionCount)", "delay_ms": "\(settings.delay)",
                "deadline_ms": "\(settings.deadline)",
            ])
        await onLoops { $0.announceDrain() }
        if settings.delay > 0 { try? await Task.sleep(for: .milliseconds(settings.delay)) }
        await listener.close()
        await onLoops { $0.drain() }
        await connectionsToClose(within: settings.deadline.milliseconds)
        var result = DrainResult()
        if connectionCount > 0 {
            result.cutOff = await onLoops { $0.cutOff() }.reduce(0, +)
            await connectionsToClose(within: Self.farewell)
            result.abandoned = connectionCount
        }
        await onLoops { $0.close() }
        // Its answers go to the loops.
        responses?.close()
        files?.close()
        try? await group.shutdownGracefully()
        logger.notice(
            "gateway drained", metadata: ["cut_off": "\(result.cutOff)", "abandoned": "\(result.abandoned)"])
        return result
    }

    /// Open client connections of all loops.
    package var connectionCount: Int { counters.reduce(0) { $0 + $1.connections.load(ordering: .relaxed) } }

    private func connectionsToClose(within nanoseconds: Int64) async {
        let deadline = SystemTime.monotonicNanoseconds() + nanoseconds
        while connectionCount > 0, SystemTime.monotonicNanoseconds() < deadline {
            try? await Task.sleep(for: .milliseconds(10))
        }
    }

    @discardableResult
    private func onLoops<Value: Sendable>(_ body: @escaping @Sendable (LoopContext) -> Value) async -> [Value] {
        var values: [Value] = []
        for loop in loops {
            if let value = try? await loop.eventLoop.submit({ body(loop.value) }).get() { values.append(value) }
        }
        return values
    }
}

extension LoopContext {
    /// From now on answers end their connections.
    func announceDrain() {
        isDraining = true
        for connection in connections { connection.closeAfterAnswer() }
    }

    /// Idle connections close, the others after their answer.
    func drain() {
        announceDrain()
        let until = now + ClientConnection.lastRequestTime
        for connection in connections { connection.drain(until: until) }
    }

    /// Ends what is in progress with an error, and returns how many requests that were.
    func cutOff() -> Int {
        var count = 0
        // A connection that closes takes itself out of the list.
        for connection in Array(connections) where connection.cutOff() { count += 1 }
        return count
    }

    /// Closes every connection at once and the ledger after them.
    func close() {
        for connection in Array(connections) { connection.context?.close(promise: nil) }
        pool.shutdown()
        ledger.close()
    }
}

extension ClientConnection {
    /// So long an idle connection is kept for a request that may be on its way while the gateway begins to drain.
    static let lastRequestTime = 500.milliseconds

    /// Lets an idle connection go soon; one that is at work goes after its answer.
    func drain(until time: Int64) {
        guard isIdle else { return }
        closeIdle(at: time)
    }

    /// Ends the request in progress with an error; true if there was one.
    func cutOff() -> Bool {
        let error = GatewayError(
            .shuttingDown, "the gateway is shutting down and the time for requests in progress is over", status: 503,
            retryAfter: 1)
        switch phase {
        case .answering: return exchange.cutOff(error)
        case .body, .chunkedBody:
            exchange.abandon()
            refuse(error)
            return true
        case .head, .discarding:
            context?.close(promise: nil)
            return false
        case .lingering, .closed: return false
        }
    }
}

extension Exchange {
    /// Ends the request with an error of the gateway, whatever stage it is in. Nobody is penalised for it.
    ///
    /// - Returns: false if the answer is complete and only its last bytes are on their way.
    func cutOff(_ error: GatewayError) -> Bool {
        if state == .looking {
            answerLocally(error, beforeBody: false)
            return true
        }
        guard state == .waiting || (state == .streaming && attempt.endedAt == nil) else { return false }
        dropUpstream()
        usage.merge(attempt.tap.usage)
        finishAttempt(fault: .client, reason: error.sentence)
        if state == .waiting, continuation == nil {
            settle(outcome: .failed, status: error.status, errorCode: error.code.rawValue)
            answerLocally(error, beforeBody: false)
        } else {
            let status = continuation == nil ? attempt.status : 200
            settle(outcome: .truncated, status: status, errorCode: error.code.rawValue)
            breakStream(error)
        }
        return true
    }
}
