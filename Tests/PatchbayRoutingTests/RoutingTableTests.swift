import PatchbayCore
import PatchbayRouting
import Testing

@Suite struct RoutingTableTests {
    @Test func modelWithoutRouteGoesToEveryAccountThatServesIt() {
        let renamed = ModelMapping(upstream: "gpt-4o-2024", name: "gpt-4o")
        let table = Make.table([
            Make.site(
                "alpha", [Make.account("main", ["gpt-4o-mini", renamed])]),
            Make.site("beta", [Make.account("one", ["gpt-4o"]), Make.account("two", ["other"])]),
        ])
        #expect(table.channelIDs("gpt-4o") == ["alpha/main:gpt-4o-2024", "beta/one:gpt-4o"])
        #expect(table.channelIDs("gpt-4o-mini") == ["alpha/main:gpt-4o-mini"])
        #expect(table.channelIDs("gpt-4o-2024") == nil)
        #expect(table.routes.allSatisfy { $0.source == .generated })
    }

    @Test func configuredRouteWinsOverTheGeneratedOne() {
        let sites = [
            Make.site("alpha", [Make.account("main", ["m"])]), Make.site("beta", [Make.account("main", ["m"])]),
        ]
        let route = Route(model: "m", channels: [ChannelReference(site: "beta")], source: .file)
        #expect(Make.table(sites, routes: [route]).channelIDs("m") == ["beta/main:m"])
    }

    @Test func patternWinsOverTheGeneratedRouteOnlyWhereItHasAChannel() {
        let sites = [
            Make.site("alpha", [Make.account("main", ["gpt-a", "gpt-b"])]),
            Make.site("beta", [Make.account("main", ["gpt-a"])]),
        ]
        let route = Route(model: "gpt-*", channels: [ChannelReference(site: "beta")], source: .file)
        let table = Make.table(sites, routes: [route])
        #expect(table.channelIDs("gpt-a") == ["beta/main:gpt-a"])
        #expect(table.channelIDs("gpt-b") == ["alpha/main:gpt-b"])
        #expect(table.channelIDs("gpt-c") == nil)
    }

    @Test func mostSpecificPatternIsUsedForUnknownNames() {
        let sites = ["a", "b", "c"].map { Make.site($0, [Make.account("main", [])]) }
        let routes = [("*", "a"), ("gpt-*", "b"), ("gpt-4*", "c")].map {
            Route(model: $0, channels: [ChannelReference(site: $1, account: "main")], source: .file)
        }
        let table = Make.table(sites, routes: routes)
        #expect(table.channelIDs("gpt-4x") == ["c/main:*"])
        #expect(table.channelIDs("gpt-5") == ["b/main:*"])
        #expect(table.channelIDs("claude") == ["a/main:*"])
        #expect(table.channels.allSatisfy { $0.upstreamModel == nil })
        #expect(table.models(allowedBy: table.permissions(for: Make.key(["*"]))).isEmpty)
    }

    @Test func referenceWithoutAccountTakesAccountsWhoseModelsAreUnknown() {
        let site = Make.site("s", [Make.account("lists", ["other"]), Make.account("unknown", nil)])
        let route = Route(model: "m", channels: [ChannelReference(site: "s")], source: .file)
        #expect(Make.table([site], routes: [route]).channelIDs("m") == ["s/unknown:m"])
    }

    @Test func namedAccountIsTakenEvenIfItDoesNotListTheModel() {
        let site = Make.site("s", [Make.account("main", ["other"])])
        let route = Route(model: "m", channels: [ChannelReference(site: "s", account: "main")], source: .file)
        #expect(Make.table([site], routes: [route]).channelIDs("m") == ["s/main:m"])
    }

    @Test func upstreamModelOfTheReferenceIsUsed() {
        let site = Make.site("s", [Make.account("a", ["x"]), Make.account("b", ["y"])])
        let route = Route(model: "m", channels: [ChannelReference(site: "s", upstreamModel: "x")], source: .file)
        #expect(Make.table([site], routes: [route]).channelIDs("m") == ["s/a:x"])
    }

    @Test func tokensReplaceTheCredentialOfTheirAccount() throws {
        let tokens = [Make.token("t1", models: ["m"]), Make.token("t2"), Make.token("t3", enabled: false)]
        let table = Make.table([Make.site("s", [Make.account("a", ["m", "n"], tokens: tokens)])])
        #expect(table.channelIDs("m") == ["s/a/t1:m", "s/a/t2:m"])
        #expect(table.channelIDs("n") == ["s/a/t2:n"])
        let channel = try #require(table.channels.first { $0.token == "t1" })
        #expect(channel.credential.kind == "api_key")
        #expect(channel.credential.secrets["api_key"]?.reveal() == "sk-t1")
        #expect(channel.account == "s/a")
    }

    @Test func discoveredModelsAreUsedWhereNoneAreConfigured() {
        let tokens = [Make.token("t1"), Make.token("t2")]
        let configuration = Make.configuration([
            Make.site("s", [Make.account("a", nil, tokens: tokens), Make.account("b", ["fixed"])])
        ])
        let table = RoutingTable(
            configuration: configuration, discovered: ["s/a": ["m"], "s/a/t2": ["n"], "s/b": ["ignored"]])
        #expect(table.channelIDs("m") == ["s/a/t1:m"])
        #expect(table.channelIDs("n") == ["s/a/t2:n"])
        #expect(table.channelIDs("ignored") == nil)
    }

    @Test func formatsComeFromThePlatformWhereTheSiteNamesNone() {
        let configuration = Make.configuration([Make.site("s", [Make.account("a", ["m"])], formats: [])])
        let table = RoutingTable(
            configuration: configuration, platformFormats: ["openai": [.anthropicMessages, .openAIChat]])
        #expect(table.channels.map(\.formats) == [[.anthropicMessages, .openAIChat]])
        #expect(table.formatSet([.openAIChat]) == FormatSet(rawValue: 2))
        #expect(table.formatSet([WireFormat(rawValue: "none.such")]).isEmpty)
    }

    @Test func priceIsThatOfThePublicNameTimesTheRatioOfTheToken() {
        let price = ModelPrice(perMillionInput: 2, output: 8, cachedInput: 1)
        let mapping = ModelMapping(upstream: "upstream", name: "m")
        let account = Make.account("a", [mapping], tokens: [Make.token("plain"), Make.token("half", ratio: 0.5)])
        let table = Make.table([Make.site("s", [account])], prices: ["m": price, "upstream": price])
        // The cheaper one comes first.
        #expect(table.channelIDs("m") == ["s/a/half:upstream", "s/a/plain:upstream"])
        #expect(table.candidates.map(\.price) == [ModelPrice(perMillionInput: 1, output: 4, cachedInput: 0.5), price])
    }

    @Test func disabledPartiesAreNotUsable() {
        let table = Make.table([
            Make.site("off", [Make.account("a", ["m"])], enabled: false),
            Make.site("s", [Make.account("off", ["m"], enabled: false), Make.account("on", ["m"])]),
        ])
        #expect(table.channelIDs("m") == ["s/on:m"])
        #expect(table.candidates.compactMap(\.exclusion) == [.siteDisabled, .accountDisabled])
    }

    @Test func channelNamedTwiceCountsOnce() {
        let route = Route(
            model: "m",
            channels: [ChannelReference(site: "s", account: "a", priority: 1), ChannelReference(site: "s")],
            source: .file)
        let table = Make.table([Make.site("s", [Make.account("a", ["m"]), Make.account("b", ["m"])])], routes: [route])
        #expect(table.channelIDs("m") == ["s/b:m", "s/a:m"])
        #expect(table.candidates.map(\.priority) == [0, 1])
    }

    @Test func everyNameOfALargeTableIsFoundByItsBytes() {
        let names = (0..<3000).map { "model-\($0 * 7919)" }
        let table = Make.table([Make.site("s", [Make.account("a", names.map { ModelMapping(upstream: $0) })])])
        #expect(names.allSatisfy { table.channelIDs($0) == ["s/a:\($0)"] })
        #expect(table.route(forModel: "") == nil)
        #expect(table.route(forModel: "model-1") == nil)
    }

    @Test func emptyConfigurationKnowsNoModel() {
        #expect(Make.table([]).route(forModel: "m") == nil)
    }
}
