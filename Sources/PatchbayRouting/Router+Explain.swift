package import PatchbayCore

extension Router {
    /// Explains what ``plan(_:in:formats:health:now:limit:random:into:)`` would do, without doing it.
    ///
    /// - Parameters:
    ///   - key: Whose permissions apply; nil = nobody's.
    ///   - formats: Wire formats in which the request could be sent; nil = any.
    ///   - health: Of all loops, merged.
    ///   - now: Monotonic nanoseconds, on the clock of the snapshot.
    package static func explain(
        model: String, key: Key?, in table: RoutingTable, formats: FormatSet? = nil, health: HealthSnapshot, now: Int64,
        limit: Int = 16, seed: UInt64
    ) -> RouteExplanation {
        var explanation = RouteExplanation(
            model: model, key: key?.name, outcome: .routed, summary: "", route: nil, seed: seed, candidates: [],
            problems: [], retryAfterMilliseconds: nil)
        guard let route = table.route(forModel: model) else {
            explanation.outcome = .unknownModel
            explanation.summary = "No account lists the model '\(model)' and no route matches it."
            return explanation
        }
        let entry = table.routes[Int(route.rawValue)]
        explanation.route = .init(model: entry.model, pattern: entry.pattern, source: entry.source)
        explanation.problems = entry.problems
        let formats = formats ?? .all
        let restored = HealthTable(table: table, restoring: health)
        var random = SeededRandom(seed: seed)
        var plan: [Int32] = []
        let outcome = Router.plan(
            route, in: table, formats: formats, health: restored, now: now, limit: limit, random: &random, into: &plan)
        explanation.describe(outcome, count: plan.count)
        let shares = shares(of: entry, in: table, formats: formats, health: restored, now: now)
        let order = plan.map(Int.init) + entry.all.filter { !plan.contains(Int32($0)) }
        explanation.candidates = order.enumerated().map { position, index in
            describe(
                index, position: position < plan.count ? position + 1 : nil, share: shares[index] ?? 0, model: model,
                table: table, formats: formats, health: restored, now: now)
        }
        explanation.apply(key, table.permissions)
        return explanation
    }

    private static func isReady(
        _ channel: Int32, formats: FormatSet, health: HealthTable, now: Int64
    ) -> Bool {
        !health.isCooling(channel, now: now) && !health.usableFormats(channel, now: now).isDisjoint(with: formats)
    }

    /// The chance of each ready candidate to be the first of its group.
    private static func shares(
        of entry: RouteEntry, in table: RoutingTable, formats: FormatSet, health: HealthTable, now: Int64
    ) -> [Int: Double] {
        let ready = entry.usable.filter {
            isReady(table.candidates[$0].channel, formats: formats, health: health, now: now)
        }
        let groups = Dictionary(grouping: ready) { table.candidates[$0].priority }
        var shares: [Int: Double] = [:]
        for group in groups.values {
            let total = group.reduce(0.0) { $0 + Double(table.candidates[$1].weight) }
            for index in group { shares[index] = Double(table.candidates[index].weight) / total }
        }
        return shares
    }

    private static func describe(
        _ index: Int, position: Int?, share: Double, model: String, table: RoutingTable, formats: FormatSet,
        health: HealthTable, now: Int64
    ) -> ExplainedCandidate {
        let candidate = table.candidates[index]
        let channel = table.channels[Int(candidate.channel)]
        let cause = health.cause(of: candidate.channel, now: now)
        let verdict = reason(
            candidate, channel, position, formats, cause, health.isCooling(candidate.channel, now: now))
        return ExplainedCandidate(
            channel: channel.id, site: channel.siteName, account: channel.accountName, token: channel.token,
            upstreamModel: channel.upstreamModel ?? model, formats: channel.formats, priority: Int(candidate.priority),
            weight: Int(candidate.weight), share: share, price: candidate.price, position: position,
            reason: verdict.reason, sentence: verdict.sentence,
            coolingMilliseconds: cause.map { rest($0.cell.until, now) }, coolingParty: cause?.party,
            coolingFault: cause?.cell.fault, counters: health.counters(of: candidate.channel),
            restingFormats: health.restingEndpoints(
                candidate.channel, model: channel.upstreamModel == nil ? model : "", now: now),
            learnedStreaming: health.learned.streaming(channel.id, model: channel.upstreamModel ?? model, now: now))
    }

    private static func rest(_ until: Int64, _ now: Int64) -> Int64 {
        until == .max ? .max : max(1, (until &- now &+ 999_999) / 1_000_000)
    }

    private static func reason(
        _ candidate: Candidate, _ channel: Channel, _ position: Int?, _ formats: FormatSet,
        _ cause: (party: PartyAtFault, cell: HealthCell)?, _ isCooling: Bool
    ) -> (reason: ExplainedCandidate.Reason, sentence: String) {
        if let position { return (.taken, "It would be tried as number \(position).") }
        switch candidate.exclusion {
        case .siteDisabled: return (.siteDisabled, "The site '\(channel.siteName)' is disabled.")
        case .accountDisabled: return (.accountDisabled, "The account '\(channel.account)' is disabled.")
        case .tokenDisabled: return (.tokenDisabled, "The token '\(channel.credentialID)' is disabled.")
        case .weightZero: return (.weightZero, "Its weight in the route is 0.")
        case nil: break
        }
        if channel.formatSet.isEmpty {
            return (.formatUnknown, "No wire format is known for the site: its plugin is not loaded and it names none.")
        }
        if channel.formatSet.isDisjoint(with: formats) {
            return (.formatUnsupported, "The site speaks no wire format in which this request can be sent.")
        }
        if let cause, isCooling || cause.party == .endpoint { return (.cooling, sentence(for: cause, channel)) }
        return (.beyondLimit, "Enough channels come before it.")
    }

    private static func sentence(for cause: (party: PartyAtFault, cell: HealthCell), _ channel: Channel) -> String {
        let party =
            switch cause.party {
            case .site: "The site '\(channel.siteName)'"
            case .credential: "'\(channel.credentialID)'"
            case .endpoint: "The endpoint of this channel"
            case .channel, .nobody: "The channel"
            }
        let rest = cause.cell.until == .max ? "is disabled until its credential is renewed" : "rests"
        let detail = cause.cell.reason.isEmpty ? "." : ": \(cause.cell.reason)"
        return "\(party) \(rest) after a failure of kind '\(cause.cell.fault.name)'\(detail)"
    }
}

extension RouteExplanation {
    fileprivate mutating func describe(_ result: PlanOutcome, count: Int) {
        switch result {
        case .ready:
            outcome = .routed
            summary = count == 1 ? "One channel would be tried." : "\(count) channels would be tried, in this order."
        case .cooling(let milliseconds):
            outcome = .cooling
            retryAfterMilliseconds = milliseconds
            summary = "Every channel rests after failures; the first one is back in \(milliseconds) ms."
        case .unserved:
            outcome = .unserved
            summary = "The route has no channel that could take the request."
        }
    }

    /// What a key forbids comes before everything else.
    fileprivate mutating func apply(_ key: Key?, _ permissions: (Key) -> KeyPermissions) {
        guard let key else { return }
        if !key.enabled {
            outcome = .keyDisabled
            summary = "The key '\(key.name)' is disabled."
        } else if !permissions(key).permits(model: model) {
            outcome = .modelNotAllowed
            summary = "The key '\(key.name)' may not use the model '\(model)'."
        }
    }
}
