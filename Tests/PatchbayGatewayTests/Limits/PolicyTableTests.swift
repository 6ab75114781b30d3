import PatchbayCore
import PatchbayRouting
import Testing

@testable import PatchbayGateway

@Suite struct PolicyTableTests {
    private func configuration() -> Configuration {
        var configuration = Configuration()
        configuration.policy.timeouts.idle = 1
        configuration.policy.timeouts.total = 2
        configuration.policy.limits.body = 1_000
        for name in ["plain", "own"] {
            var site = Site(
                name: name, platform: "openai", baseURL: "http://\(name)", formats: [.openAIChat], source: .file,
                accounts: [
                    Account(
                        name: "a", credential: .none, models: [.init(upstream: "m"), .init(upstream: "n")],
                        source: .file)
                ])
            if name == "own" {
                site.policy.timeouts.idle = 10
                site.policy.timeouts.total = 20
                site.policy.limits.body = 5_000
            }
            configuration.sites.append(site)
        }
        var route = Route(model: "m", channels: [.init(site: "plain"), .init(site: "own")], source: .file)
        route.policy.timeouts.total = 200
        configuration.routes = [route]
        return configuration
    }

    @Test func theNearestWins() throws {
        let table = RoutingTable(configuration: configuration())
        let policies = PolicyTable(global: configuration().policy, table: table)
        func policy(_ model: String, _ site: String) throws -> RequestPolicy {
            let route = try #require(table.route(forModel: model))
            let entry = table.routes[Int(route.rawValue)]
            let index = try #require(entry.all.first { table.channel(of: Int32($0)).siteName == site })
            return policies.policies[Int(policies.candidates[index])]
        }
        #expect(try policy("m", "plain").timeouts.idle == 1 && policy("m", "plain").timeouts.total == 200)
        #expect(try policy("m", "own").timeouts.idle == 10 && policy("m", "own").timeouts.total == 200)
        #expect(try policy("n", "plain").timeouts.total == 2 && policy("n", "own").timeouts.total == 20)
        #expect(policies.ceiling.body == 5_000)
        #expect(policies.policies.count == 4)
    }

    @Test func withoutSettingsThereIsOnePolicy() {
        var plain = configuration()
        plain.routes = []
        plain.sites.removeLast()
        let table = RoutingTable(configuration: plain)
        let policies = PolicyTable(global: plain.policy, table: table)
        #expect(policies.policies.count == 1 && policies.candidates.allSatisfy { $0 == 0 })
    }
}
