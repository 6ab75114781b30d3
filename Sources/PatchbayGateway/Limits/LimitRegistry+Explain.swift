package import PatchbayCore
package import PatchbayRouting
import Synchronization

extension LimitRegistry {
    /// Adds to an explanation what limits and lines have to say.
    ///
    /// - Parameters:
    ///   - key: Whose limits apply; nil = nobody's.
    ///   - now: Monotonic nanoseconds.
    package func explain(
        _ explanation: inout RouteExplanation, key: Key?, in configuration: Configuration, now: Int64
    ) {
        let route = configuration.routes.first { $0.model == explanation.route?.pattern ?? explanation.route?.model }
        for index in explanation.candidates.indices {
            explain(&explanation.candidates[index], route: route, in: configuration)
        }
        guard let key else { return }
        let group = configuration.groups.first { $0.name == key.group }
        let scopes = [scope(.key, key.name, key.limits), group.flatMap { scope(.group, $0.name, $0.limits) }]
        for scope in scopes.compactMap({ $0 }) {
            explanation.limits += scope.explained(now: now)
            guard explanation.outcome == .routed, let hit = scope.obstacle(now: now) else { continue }
            explanation.outcome = .limited
            explanation.retryAfterMilliseconds = (hit.wait + 999_999) / 1_000_000
            explanation.summary =
                "The \(scope.kind.rawValue) '\(scope.name)' has used up its limit of \(hit.value) "
                + "\(hit.limit.phrase); a request is let in again in \((hit.wait + 999_999) / 1_000_000) ms."
        }
    }

    private func explain(_ candidate: inout ExplainedCandidate, route: Route?, in configuration: Configuration) {
        guard let site = configuration.sites.first(where: { $0.name == candidate.site }) else { return }
        var settings = configuration.concurrency.overlaid(by: site.concurrency)
        if let route { settings = settings.overlaid(by: route.concurrency) }
        let length = settings.queueLength ?? ConcurrencySettings.standardLength
        var gates = [("site", candidate.site), ("account", "\(candidate.site)/\(candidate.account)")]
        if let route { gates.append(("route", route.model)) }
        candidate.gates = gates.compactMap { scope, name in
            guard let gate = knownGate(scope, name), let places = gate.places else { return nil }
            return ExplainedGate(
                scope: scope, name: name, places: places, taken: gate.taken, waiting: gate.waiting,
                queueLength: length)
        }
        guard candidate.reason == .taken, let crowded = candidate.gates.first(where: \.isCrowded) else { return }
        candidate.reason = crowded.isFull ? .queueFull : .queued
        candidate.sentence =
            "All \(crowded.places) places of the \(crowded.scope) '\(crowded.name)' are taken and "
            + "\(crowded.waiting) of at most \(crowded.queueLength) requests wait: a request would "
            + (crowded.isFull ? "go elsewhere." : "stand in line, unless another channel of its priority is free.")
    }
}

extension LimitScope {
    fileprivate func explained(now: Int64) -> [ExplainedLimit] {
        func explained(_ limit: LimitHit.Limit, _ value: Int, _ remaining: Int, _ wait: Int64) -> ExplainedLimit {
            ExplainedLimit(
                scope: kind.rawValue, name: name, limit: limit.rawValue, value: value, remaining: remaining,
                waitMilliseconds: (wait + 999_999) / 1_000_000)
        }
        var found: [ExplainedLimit] = []
        if let limit = limits.requestsPerMinute {
            let bucket = cell.requests.remaining(of: limit, now: now)
            found.append(explained(.requests, limit, bucket, cell.requests.wait(for: 1, of: limit, now: now)))
        }
        if let limit = limits.tokensPerMinute {
            let bucket = cell.tokens.remaining(of: limit, now: now)
            found.append(explained(.tokens, limit, bucket, cell.tokens.wait(for: 1, of: limit, now: now)))
        }
        if let limit = limits.concurrency {
            let free = max(0, limit - cell.inFlight.load(ordering: .relaxed))
            found.append(explained(.concurrency, limit, free, free > 0 ? 0 : KeyLimiter.concurrencyWait))
        }
        return found
    }
}

extension LimitHit.Limit {
    /// Continues "its limit of N ...".
    var phrase: String {
        switch self {
        case .requests: "requests per minute"
        case .tokens: "tokens per minute"
        case .concurrency: "requests at a time"
        }
    }
}
