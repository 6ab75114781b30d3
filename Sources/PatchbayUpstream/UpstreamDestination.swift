/// The connections to one origin on one loop, and the requests that wait for them.
package final class UpstreamDestination {
    package let origin: UpstreamOrigin
    let pool: UpstreamPool
    /// The most recently used connection is the last: it is the least likely to be closed by the upstream.
    private var idle: [UpstreamConnection] = []
    /// Connections that are making their TLS handshake.
    private var handshaking: [UpstreamConnection] = []
    private var open = 0
    private(set) var dialing = 0
    /// The pool has given it up; it takes no more requests.
    var isForgotten = false
    private var waiting = ExchangeQueue()
    /// Exchanges whose used connection was closed; they take nothing but a new one.
    private var retrying = ExchangeQueue()

    init(origin: UpstreamOrigin, pool: UpstreamPool) {
        self.origin = origin
        self.pool = pool
    }

    var idleCount: Int { idle.count }
    var waitingCount: Int { waiting.count + retrying.count }
    var isUnused: Bool { open == 0 && dialing == 0 && waitingCount == 0 }

    func send(_ exchange: UpstreamExchange) {
        if let connection = takeIdle() {
            pool.noteReuse()
            connection.start(exchange)
        } else if waiting.count < pool.limits.waitingPerOrigin {
            waiting.append(exchange)
            dialIfNeeded()
        } else {
            exchange.fail(.exhausted, "Too many requests wait for a connection to \(origin).")
        }
    }

    private func takeIdle() -> UpstreamConnection? {
        while let connection = idle.popLast() {
            if connection.isUsable { return connection }
        }
        return nil
    }

    /// The exchange has not been answered and its connection is gone.
    func resend(_ exchange: UpstreamExchange) {
        pool.noteRetry()
        retrying.append(exchange)
        dialIfNeeded()
    }

    /// The exchange has ended while it waited.
    func didStopWaiting(_ exchange: UpstreamExchange) {
        if exchange.isRetry { retrying.forget(exchange) } else { waiting.forget(exchange) }
    }

    private func dialIfNeeded() {
        let limit = pool.limits.connectionsPerOrigin ?? .max
        while waitingCount > dialing, open + dialing < limit, let exchange = waiting.first ?? retrying.first {
            dialing += 1
            UpstreamDial(destination: self, timeout: exchange.timeouts.connect).start()
        }
        // A retry must not wait behind idle connections that use up the limit.
        if retrying.count > dialing, open + dialing >= limit, let oldest = idle.first { oldest.close() }
    }
}

// MARK: - Called by dials and connections

extension UpstreamDestination {
    func willHandshake(_ connection: UpstreamConnection) {
        connection.idleSince = 0
        handshaking.append(connection)
    }

    func didOpen(_ connection: UpstreamConnection) {
        handshaking.removeAll { $0 === connection }
        dialing -= 1
        open += 1
        pool.noteOpened()
        if let exchange = retrying.popFirst() ?? waiting.popFirst() {
            connection.start(exchange)
        } else {
            keep(connection)
        }
    }

    /// A dial has failed. Its error belongs to the oldest exchange that has no other dial to hope for.
    func didFailToOpen(_ error: UpstreamError) {
        handshaking.removeAll { $0.dial == nil }
        dialing -= 1
        if waitingCount > dialing, let exchange = retrying.popFirst() ?? waiting.popFirst() {
            exchange.fail(error)
        }
        dialIfNeeded()
    }

    /// A response has ended and the connection can serve another request.
    func release(_ connection: UpstreamConnection) {
        if let exchange = waiting.popFirst() {
            pool.noteReuse()
            connection.start(exchange)
        } else if retrying.count > dialing, pool.limits.connectionsPerOrigin != nil {
            // Its place is needed for a new connection.
            connection.close()
        } else {
            keep(connection)
        }
    }

    private func keep(_ connection: UpstreamConnection) {
        guard !pool.isShutDown, idle.count < pool.limits.idlePerOrigin else {
            connection.close()
            return
        }
        connection.idleSince = 0
        idle.append(connection)
    }

    func didClose(_ connection: UpstreamConnection) {
        open -= 1
        if let index = idle.firstIndex(where: { $0 === connection }) { idle.remove(at: index) }
        dialIfNeeded()
        if pool.isShutDown, isUnused { pool.forget(self) }
    }

    /// Closes connections that nobody has used for too long, and ends handshakes that take too long.
    func expire(now: Int64, age: Int64) {
        let expired = idle.filter { $0.hasAged(age, now: now) }
        let stuck = handshaking.filter { $0.hasAged($0.dial?.timeoutNanoseconds ?? 0, now: now) }
        for connection in expired + stuck { connection.close() }
    }

    func closeIdle() {
        let connections = idle
        idle.removeAll()
        for connection in connections { connection.close() }
    }
}

/// First in, first out. Ended exchanges are skipped when they come to the front.
private struct ExchangeQueue {
    private var items: [UpstreamExchange] = []
    private var head = 0
    /// Exchanges that are still waiting.
    private(set) var count = 0

    /// The oldest that is still waiting.
    var first: UpstreamExchange? {
        items[head...].first { $0.isQueued }
    }

    mutating func append(_ exchange: UpstreamExchange) {
        exchange.isQueued = true
        items.append(exchange)
        count += 1
    }

    mutating func popFirst() -> UpstreamExchange? {
        while head < items.count {
            let exchange = items[head]
            head += 1
            compact()
            guard exchange.isQueued else { continue }
            exchange.isQueued = false
            count -= 1
            return exchange
        }
        return nil
    }

    /// The exchange has ended; its place in the array is freed later.
    mutating func forget(_ exchange: UpstreamExchange) {
        exchange.isQueued = false
        count -= 1
        if items.count - head > 2 * count + 64 || count == 0 { compactAll() }
    }

    private mutating func compactAll() {
        items.removeAll { !$0.isQueued }
        head = 0
    }

    private mutating func compact() {
        guard head == items.count || head > 64 else { return }
        items.removeFirst(head)
        head = 0
    }
}
