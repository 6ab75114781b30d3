package import NIOCore

/// The connections of one event loop to all upstreams. Everything happens on that loop: no lock, no thread hop. Call
/// ``shutdown()`` before dropping it.
package final class UpstreamPool {
    package let eventLoop: any EventLoop
    package let resolver: UpstreamResolver
    let tls: UpstreamTLS?
    private(set) var limits: UpstreamPoolLimits
    /// Bounds of origins that have their own.
    private var originLimits: [UpstreamOrigin: UpstreamPoolLimits] = [:]
    /// The time of the last tick.
    private(set) var clock: Int64 = 0
    private(set) var isShutDown = false
    private var destinations: [UpstreamOrigin: UpstreamDestination] = [:]
    private var exchanges: ContiguousArray<UpstreamExchange> = []
    private var counters = UpstreamStatistics()
    /// The memory of a request that has left, for the next one.
    private var spareBuffer: ByteBuffer?

    /// - Parameters:
    ///   - resolver: the one of the same loop.
    ///   - tls: shared by all loops; nil refuses `https` origins.
    package init(
        eventLoop: any EventLoop, resolver: UpstreamResolver, tls: UpstreamTLS?,
        limits: UpstreamPoolLimits = UpstreamPoolLimits()
    ) {
        self.eventLoop = eventLoop
        self.resolver = resolver
        self.tls = tls
        self.limits = limits
    }

    /// Sends one request on a pooled or new connection.
    ///
    /// - Parameters:
    ///   - destination: from ``destination(for:)`` of this pool; may be kept for later requests.
    ///   - receiver: held until the exchange ends.
    package func send(
        _ request: consuming UpstreamRequest, to destination: UpstreamDestination, timeouts: UpstreamTimeouts,
        receiver: any UpstreamResponseReceiver
    ) -> UpstreamExchange {
        // One that was given up for lack of use has a successor if its origin has been used again.
        let destination = destination.isForgotten ? self.destination(for: destination.origin) : destination
        let exchange = UpstreamExchange(
            destination: destination, request: request, timeouts: timeouts, receiver: receiver)
        exchange.slot = exchanges.count
        exchanges.append(exchange)
        destination.send(exchange)
        if exchange.stage != .finished { exchange.isLaunching = false }
        return exchange
    }

    /// The connections to an origin.
    package func destination(for origin: UpstreamOrigin) -> UpstreamDestination {
        if let destination = destinations[origin] { return destination }
        let destination = UpstreamDestination(origin: origin, pool: self, limits: originLimits[origin] ?? limits)
        destinations[origin] = destination
        return destination
    }

    /// Enforces deadlines and the age of unused connections. Call it every 250 ms or so.
    ///
    /// A phase's clock starts at the first tick after the phase has begun; so a timeout comes up to two ticks late and
    /// never early.
    /// - Parameter now: nanoseconds on a clock that never goes back; greater than zero.
    package func tick(now: Int64) {
        clock = now
        var overdue: [UpstreamExchange] = []
        for exchange in exchanges where exchange.isOverdue(now: now) { overdue.append(exchange) }
        for exchange in overdue { exchange.failOverdue() }
        for destination in destinations.values {
            destination.expire(now: now)
            if destination.isUnused { forget(destination) }
        }
    }

    /// Replaces the bounds; connections beyond new ones are closed when they are no longer used.
    ///
    /// - Parameter origins: those that have bounds of their own.
    package func setLimits(_ limits: UpstreamPoolLimits, origins: [UpstreamOrigin: UpstreamPoolLimits]) {
        self.limits = limits
        originLimits = origins
        for (origin, destination) in destinations { destination.limits = origins[origin] ?? limits }
    }

    /// Closes the connections that no exchange uses, so that a changed egress policy or certificate takes effect.
    package func closeIdleConnections() {
        for destination in destinations.values { destination.closeIdle() }
    }

    /// Closes unused connections now and the others when their exchange ends. Exchanges go on.
    package func shutdown() {
        isShutDown = true
        closeIdleConnections()
        for destination in destinations.values where destination.isUnused { forget(destination) }
    }

    package var statistics: UpstreamStatistics {
        var statistics = counters
        statistics.active = exchanges.count
        for destination in destinations.values {
            statistics.waiting += destination.waitingCount
            statistics.idle += destination.idleCount
            statistics.dialing += destination.dialing
        }
        return statistics
    }
}

// MARK: - Called by exchanges and destinations

extension UpstreamPool {
    /// An empty buffer of at least so many bytes that a request has left behind, if there is one.
    package func takeSpareBuffer(capacity: Int) -> ByteBuffer? {
        guard let spare = spareBuffer, spare.storageCapacity >= capacity else { return nil }
        return spareBuffer.take()
    }

    /// Keeps the memory of a request that will not be sent again.
    func keep(_ buffer: consuming ByteBuffer) {
        guard spareBuffer == nil, buffer.storageCapacity <= 32_768 else { return }
        // Whoever still writes from the memory keeps it; the spare buffer is another one then.
        buffer.clear()
        spareBuffer = buffer
    }

    func remove(_ exchange: UpstreamExchange) {
        let last = exchanges.removeLast()
        guard last !== exchange else { return }
        exchanges[exchange.slot] = last
        last.slot = exchange.slot
    }

    func forget(_ destination: UpstreamDestination) {
        destination.isForgotten = true
        if destinations[destination.origin] === destination { destinations[destination.origin] = nil }
    }

    func noteOpened() { counters.opened += 1 }
    func noteReuse() { counters.reused += 1 }
    func noteRetry() { counters.retried += 1 }
    func noteFailure() { counters.failed += 1 }
}
