/// Chooses the order in which channels are tried: pure functions of a table, its health and a random source.
package enum Router {
    /// Puts the candidates of a route in the order in which they should be tried.
    ///
    /// Priority groups ascend; inside a group the order is a weighted random sample without replacement. Candidates
    /// that rest or speak none of `formats` are left out. Nothing is allocated when `plan` has room for the route's
    /// candidates.
    ///
    /// - Parameters:
    ///   - formats: Wire formats in which this request could be sent to an upstream.
    ///   - now: Monotonic nanoseconds.
    ///   - limit: The longest plan.
    ///   - plan: Replaced by indexes in `RoutingTable.candidates`.
    package static func plan(
        _ route: RouteIndex, in table: RoutingTable, formats: FormatSet, health: HealthTable, now: Int64,
        limit: Int = 16,
        random: inout SeededRandom, into plan: inout [Int32]
    ) -> PlanOutcome {
        precondition(health.table === table, "the health of a loop adopts a table before requests are planned with it")
        plan.removeAll(keepingCapacity: true)
        let usable = table.usable[Int(route.rawValue)]
        table.offers.withUnsafeBufferPointer { offers in
            var start = usable.lowerBound
            while start < usable.upperBound, plan.count < limit {
                var end = start + 1
                while end < usable.upperBound, offers[end].priority == offers[start].priority { end += 1 }
                let first = plan.count
                health.appendReady(start..<end, of: offers, formats: formats, now: now, to: &plan)
                plan.withUnsafeMutableBufferPointer { plan in
                    let group = UnsafeMutableBufferPointer(rebasing: plan[first...])
                    shuffle(group, limit: limit - first, offers: offers, random: &random)
                }
                start = end
            }
        }
        if plan.count > limit { plan.removeLast(plan.count - limit) }
        return plan.isEmpty ? outcomeOfEmptyPlan(usable, table, formats, health, now) : .ready
    }

    /// Orders a priority group by drawing one after the other; stops drawing at `limit`.
    private static func shuffle(
        _ group: UnsafeMutableBufferPointer<Int32>, limit: Int, offers: UnsafeBufferPointer<Offer>,
        random: inout SeededRandom
    ) {
        guard group.count > 1 else { return }
        var total: UInt64 = 0
        for index in group { total += UInt64(offers[Int(index)].weight) }
        for position in 0..<min(group.count - 1, limit) {
            var draw = random.next(below: total)
            var chosen = position
            while chosen < group.count - 1 {
                let weight = UInt64(offers[Int(group[chosen])].weight)
                if draw < weight { break }
                draw -= weight
                chosen += 1
            }
            total -= UInt64(offers[Int(group[chosen])].weight)
            group.swapAt(position, chosen)
        }
    }

    private static func outcomeOfEmptyPlan(
        _ usable: Range<Int>, _ table: RoutingTable, _ formats: FormatSet, _ health: HealthTable, _ now: Int64
    ) -> PlanOutcome {
        var first = Int64.max
        var speaks = false
        for index in usable {
            let channel = table.candidates[index].channel
            guard !table.links[Int(channel)].formats.isDisjoint(with: formats) else { continue }
            speaks = true
            first = min(first, health.readyTime(channel, formats: formats))
        }
        guard speaks else { return .unserved }
        // Every credential is disabled: nobody knows when a person renews one.
        guard first < .max else { return .cooling(milliseconds: HealthCell.longestBackoff / 1_000_000) }
        return .cooling(milliseconds: max(1, (first &- now &+ 999_999) / 1_000_000))
    }
}

/// What came of a plan.
package enum PlanOutcome: Sendable, Hashable {
    /// There is at least one channel to try.
    case ready
    /// Every channel rests; the first one is back after so long.
    case cooling(milliseconds: Int64)
    /// The route has no channel, or none that speaks one of the formats.
    case unserved
}
