import PatchbayPlugin
import PatchbaySimulator
import PatchbayWire
import Synchronization
import Testing

@testable import PlatformNewAPI

/// What goes wrong on real sites, each time with a simulated site that does just that.
@Suite struct FailureTests {
    typealias Era = SimulatedSite.Era

    // MARK: Credentials

    @Test(arguments: Era.allCases) func aNewAccessTokenKillsTheOldOne(era: Era) async throws {
        let settings = #"{"create_access_token": true}"#
        try await TestSite.run(TestSite.configuration(era), settings: settings) { test in
            let login = try await test.call("login", as: .password)
            #expect(login["credential_kind"] == "access_token")
            #expect(login["secrets"]?["session"] == nil)
            let fields = test.adopt(login)
            let profile = try await test.call("self", kind: "password", fields: fields)
            #expect(profile["id"] == "42")
            test.set("access_token", TestSite.accessToken)
            let refused = await refusal { try await test.call("self", kind: "password", fields: fields) }
            #expect(refused?.has(.auth) == true)
        }
    }

    @Test func operationsThatReadNeverRotateTheAccessToken() async throws {
        try await TestSite.run(TestSite.configuration(.b)) { test in
            for operation in ["self", "balance", "models", "tokens.list", "groups", "pricing"] {
                _ = try await test.call(operation)
            }
            #expect(!test.sent.contains { $0.path.hasPrefix("/api/user/token") })
        }
    }

    @Test(arguments: Era.allCases, [SimulatedSite.Language.chinese, .english])
    func aWrongPasswordIsAnAuthErrorInBothLanguages(era: Era, language: SimulatedSite.Language) async throws {
        var configuration = TestSite.configuration(era)
        configuration.language = language
        try await TestSite.run(configuration) { test in
            test.set("password", "wrong")
            let refused = await refusal {
                try await test.call("login", kind: "password", fields: ["username": "alice"])
            }
            #expect(refused?.has(.auth) == true)
            #expect(refused?.details == #"{"remedy":"replace"}"#)
        }
    }

    @Test(arguments: Era.allCases, [SimulatedSite.Language.chinese, .english])
    func aDeadAccessTokenIsAnAuthErrorWhateverTheStatus(era: Era, language: SimulatedSite.Language) async throws {
        var configuration = TestSite.configuration(era)
        configuration.language = language
        try await TestSite.run(configuration) { test in
            test.set("access_token", "dead")
            let refused = await refusal {
                try await test.call("self", kind: "access_token", fields: ["user_id": "42"])
            }
            #expect(refused?.has(.auth) == true)
            #expect(refused?.httpStatus == (era == .c ? 401 : 200))
        }
    }

    @Test(arguments: [Era.a, .b], [SimulatedSite.Language.chinese, .english])
    func aMissingOrWrongUserIDIsNamed(era: Era, language: SimulatedSite.Language) async throws {
        var configuration = TestSite.configuration(era)
        configuration.language = language
        try await TestSite.run(configuration) { test in
            test.set("access_token", TestSite.accessToken)
            for fields in [[:], ["user_id": "43"], ["user_id": "x"]] {
                let refused = await refusal { try await test.call("self", kind: "access_token", fields: fields) }
                #expect(refused?.has(.invalid) == true)
                #expect(refused?.message.contains("user_id") == true)
            }
        }
    }

    @Test func anExpiredSessionAsksForARefreshAndThenForALogin() async throws {
        var configuration = TestSite.configuration(.c)
        let now = SharedClock()
        configuration.clock = { now.seconds }
        try await TestSite.run(configuration) { test in
            let fields = test.adopt(try await test.call("login", as: .password))
            now.advance(901)
            let expired = await refusal { try await test.call("self", kind: "password", fields: fields) }
            #expect(expired?.details == #"{"remedy":"refresh"}"#)
            let old = test.host.state.withLock { $0.secrets["refresh_token"] }
            let refreshed = test.adopt(try await test.call("refresh", kind: "password", fields: fields))
            _ = try await test.call("self", kind: "password", fields: refreshed)
            // A replay after thirty seconds ends the session.
            now.advance(31)
            test.set("refresh_token", old)
            let revoked = await refusal { try await test.call("refresh", kind: "password", fields: refreshed) }
            #expect(revoked?.has(.auth) == true)
            #expect(revoked?.details == #"{"remedy":"login"}"#)
        }
    }

    @Test func anAccountWithoutASessionIsTold() async throws {
        try await TestSite.run(TestSite.configuration(.b)) { test in
            let password = await refusal { try await test.call("self", kind: "password", fields: [:]) }
            #expect(password?.has(.auth) == true)
            let key = await refusal { try await test.call("self", as: .apiKey) }
            #expect(key?.has(.unsupported) == true)
            #expect(test.sent.isEmpty)
        }
    }

    // MARK: Obstacles for people

    @Test(arguments: [Era.b, .c]) func aSecondFactorIsAskedForAndAccepted(era: Era) async throws {
        var configuration = TestSite.configuration(era)
        configuration.users[0].secondFactor = "123456"
        try await TestSite.run(configuration) { test in
            let missing = await refusal { try await test.call("login", as: .password) }
            #expect(missing?.has(.challenge) == true)
            #expect(missing?.details == #"{"challenge":"totp"}"#)
            let wrong = await refusal { try await test.call("login", as: .password, ["code": "000000"]) }
            #expect(wrong?.has(.challenge) == true)
            let login = try await test.call("login", as: .password, ["code": "123456"])
            let profile = try await test.call("self", kind: "password", fields: test.adopt(login))
            #expect(profile["id"] == "42")
        }
    }

    @Test(arguments: Era.allCases) func turnstileIsAChallengeUntilItIsAnswered(era: Era) async throws {
        var configuration = TestSite.configuration(era)
        configuration.turnstile = true
        try await TestSite.run(configuration) { test in
            let missing = await refusal { try await test.call("login", as: .password) }
            #expect(missing?.details == #"{"challenge":"turnstile"}"#)
            let rejected = await refusal { try await test.call("login", as: .password, ["turnstile": "bad token"]) }
            #expect(rejected?.has(.challenge) == true)
            let login = try await test.call("login", as: .password, ["turnstile": "good"])
            #expect(login["fields"]?["user_id"] == "42")
            guard era != .a else { return }
            let checkin = await refusal { try await test.call("checkin") }
            #expect(checkin?.details == #"{"challenge":"turnstile"}"#)
            let done = try await test.call("checkin", ["turnstile": "good"])
            #expect(done["outcome"] == "done")
        }
    }

    @Test func aFirewallPageIsAChallenge() async throws {
        var configuration = TestSite.configuration(.b)
        configuration.obstacles["/api/"] = .challenge
        try await TestSite.run(configuration) { test in
            for operation in ["self", "checkin", "tokens.list"] {
                let refused = await refusal { try await test.call(operation) }
                #expect(refused?.has(.challenge) == true)
                #expect(refused?.details == #"{"challenge":"browser"}"#)
            }
            let detect = await refusal { try await test.call("detect", kind: nil, fields: [:]) }
            #expect(detect?.has(.challenge) == true)
        }
    }

    // MARK: Answers that are not what they seem

    @Test func aPageWithStatus200IsNotASuccess() async throws {
        var configuration = TestSite.configuration(.b)
        configuration.obstacles["/"] = .page
        try await TestSite.run(configuration) { test in
            let refused = await refusal { try await test.call("self") }
            #expect(refused?.has(.protocolViolation) == true)
            let models = await refusal { try await test.call("models", as: .apiKey) }
            #expect(models?.has(.protocolViolation) == true)
            let detection = try await test.call("detect", kind: nil, fields: [:])
            #expect(detection["matches"] == false)
        }
    }

    @Test func aRateLimitWithoutABodyKeepsItsDelay() async throws {
        for delay in [nil, 17] {
            var configuration = TestSite.configuration(.c)
            configuration.obstacles["/"] = .rateLimited(retryAfter: delay)
            try await TestSite.run(configuration) { test in
                for identity in [TestSite.Identity.accessToken, .apiKey] {
                    let refused = await refusal { try await test.call("models", as: identity) }
                    #expect(refused?.has(.rateLimited) == true)
                    #expect(refused?.retryAfter == UInt64((delay ?? 0) * 1000))
                    test.set("access_token", nil)
                }
            }
        }
    }

    @Test func aBrokenProxyIsUnavailable() async throws {
        var configuration = TestSite.configuration(.c)
        configuration.obstacles["/api/"] = .badGateway
        try await TestSite.run(configuration) { test in
            let refused = await refusal { try await test.call("self") }
            #expect(refused?.has(.unavailable) == true)
        }
    }

    // MARK: Check-in

    @Test func aSiteWithoutCheckinOrWithItSwitchedOffSaysSo() async throws {
        for (checkin, outcome, supported) in [
            (SimulatedCheckin.absent, "unsupported", false), (.disabled, "disabled", true),
        ] {
            var configuration = TestSite.configuration(.b)
            configuration.checkin = checkin
            try await TestSite.run(configuration) { test in
                let result = try await test.call("checkin")
                #expect(result["outcome"]?.stringValue == outcome)
                let status = try await test.call("checkin.status")
                #expect(status == ["enabled": false, "supported": .bool(supported)])
            }
        }
    }

    // MARK: Tokens

    @Test(arguments: [SimulatedSite.Paging.arrayFromZero, .objectFromOne], [0, 1, 100, 101, 230])
    func everyPageOfTokensIsRead(paging: SimulatedSite.Paging, count: Int) async throws {
        var configuration = TestSite.configuration(.b)
        configuration.paging = paging
        configuration.users[0].tokens = (0..<count).map { index in
            SimulatedToken(id: Int64(index + 1), name: "t\(index)", key: String(repeating: "k", count: 48))
        }
        try await TestSite.run(configuration) { test in
            let tokens = try await test.call("tokens.list")["tokens"]?.arrayValue ?? []
            let ids = tokens.compactMap { $0["id"]?.stringValue }
            #expect(ids == (0..<count).reversed().map { String($0 + 1) })
        }
    }

    @Test func aMaskedKeyIsRevealedInABatchWhereTheOtherWayIsLimited() async throws {
        var configuration = TestSite.configuration(.c)
        configuration.obstacles["/api/token/7/key"] = .rateLimited(retryAfter: nil)
        try await TestSite.run(configuration) { test in
            let revealed = try await test.call("tokens.reveal", ["id": "7"])
            #expect(revealed["key"]?.stringValue == "sk-" + TestSite.key)
        }
    }

    @Test func aTokenThatCannotBeRevealedIsCreatedAllTheSame() async throws {
        var configuration = TestSite.configuration(.b)
        configuration.obstacles["/api/token/8/key"] = .rateLimited(retryAfter: nil)
        try await TestSite.run(configuration) { test in
            let token = try await test.call("tokens.create", ["name": "new"])
            #expect(token["id"] == "8")
            #expect(token["key"] == nil)
            #expect(token["unlimited"] == true)
        }
    }

    @Test(arguments: Era.allCases) func aNameThatIsTooLongIsInvalid(era: Era) async throws {
        try await TestSite.run(TestSite.configuration(era)) { test in
            let name = JSONValue.string(String(repeating: "n", count: 51))
            let refused = await refusal { try await test.call("tokens.create", ["name": name]) }
            #expect(refused?.has(.invalid) == true)
            #expect(refused?.message.contains("name") == true)
        }
    }

    // MARK: Prices

    @Test func tieredPricesAreNotTakenForRatios() async throws {
        var configuration = TestSite.configuration(.c)
        configuration.models[0].tieredExpression = "tier(\"base\", p * 1.25 + c * 10)"
        try await TestSite.run(configuration) { test in
            let entry = try await test.call("pricing")["prices"]?[0]
            #expect(entry?["billing"] == "unknown")
            #expect(entry?["input"] == nil)
        }
    }

    // MARK: Addresses

    @Test func aBaseURLWithTheVersionIsUnderstood() async throws {
        try await TestSite.run(TestSite.configuration(.c)) { test in
            test.set("api_key", "sk-" + TestSite.key)
            let arguments: JSONValue = [
                "base_url": .string(test.site.baseURL + "/v1"),
                "account": ["id": "x/y", "kind": "api_key", "fields": [:]],
            ]
            let models = try await test.host.invoke("models", arguments)
            #expect(models["models"]?.arrayValue?.count == 2)
        }
    }

    @Test func noSecretIsRepeatedInAnError() async throws {
        try await TestSite.run(TestSite.configuration(.b)) { test in
            test.set("api_key", "sk-" + TestSite.key + "x")
            let refused = await refusal { try await test.call("models", kind: "api_key", fields: [:]) }
            #expect(refused?.has(.auth) == true)
            #expect(refused?.message.contains(TestSite.key) == false)
        }
    }
}

/// A clock that a test moves.
final class SharedClock: Sendable {
    private let value = Mutex<Int64>(1_786_000_000)

    var seconds: Int64 { value.withLock { $0 } }
    func advance(_ seconds: Int64) { value.withLock { $0 += seconds } }
}
