import PatchbayPlugin
import PatchbaySimulator
import PatchbayWire
import Testing

@testable import PlatformNewAPI

/// Every operation, from the plugin's C table over HTTP to a simulated site of each generation and back.
@Suite struct OperationTests {
    typealias Era = SimulatedSite.Era

    @Test(arguments: Era.allCases) func detectRecognisesTheSiteAndItsEra(era: Era) async throws {
        try await TestSite.run(TestSite.configuration(era)) { test in
            let detection = try await test.call("detect", kind: nil, fields: [:])
            #expect(detection["matches"] == true)
            #expect(detection["platform"] == "new-api")
            #expect(detection["era"]?.stringValue == era.rawValue)
            #expect(detection["title"] == "New API")
            #expect(detection["settings"]?["quota_per_usd"] == "500000.0")
            let features = detection["features"]?.arrayValue ?? []
            #expect(features.contains("checkin") == (era != .a))
        }
    }

    @Test(arguments: Era.allCases) func loginGivesASessionThatOpensTheDashboard(era: Era) async throws {
        try await TestSite.run(TestSite.configuration(era)) { test in
            let login = try await test.call("login", as: .password)
            #expect(login["credential_kind"] == "session")
            #expect(login["fields"]?["user_id"] == "42")
            #expect(login["fields"]?["session_form"]?.stringValue == (era == .c ? "bearer" : "cookie"))
            #expect((login["secrets"]?["refresh_token"] != nil) == (era == .c))
            #expect(login["expires_at"]?.intValue == 1_786_000_000 + (era == .c ? 900 : 2_592_000))
            let profile = try await test.call("self", kind: "password", fields: test.adopt(login))
            #expect(profile["id"] == "42")
            let request = try #require(test.sent.last { $0.path == "/api/user/self" })
            #expect((request.header("cookie") != nil) == (era != .c))
            #expect(request.header("new-api-user") == (era == .c ? nil : "42"))
        }
    }

    @Test func refreshRotatesTheSessionOfEraC() async throws {
        try await TestSite.run(TestSite.configuration(.c)) { test in
            let login = try await test.call("login", as: .password)
            let fields = test.adopt(login)
            let refreshed = try await test.call("refresh", kind: "password", fields: fields)
            #expect(refreshed["secrets"]?["session"] != login["secrets"]?["session"])
            #expect(refreshed["secrets"]?["refresh_token"] != login["secrets"]?["refresh_token"])
            let profile = try await test.call("self", kind: "password", fields: test.adopt(refreshed))
            #expect(profile["username"] == "alice")
        }
    }

    @Test(arguments: [Era.a, .b]) func refreshIsUnsupportedForCookies(era: Era) async throws {
        try await TestSite.run(TestSite.configuration(era)) { test in
            let fields = test.adopt(try await test.call("login", as: .password))
            let refused = await refusal { try await test.call("refresh", kind: "password", fields: fields) }
            #expect(refused?.has(.unsupported) == true)
        }
    }

    @Test(arguments: Era.allCases) func selfReadsTheAccount(era: Era) async throws {
        try await TestSite.run(TestSite.configuration(era)) { test in
            let golden: JSONValue = [
                "balance_usd": 5, "display_name": "Alice", "group": "default", "id": "42", "request_count": 0,
                "role": "user", "status": "active", "used_usd": 0.25, "username": "alice",
            ]
            let profile = try await test.call("self")
            #expect(profile == golden)
        }
    }

    @Test(arguments: Era.allCases) func balanceOfTheAccountIsInDollars(era: Era) async throws {
        var configuration = TestSite.configuration(era)
        configuration.quotaPerUnit = 1_000_000
        try await TestSite.run(configuration) { test in
            let golden: JSONValue = [
                "quota_per_usd": 1_000_000, "remaining_usd": 2.5, "source": "account", "unlimited": false,
                "used_usd": 0.125,
            ]
            let balance = try await test.call("balance")
            #expect(balance == golden)
        }
    }

    @Test(arguments: Era.allCases) func balanceOfAKeyNeedsNothingElse(era: Era) async throws {
        try await TestSite.run(TestSite.configuration(era)) { test in
            let balance = try await test.call("balance", as: .apiKey)
            #expect(balance["remaining_usd"] == 1)
            #expect(balance["granted_usd"] == 1)
            #expect(balance["source"]?.stringValue == (era == .a ? "billing" : "token"))
            #expect(balance["unlimited"] == false)
        }
    }

    @Test(arguments: [Era.b, .c]) func checkinAwardsOnceADay(era: Era) async throws {
        try await TestSite.run(TestSite.configuration(era)) { test in
            let before = try await test.call("checkin.status")
            #expect(
                before == [
                    "checked_in_today": false, "enabled": true, "supported": true, "total_awarded_usd": 0,
                    "total_checkins": 0,
                ])
            let first = try await test.call("checkin")
            #expect(first["outcome"] == "done")
            #expect(first["awarded_usd"] == 0.01)
            let second = try await test.call("checkin")
            #expect(second["outcome"] == "already_done")
            #expect(second["awarded_usd"] == nil)
            let after = try await test.call("checkin.status")
            #expect(after["checked_in_today"] == true)
            #expect(after["total_awarded_usd"] == 0.01)
        }
    }

    @Test(arguments: Era.allCases) func modelsComeFromTheKeyOrTheDashboard(era: Era) async throws {
        try await TestSite.run(TestSite.configuration(era)) { test in
            let keyed = try await test.call("models", as: .apiKey)
            #expect(keyed["models"]?.arrayValue?.compactMap { $0["id"]?.stringValue } == ["sim-mini", "sim-fixed"])
            let formats = keyed["models"]?[0]?["formats"]
            #expect(formats == (era == .a ? nil : ["openai.chat", "anthropic.messages"]))
            test.set("api_key", nil)
            let listed = try await test.call("models")
            #expect(listed == ["complete": true, "models": [["id": "sim-mini"], ["id": "sim-fixed"]]])
        }
    }

    @Test(arguments: Era.allCases) func tokensAreListedInFullOrMasked(era: Era) async throws {
        try await TestSite.run(TestSite.configuration(era)) { test in
            let tokens = try await test.call("tokens.list")
            var golden: JSONValue = [
                "created_at": 1_765_000_000, "id": "7", "name": "first", "remaining_usd": 1, "status": "enabled",
                "unlimited": false, "used_usd": 0,
            ]
            if era == .a {
                golden = [
                    "created_at": 1_765_000_000, "id": "7", "key": .string("sk-" + TestSite.key), "name": "first",
                    "remaining_usd": 1, "status": "enabled", "unlimited": false, "used_usd": 0,
                ]
            } else {
                golden = [
                    "created_at": 1_765_000_000, "id": "7", "masked_key": "sk-Key0**********FGHI", "name": "first",
                    "remaining_usd": 1, "status": "enabled", "unlimited": false, "used_usd": 0,
                ]
            }
            #expect(tokens["tokens"]?.arrayValue == [golden])
        }
    }

    @Test(arguments: Era.allCases) func aCreatedTokenComesWithItsKeyAndWorks(era: Era) async throws {
        try await TestSite.run(TestSite.configuration(era)) { test in
            let wanted: JSONValue = ["name": "patchbay", "quota_usd": 2, "models": ["sim-mini"], "group": "vip"]
            let token = try await test.call("tokens.create", wanted)
            #expect(token["name"] == "patchbay")
            #expect(token["remaining_usd"] == 2)
            #expect(token["unlimited"] == false)
            #expect(token["models"] == ["sim-mini"])
            #expect(token["group"] == "vip")
            let key = try #require(token["key"]?.stringValue)
            #expect(key.hasPrefix("sk-") && key.count == 51)
            test.set("api_key", key)
            let models = try await test.call("models", kind: "api_key", fields: [:])
            #expect(models["models"]?.arrayValue?.count == 1)
        }
    }

    @Test(arguments: Era.allCases) func revealFindsTheKeyOfEveryEra(era: Era) async throws {
        try await TestSite.run(TestSite.configuration(era)) { test in
            let golden: JSONValue = ["id": "7", "key": .string("sk-" + TestSite.key)]
            let revealed = try await test.call("tokens.reveal", ["id": "7"])
            #expect(revealed == golden)
            let unknown = await refusal { try await test.call("tokens.reveal", ["id": "99"]) }
            #expect(unknown?.has(.notFound) == true)
            let malformed = await refusal { try await test.call("tokens.reveal", ["id": "../7"]) }
            #expect(malformed?.has(.invalid) == true)
        }
    }

    @Test(arguments: Era.allCases) func deletedTokensAreGone(era: Era) async throws {
        try await TestSite.run(TestSite.configuration(era)) { test in
            let nothing = try await test.call("tokens.delete", ["id": "7"])
            #expect(nothing == .emptyObject)
            let rest = try await test.call("tokens.list")
            #expect(rest == ["tokens": []])
            let again = await refusal { try await test.call("tokens.delete", ["id": "7"]) }
            #expect(again?.has(.notFound) == true)
        }
    }

    @Test(arguments: Era.allCases) func groupsHaveRatios(era: Era) async throws {
        try await TestSite.run(TestSite.configuration(era)) { test in
            let groups = try await test.call("groups")["groups"]?.arrayValue ?? []
            #expect(groups.first == ["description": "Default group", "id": "default", "ratio": 1])
            #expect(groups.count == (era == .c ? 3 : 2))
            if era == .c { #expect(groups[2]["ratio"] == nil) }
            let open = try await test.call("groups", kind: nil, fields: [:])
            #expect(open["groups"]?.arrayValue?.count == groups.count)
        }
    }

    @Test(arguments: Era.allCases) func pricesAreDollarsPerMillionTokens(era: Era) async throws {
        try await TestSite.run(TestSite.configuration(era)) { test in
            let list = try await test.call("pricing")
            #expect(list["group_ratios"] == ["default": 1, "vip": 0.8])
            let mini = try #require(list["prices"]?[0])
            #expect(mini["billing"] == "token")
            #expect(mini["input"] == 0.15)
            #expect(mini["output"] == 0.6)
            #expect(mini["cached_input"] == (era == .a ? nil : 0.075))
            let fixed = try #require(list["prices"]?[1])
            #expect(fixed["billing"] == "request")
            #expect(fixed["per_request_usd"] == 0.01)
            let vip = try await test.call("pricing", ["group": "vip"])
            #expect(vip["prices"]?.arrayValue?.count == 1)
            #expect(vip["group_ratios"] == ["vip": 0.8])
        }
    }

    @Test func testSaysWhetherTheCredentialWorks() async throws {
        try await TestSite.run(TestSite.configuration(.c)) { test in
            let good = try await test.call("test", as: .apiKey)
            #expect(good == ["message": "The credential works.", "models": 2, "ok": true])
            test.set("api_key", "sk-wrong")
            let bad = try await test.call("test", kind: "api_key", fields: [:])
            #expect(bad["ok"] == false)
        }
    }
}
