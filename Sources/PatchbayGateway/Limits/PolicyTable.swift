import PatchbayCore
import PatchbayRouting

/// The policies of a configuration, worked out once: the nearest place wins, and a route is nearer than a site.
///
/// Few policies differ, so each is kept once and found by a number.
struct PolicyTable: Sendable {
    /// What holds where no site and no route says anything.
    let global: RequestPolicy
    /// The first is the one that holds where no site and no route says anything.
    let policies: ContiguousArray<RequestPolicy>
    /// By route of the routing table.
    let routes: ContiguousArray<Int32>
    /// By candidate of the routing table.
    let candidates: ContiguousArray<Int32>
    /// The largest of all limits: what is beyond them is refused before anybody knows where a request goes.
    let ceiling: RequestPolicy.Limits

    init(global: RequestPolicy, table: RoutingTable) {
        self.global = global
        var known: [RequestPolicy: Int32] = [global: 0]
        var policies: ContiguousArray<RequestPolicy> = [global]
        func number(_ policy: RequestPolicy) -> Int32 {
            if let number = known[policy] { return number }
            let number = Int32(policies.count)
            policies.append(policy)
            known[policy] = number
            return number
        }
        let sites = table.sites.map { $0.policy.isEmpty ? nil : $0.policy }
        var candidates = ContiguousArray<Int32>(repeating: 0, count: table.candidates.count)
        routes = ContiguousArray(
            table.routes.map { route in
                let ofRoute = route.policy.isEmpty ? 0 : number(global.overlaid(by: route.policy))
                for index in route.all {
                    let site = table.channels[Int(table.candidates[index].channel)].site
                    candidates[index] =
                        sites[site].map { number(global.overlaid(by: $0).overlaid(by: route.policy)) } ?? ofRoute
                }
                return ofRoute
            })
        self.candidates = candidates
        self.policies = policies
        var ceiling = global.limits
        for policy in policies {
            ceiling.header = max(ceiling.header, policy.limits.header)
            ceiling.body = max(ceiling.body, policy.limits.body)
            ceiling.connectionsPerAddress = max(
                ceiling.connectionsPerAddress, policy.limits.connectionsPerAddress)
        }
        self.ceiling = ceiling
    }

    subscript(route route: RouteIndex) -> RequestPolicy {
        policies.count == 1 ? global : policies[Int(routes[Int(route.rawValue)])]
    }

    subscript(candidate candidate: Int32) -> RequestPolicy {
        policies.count == 1 ? global : policies[Int(candidates[Int(candidate)])]
    }
}
