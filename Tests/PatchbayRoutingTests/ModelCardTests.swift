import PatchbayCore
import Testing

@testable import PatchbayRouting

/// What lists of models may say.
@Suite struct ModelCardTests {
    private func mapping(_ upstream: String, as name: String? = nil, _ change: (inout ModelCard) -> Void) -> ModelMapping {
        var card = ModelCard()
        change(&card)
        return ModelMapping(upstream: upstream, name: name, card: card)
    }

    private func told(_ model: String, in table: RoutingTable) -> ModelCard? {
        table.models(allowedBy: table.permissions(for: Make.key(["*"]))).first { $0.model == model }?.card
    }

    @Test func whatSitesTellIsSaidUnderThePublicName() throws {
        let model = mapping("gpt-4o-2024", as: "gpt-4o") {
            $0.displayName = "GPT-4o"
            $0.capabilities.contextWindow = 128_000
        }
        let table = Make.table([Make.site("s", [Make.account("a", [model])])])
        let card = try #require(told("gpt-4o", in: table))
        #expect(card.displayName == "GPT-4o" && card.capabilities.contextWindow == 128_000)
        #expect(card.capabilities.tools == nil && card.createdAt == nil)
    }

    @Test func severalChannelsPromiseWhatEveryOneOfThemKeeps() throws {
        let large = mapping("m") {
            $0.createdAt = 7
            $0.capabilities.contextWindow = 200_000
            $0.capabilities.imageInput = 1
        }
        let small = mapping("m") {
            $0.displayName = "Small"
            $0.capabilities.contextWindow = 32_000
            $0.capabilities.imageInput = 0
            $0.capabilities.tools = 1
        }
        let table = Make.table([Make.site("s", [Make.account("a", [large]), Make.account("b", [small])])])
        let card = try #require(told("m", in: table))
        #expect(card.displayName == "Small" && card.createdAt == 7)
        #expect(card.capabilities.contextWindow == 32_000 && card.capabilities.imageInput == 0)
        #expect(card.capabilities.tools == 1)
    }

    @Test func theConfigurationWins() throws {
        let model = mapping("m") {
            $0.displayName = "Told"
            $0.capabilities.contextWindow = 200_000
            $0.capabilities.maxOutputTokens = 1_000
        }
        var route = Route(model: "m", channels: [ChannelReference(site: "s")], source: .file)
        route.displayName = "Said"
        route.capabilities.maxOutputTokens = 64_000
        let table = Make.table([Make.site("s", [Make.account("a", [model])])], routes: [route])
        let card = try #require(told("m", in: table))
        #expect(card.displayName == "Said" && card.capabilities.maxOutputTokens == 64_000)
        #expect(card.capabilities.contextWindow == 200_000)
        #expect(table.channels.first?.card.capabilities.maxOutputTokens == 1_000)
        #expect(table.routes.first?.declaredOutput == 64_000)
    }

    @Test func aPatternSpeaksForItsModels() throws {
        var route = Route(model: "m*", channels: [ChannelReference(site: "s")], source: .file)
        route.capabilities.tools = 0
        let table = Make.table(
            [Make.site("s", [Make.account("a", [ModelMapping(upstream: "m1")])])], routes: [route])
        #expect(told("m1", in: table)?.capabilities.tools == 0)
    }
}
