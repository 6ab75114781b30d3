import PatchbayPlugin
import PatchbayWire

extension PlatformNewAPI {
    /// What the API key can ask for, or, without a key, what the account could.
    @Sendable func models(_ call: Call) async throws -> ModelList {
        let dashboard = dashboard(call)
        if dashboard.hasKey {
            return try ModelReplies.keyed(try RelayReply(await dashboard.keyed("/v1/models")).document)
        }
        return try ModelReplies.dashboard(try await dashboard.authorised("GET", "/api/user/models").data)
    }

    /// The groups that the account may use, or, without a session, those that the site shows to everybody.
    @Sendable func groups(_ call: Call) async throws -> GroupList {
        let dashboard = dashboard(call)
        let reply =
            dashboard.credential == .none
            ? try await dashboard.open("GET", "/api/user/groups")
            : try await dashboard.authorised("GET", "/api/user/self/groups")
        return try ModelReplies.groups(reply.data)
    }

    /// Prices before the group ratio. With a group, only the models that it may use.
    @Sendable func pricing(_ arguments: PricingArguments, _ call: Call) async throws -> PriceList {
        let dashboard = dashboard(call)
        let reply =
            dashboard.credential == .none
            ? try await dashboard.open("GET", "/api/pricing") : try await dashboard.authorised("GET", "/api/pricing")
        return try PriceReply.read(
            reply.document, quotaPerUSD: try await dashboard.quotaPerUSD(), group: arguments.group)
    }
}
