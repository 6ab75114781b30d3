import PatchbayPlugin
import PatchbayWire
import Testing

@testable import PlatformNewAPI

/// Reading answers: documents in, results or errors out, no site needed.
@Suite struct ReplyTests {
    private func reply(
        _ body: String, status: Int = 200, headers: [(name: String, value: String)] = []
    ) throws(PluginError) -> SiteReply {
        try SiteReply(HTTPResponse(status: status, headers: headers, body: Array(body.utf8)))
    }

    private func failure(
        _ body: String, status: Int = 200, headers: [(name: String, value: String)] = []
    ) -> PluginError? {
        do throws(PluginError) {
            _ = try reply(body, status: status, headers: headers)
            return nil
        } catch {
            return error
        }
    }

    // MARK: Envelopes

    @Test func bothSpellingsOfSuccessAreAccepted() throws {
        #expect(try reply(#"{"success":true,"data":1}"#).data == 1)
        #expect(try reply(#"{"code":true,"data":{}}"#).data == .emptyObject)
        #expect(try reply(#"{"success":true,"message":""}"#).data == .null)
        #expect(try reply(#"{"data":[]}"#).data == .emptyArray)
    }

    struct Refusal: Sendable, CustomTestStringConvertible {
        var body: String
        var status: Int
        var code: PluginError.Code
        var details: String?
        var testDescription: String { "\(status) \(body)" }

        init(_ status: Int, _ body: String, _ code: PluginError.Code, _ details: String? = nil) {
            self.status = status
            self.body = body
            self.code = code
            self.details = details
        }

        static func says(_ message: String, _ code: PluginError.Code, _ details: String? = nil) -> Refusal {
            Refusal(200, #"{"success":false,"message":"\#(message)"}"#, code, details)
        }

        static func coded(_ status: Int, _ word: String, _ code: PluginError.Code, _ details: String? = nil) -> Refusal
        {
            Refusal(status, #"{"success":false,"code":"\#(word)","message":"x"}"#, code, details)
        }
    }

    static let login = #"{"remedy":"login"}"#
    static let refresh = #"{"remedy":"refresh"}"#
    static let replace = #"{"remedy":"replace"}"#
    static let turnstile = #"{"challenge":"turnstile"}"#
    static let totp = #"{"challenge":"totp"}"#
    static let browser = #"{"challenge":"browser"}"#

    static let sentences: [Refusal] = [
        .says("无权进行此操作，未登录且未提供 access token", .auth, login),
        .says("Unauthorized, not logged in and no access token provided", .auth, login),
        .says("无权进行此操作，access token 无效", .auth, replace),
        .says("Unauthorized, invalid access token", .auth, replace),
        .says("无权进行此操作，未提供 New-Api-User", .invalid),
        .says("Unauthorized, New-Api-User header not provided", .invalid),
        .says("无权进行此操作，New-Api-User 与登录用户不匹配", .invalid),
        .says("Unauthorized, New-Api-User does not match logged in user", .invalid),
        .says("用户已被封禁", .auth, replace),
        .says("User has been banned", .auth, replace),
        .says("用户名或密码错误，或用户已被封禁", .auth, replace),
        .says("Username or password is incorrect, or user has been banned", .auth, replace),
        .says("管理员关闭了密码登录", .unsupported),
        .says("无权进行此操作，权限不足", .denied),
        .says("Unauthorized, insufficient privileges", .denied),
        .says("Turnstile token 为空", .challenge, turnstile),
        .says("Turnstile 校验失败，请刷新重试！", .challenge, turnstile),
        .says("验证码或备用码不正确", .challenge, totp),
        .says("会话已过期，请重新登录", .challenge, totp),
        .says("令牌名称过长", .invalid),
        .says("Token name is too long", .invalid),
        .says("已达到最大令牌数量限制 (1000)", .tooLarge),
        .says("record not found", .notFound),
        .says("签到失败，请稍后重试", .unavailable),
        .says("Please try again later", .unavailable),
        .says("无效的参数", .invalid),
        .says("something nobody has seen", .invalid),
    ]

    static let statuses: [Refusal] = [
        .coded(401, "AUTH_TOKEN_EXPIRED", .auth, refresh),
        .coded(401, "AUTH_UNAUTHORIZED", .auth, login),
        .coded(401, "AUTH_SESSION_REVOKED", .auth, login),
        .coded(401, "AUTH_USER_DISABLED", .auth, replace),
        .coded(403, "AUTH_INSUFFICIENT_PRIVILEGE", .denied),
        .coded(403, "AUTH_ORIGIN_FORBIDDEN", .denied),
        .coded(409, "AUTH_REFRESH_RACE", .conflict),
        .coded(409, "AUTH_SESSION_MISMATCH", .auth, login),
        .coded(418, "SOMETHING_NEW", .invalid),
        Refusal(401, #"{"success":false,"message":"x"}"#, .auth, login),
        Refusal(401, "", .auth),
        Refusal(403, #"{"success":false,"message":"x"}"#, .denied),
        Refusal(404, #"{"error":{"message":"Invalid URL (POST /api/user/checkin)"}}"#, .unsupported),
        Refusal(404, "404 page not found", .unsupported),
        Refusal(301, "", .protocolViolation),
        Refusal(429, "", .rateLimited),
        Refusal(500, #"{"success":false,"message":"x"}"#, .unavailable),
        Refusal(502, "<html>bad gateway</html>", .unavailable),
        Refusal(200, "<!doctype html><title>New API</title>", .protocolViolation),
        Refusal(200, "<html><script>var arg1='AB'</script>", .challenge, browser),
        Refusal(403, "Denied by http_ratelimit", .rateLimited),
        Refusal(200, "", .protocolViolation),
        Refusal(200, "[1]", .protocolViolation),
        Refusal(200, #"{"message":"hello"}"#, .invalid),
    ]

    @Test(arguments: sentences + statuses) func refusalsBecomeErrors(_ refusal: Refusal) {
        let error = failure(refusal.body, status: refusal.status)
        #expect(error?.code == refusal.code)
        #expect(error?.detailsJSON == refusal.details)
        #expect(error?.message.hasSuffix(".") == true)
    }

    @Test func theDelayComesFromTheHeader() {
        let error = failure("", status: 429, headers: [("retry-after", "30")])
        #expect(error?.retryAfter == .seconds(30))
    }

    // MARK: Logins

    @Test func aLoginIsReadFromItsCookie() throws {
        let cookie = "session=MTc2|abc=; Path=/; Max-Age=2592000; HttpOnly; SameSite=Strict"
        let reply = try reply(
            #"{"success":true,"data":{"id":42,"username":"alice"}}"#, headers: [("set-cookie", cookie)])
        #expect(try LoginReply(reply) == .cookie(userID: "42", session: "MTc2|abc=", lifetime: 2_592_000))
    }

    @Test func aLoginIsReadFromItsBundle() throws {
        let body = """
            {"success":true,"data":{"access_token":"a.b.c","access_expires_at":99,"session":{"sid":"s"},
            "user":{"id":42,"username":"alice"}}}
            """
        let cookie = "new_api_refresh=s.secret; Path=/api/user/auth; HttpOnly"
        let reply = try reply(body, headers: [("set-cookie", "other=1"), ("set-cookie", cookie)])
        #expect(
            try LoginReply(reply)
                == .bearer(userID: "42", session: "a.b.c", sessionID: "s", refresh: "s.secret", expiresAt: 99))
    }

    @Test func aLoginWithoutACredentialIsNonsense() throws {
        for body in [#"{"success":true,"data":{"id":42}}"#, #"{"success":true,"data":{"require_2fa":true}}"#] {
            let reply = try reply(body)
            #expect(throws: PluginError.self) { try LoginReply(reply) }
        }
        let deleted = try reply(#"{"success":true,"data":{"id":1}}"#, headers: [("set-cookie", "session=; Max-Age=0")])
        #expect(throws: PluginError.self) { try LoginReply(deleted) }
    }

    // MARK: Lists

    @Test func nullAndMissingMembersAreNotTraps() throws {
        #expect(try ModelReplies.dashboard(.null).models.isEmpty)
        #expect(try TokenPage(.null).rows.isEmpty)
        #expect(try TokenPage(["items": .null, "total": 0]).rows.isEmpty)
        #expect(throws: PluginError.self) { try TokenPage("x") }
        #expect(throws: PluginError.self) { try ModelReplies.keyed(["data": .null]) }
        #expect(throws: PluginError.self) { try ModelReplies.groups(["x"]) }
        let entry = try #require(TokenReplies.entry(["id": 1], quotaPerUSD: 500_000))
        #expect(entry == TokenEntry(id: "1", name: ""))
        #expect(TokenReplies.entry(["name": "x"], quotaPerUSD: 1) == nil)
    }

    @Test func groupsOfVeryOldForksAreDescriptions() throws {
        let list = try ModelReplies.groups(["default": "The usual", "auto": ["ratio": "自动", "desc": "d"]])
        #expect(list.groups.map(\.id) == ["default", "auto"])
        #expect(list.groups.map(\.description) == ["The usual", "d"])
        #expect(list.groups.map(\.ratio) == [nil, nil])
    }

    @Test func amountsBeyond32BitsAreRead() throws {
        let profile = try AccountReplies.profile(["id": 1, "quota": 9_000_000_000_000], quotaPerUSD: 500_000)
        #expect(profile.balanceUSD == 18_000_000)
        #expect(profile.usedUSD == nil)
    }

    @Test func pricesFollowTheQuotaPerDollar() throws {
        let body = """
            {"success":true,"data":[{"model_name":"gpt-4o","quota_type":0,"model_ratio":1.25,"completion_ratio":4,
            "cache_ratio":0.5,"create_cache_ratio":1.25,"enable_groups":["all"],"supported_endpoint_types":["openai"]},
            {"model_name":"per-call","quota_type":1,"model_price":0.02},{"model_name":""},{"x":1}],
            "group_ratio":{"default":1,"vip":0.8,"auto":"x"}}
            """
        let document = try JSONValue(parsing: body)
        let usual = try PriceReply.read(document, quotaPerUSD: 500_000)
        #expect(
            usual.prices[0]
                == PriceEntry(
                    model: "gpt-4o", input: 2.5, output: 10, cachedInput: 1.25, cacheWrite: 3.125, groups: ["all"],
                    formats: ["openai.chat"]))
        #expect(usual.prices[1] == PriceEntry(model: "per-call", billing: .request, perRequestUSD: 0.02))
        #expect(usual.prices.count == 2)
        #expect(usual.groupRatios == ["default": 1, "vip": 0.8])
        #expect(try PriceReply.read(document, quotaPerUSD: 1_000_000).prices[0].input == 1.25)
        #expect(try PriceReply.read(document, quotaPerUSD: 500_000, group: "vip").prices.count == 2)
    }

    // MARK: Recognition

    @Test(arguments: [
        (#"{"check_in_enabled":true,"setup":true}"#, SiteStatus.Platform.veloera),
        (#"{"linuxDo_oauth":true}"#, .doneHub), (#"{"PaymentUSDRate":7}"#, .oneHub),
        (#"{"setup":true,"system_name":"Renamed"}"#, .newAPI), (#"{"oidc_well_known":"","system_name":"x"}"#, .oneAPI),
        (#"{"system_name":"New API"}"#, .unknown),
    ]) func theFamilyIsToldApartByMembers(body: String, platform: SiteStatus.Platform) throws {
        #expect(SiteStatus(try JSONValue(parsing: body)).platform == platform)
    }

    @Test func aQuotaPerDollarOfZeroIsNotBelieved() {
        #expect(SiteStatus(["quota_per_unit": 0]).quotaPerUSD == 500_000)
        #expect(SiteStatus(.emptyObject).quotaPerUSD == 500_000)
    }

    @Test func longSentencesAreCutToOneLine() {
        let sentence = Redaction.sentence(String(repeating: "word\n", count: 100))
        #expect(sentence.count <= 201)
        #expect(!sentence.contains("\n"))
        #expect(Redaction.sentence("") == "nothing")
    }

    @Test func monthsOfTheCalendar() {
        #expect(Month(unixSeconds: 0).text == "1970-01")
        #expect(Month(unixSeconds: 1_786_000_000).text == "2026-08")
        #expect(Month(unixSeconds: 1_709_164_800).text == "2024-02")
        #expect(Month(unixSeconds: 1_709_251_200).text == "2024-03")
    }
}
