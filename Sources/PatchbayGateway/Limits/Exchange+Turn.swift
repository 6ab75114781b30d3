import NIOCore
import PatchbayCore
import PatchbayRouting
import PatchbayTelemetry

/// Whose turn it is: the next candidate of the plan that has a place for the request, or a place in a line.
extension Exchange {
    /// The next step. Places at the gates of a candidate to be asked are held.
    func nextTurn() -> Turn {
        // Counting has no record whose end would give the place back, and takes no time.
        if snapshot.hasGates, governed.routeGate == nil, endpoint != .countTokens,
            let gate = snapshot.routeGates[Int(governed.route)]
        {
            switch takePlace(at: gate, isRoute: true) {
            case .entered: governed.routeGate = gate
            case .waiting: return .waiting
            case .refused: return .exhausted
            }
        }
        while planPosition < plan.count, attempts.count < governed.policy.retry.maxAttempts {
            governed.candidate = plan[planPosition]
            var slot = loop.slot(governed.candidate, of: snapshot, route: routeName)
            governed.policy = slot.policy
            if let error = misfit() {
                lastError = error
                planPosition += 1
                continue
            }
            switch snapshot.hasGates ? takePlaces(at: &slot) : .entered {
            case .entered:
                planPosition += 1
                if !attempts.isEmpty { loop.metrics.limits.retried(site: slot.upstream.site.name) }
                return .ask(slot)
            case .waiting: return .waiting
            case .refused: planPosition += 1
            }
        }
        return awaitSecondChance() ? .waiting : .exhausted
    }

    /// The next candidate of the plan that can be asked without waiting; its places are held.
    func uncrowdedTurn() -> CandidateSlot? {
        guard let slot = takeUncrowded(from: planPosition) else { return nil }
        planPosition += 1
        return slot
    }

    private enum Place {
        case entered
        case waiting
        case refused
    }

    private func upstream(of candidate: Int32) -> ChannelUpstream {
        snapshot.upstreams[Int(snapshot.table.candidates[Int(candidate)].channel)]
    }

    // MARK: - Places

    /// Takes the places of the candidate whose turn it is. When it is crowded, another one of the same priority that
    /// is not comes first; only when all are crowded, the request stands in line.
    ///
    /// - Parameter slot: The candidate whose turn it is; afterwards the one whose places are held.
    private func takePlaces(at slot: inout CandidateSlot) -> Place {
        let gates = slot.upstream.gates
        guard !governed.holdsPlaces, let crowded = enter(gates) else {
            governed.holdsPlaces = !gates.isEmpty
            return .entered
        }
        let priority = snapshot.table.candidates[Int(governed.candidate)].priority
        if let other = takeUncrowded(from: planPosition + 1, of: priority) {
            slot = other
            return .entered
        }
        governed.candidate = plan[planPosition]
        governed.policy = slot.policy
        return takePlace(at: crowded, isRoute: false)
    }

    /// Takes a place at every gate but the one where it is held already; on failure none is held.
    ///
    /// - Returns: The gate that is crowded; nil = all have been entered.
    private func enter(_ gates: [ConcurrencyGate], holding: ConcurrencyGate? = nil) -> ConcurrencyGate? {
        for (index, gate) in gates.enumerated() where gate !== holding && !gate.enter() {
            for entered in gates[..<index] where entered !== holding { entered.leave() }
            holding?.leave()
            return gate
        }
        return nil
    }

    /// Takes the places of the first candidate, from a position of the plan on, that takes the request and is not
    /// crowded, and gives it its turn.
    ///
    /// - Parameter priority: Candidates of another one are not looked at; nil = all are.
    private func takeUncrowded(from start: Int, of priority: Int32? = nil) -> CandidateSlot? {
        for position in plan.indices.dropFirst(start) {
            let candidate = plan[position]
            if let priority, snapshot.table.candidates[Int(candidate)].priority != priority { break }
            governed.candidate = candidate
            let slot = loop.slot(candidate, of: snapshot, route: routeName)
            governed.policy = slot.policy
            let gates = slot.upstream.gates
            guard misfit() == nil, enter(gates) == nil else { continue }
            governed.holdsPlaces = !gates.isEmpty
            plan.swapAt(planPosition, position)
            return slot
        }
        return nil
    }

    /// The attempt has ended or was never made.
    func leavePlaces() {
        guard governed.holdsPlaces else { return }
        governed.holdsPlaces = false
        for gate in upstream(of: governed.candidate).gates { gate.leave() }
    }

    // MARK: - The line

    private func takePlace(at gate: ConcurrencyGate, isRoute: Bool) -> Place {
        if isRoute, gate.enter() { return .entered }
        let settings = queueSettings(isRoute: isRoute)
        waitSerial += 1
        let serial = waitSerial
        let bound = NIOLoopBound(self, eventLoop: loop.eventLoop)
        let eventLoop = loop.eventLoop
        let ticket = ConcurrencyGate.Ticket {
            eventLoop.execute { bound.value.granted(gate, serial: serial) }
        }
        switch gate.join(ticket, length: settings.queueLength ?? ConcurrencySettings.standardLength) {
        case .full:
            lastError = queueError(gate, "so many requests wait there already", cause: "full")
            return .refused
        case .entered:
            return isRoute || entersRest(after: gate) ? .entered : .refused
        case .waiting:
            let milliseconds = settings.queueTimeout ?? ConcurrencySettings.standardTimeout
            let timer = loop.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(Int64(milliseconds))) { [self] in
                waitedTooLong(serial: serial)
            }
            governed.waiting = .init(
                reason: .turn(gate, ticket, isRoute: isRoute), since: loop.now, timer: timer)
            loop.metrics.limits.queued(gate.name, 1)
            return .waiting
        }
    }

    private func queueSettings(isRoute: Bool) -> ConcurrencySettings {
        let route = snapshot.table.routes[Int(governed.route)].concurrency
        return isRoute ? route : upstream(of: governed.candidate).concurrency.overlaid(by: route)
    }

    private func queueError(_ gate: ConcurrencyGate, _ why: String, cause: String) -> GatewayError {
        loop.metrics.limits.hit(scope: "queue", limit: cause)
        let places = gate.places ?? 0
        return GatewayError(
            .queueFull, "\"\(gate.name)\" takes \(places) requests at a time and \(why)", status: 429, retryAfter: 1)
    }

    /// With a place at one gate of the candidate, takes those at the others. On failure none is held.
    private func entersRest(after gate: ConcurrencyGate) -> Bool {
        let gates = upstream(of: governed.candidate).gates
        guard let crowded = enter(gates, holding: gate) else {
            governed.holdsPlaces = true
            return true
        }
        lastError = queueError(crowded, "none became free in time", cause: "full")
        return false
    }

    /// A place has been taken for this request. It may have gone on meanwhile.
    private func granted(_ gate: ConcurrencyGate, serial: UInt64) {
        loop.noteTime()
        guard serial == waitSerial, case .turn(_, _, let isRoute)? = governed.waiting?.reason else {
            return gate.leave()
        }
        let waiting = stopWaiting()
        loop.metrics.limits.waited(gate.name, nanoseconds: loop.now - (waiting?.since ?? loop.now))
        if isRoute {
            governed.routeGate = gate
        } else if let crowded = enter(upstream(of: governed.candidate).gates, holding: gate) {
            // Another gate of the candidate has filled up meanwhile: stand in line there.
            switch takePlace(at: crowded, isRoute: false) {
            case .waiting: return
            case .entered: break
            case .refused: planPosition += 1
            }
        } else {
            governed.holdsPlaces = true
        }
        nextAttempt()
    }

    private func waitedTooLong(serial: UInt64) {
        guard serial == waitSerial, case .turn(let gate, let ticket, let isRoute)? = governed.waiting?.reason,
            gate.forget(ticket)
        else { return }
        loop.noteTime()
        let waiting = stopWaiting()
        loop.metrics.limits.waited(gate.name, nanoseconds: loop.now - (waiting?.since ?? loop.now))
        lastError = queueError(gate, "none became free in time", cause: "timeout")
        guard !isRoute else { return answerLastError() }
        planPosition += 1
        nextAttempt()
    }

    // MARK: - Waiting

    /// Marks the wait as over; its timer and its place in the line mean nothing any more.
    @discardableResult
    func stopWaiting() -> GovernedState.Waiting? {
        guard let waiting = governed.waiting else { return nil }
        governed.waiting = nil
        waitSerial += 1
        timing?.add(wait: loop.now - waiting.since)
        waiting.timer.cancel()
        if case .turn(let gate, _, _) = waiting.reason { loop.metrics.limits.queued(gate.name, -1) }
        return waiting
    }

    /// The request ends while it waits: it leaves the line. A place that is on its way to it is given back on arrival.
    func abandonWait() {
        guard let waiting = stopWaiting() else { return }
        if case .turn(let gate, let ticket, _) = waiting.reason { _ = gate.forget(ticket) }
    }

    /// Waits for a time and then goes on with `next`, unless the request has ended before.
    func wait(_ reason: GovernedState.Waiting.Reason, nanoseconds: Int64, then next: @escaping (Exchange) -> Void) {
        waitSerial += 1
        let serial = waitSerial
        let timer = loop.eventLoop.assumeIsolated().scheduleTask(in: .nanoseconds(nanoseconds)) { [self] in
            guard serial == waitSerial, governed.waiting != nil else { return }
            loop.noteTime()
            stopWaiting()
            next(self)
        }
        governed.waiting = .init(reason: reason, since: loop.now, timer: timer)
    }
}
