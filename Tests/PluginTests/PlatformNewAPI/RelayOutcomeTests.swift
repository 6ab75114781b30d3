import PatchbayPlugin
import Testing

@testable import PlatformNewAPI

/// What the relay says, and whose fault that is.
@Suite struct RelayOutcomeTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var status: Int
        var body: String
        /// nil = left to the host.
        var fault: Verdict.Fault?
        var retry: Verdict.Retry = .none
        var disables = false

        var testDescription: String { name }

        init(
            _ name: String, _ status: Int, _ body: String, _ fault: Verdict.Fault?, _ retry: Verdict.Retry = .none,
            disables: Bool = false
        ) {
            self.name = name
            self.status = status
            self.body = body
            self.fault = fault
            self.retry = retry
            self.disables = disables
        }
    }

    /// The relay's error object.
    static func own(_ message: String, code: String = "") -> String {
        #"{"error":{"message":"\#(message) (request id: 2026)","type":"new_api_error","param":"","code":"\#(code)"}}"#
    }

    /// The same for `/v1/messages`.
    static func messages(_ message: String) -> String {
        #"{"type":"error","error":{"type":"new_api_error","message":"\#(message) (request id: 2026081012)"}}"#
    }

    /// An error of the site's upstream, passed on.
    static func foreign(_ message: String, type: String, code: String) -> String {
        #"{"error":{"message":"\#(message)","type":"\#(type)","param":null,"code":"\#(code)"}}"#
    }

    static let keys = [
        Case("invalid, zh", 401, own("无效的令牌"), .credential, .otherAccount, disables: true),
        Case("invalid, en", 401, own("Invalid token"), .credential, .otherAccount, disables: true),
        Case("missing, zh", 401, own("未提供令牌"), .credential, .otherAccount, disables: true),
        Case("expired, zh", 401, own("该令牌已过期"), .credential, .otherAccount, disables: true),
        Case("expired, en", 401, own("This token has expired"), .credential, .otherAccount, disables: true),
        Case("disabled, zh", 401, own("该令牌状态不可用"), .credential, .otherAccount, disables: true),
        Case("banned, zh", 403, own("用户已被封禁"), .credential, .otherAccount, disables: true),
        Case(
            "address", 403, own("您的 IP 不在令牌允许访问的列表中", code: "access_denied"), .credential, .otherAccount, disables: true
        ),
        Case("group", 403, own("无权访问 vip 分组"), .credential, .otherAccount, disables: true),
        Case("dropped group", 403, own("分组 vip 已被弃用"), .credential, .otherAccount, disables: true),
        Case("unknown 401", 401, own("something new"), .credential, .otherAccount, disables: true),
        Case(
            "fork", 401, #"{"error":{"message":"x","type":"veloera_error"}}"#, .credential, .otherAccount,
            disables: true),
    ]

    static let money = [
        Case("user, zh", 403, own("用户额度不足, 剩余额度: ＄0.000000", code: "insufficient_user_quota"), .quota, .otherAccount),
        Case("user, messages", 403, messages("用户额度不足, 剩余额度: ＄0.000000"), .quota, .otherAccount),
        Case(
            "too small", 403, own("预扣费额度失败, 用户剩余额度: ＄0.41, 需要预扣费额度: ＄0.55", code: "insufficient_user_quota"), .quota,
            .otherAccount),
        Case("code alone", 403, own("x", code: "insufficient_user_quota"), .quota, .otherAccount),
        Case(
            "token", 403,
            own(
                "token quota is not enough, token remain quota: ＄0.1, need quota: ＄0.2",
                code: "pre_consume_token_quota_failed"), .quota, .otherAccount),
        Case("exhausted, zh", 401, own("该令牌额度已用尽 TokenStatusExhausted[sk-Key***GHI]"), .quota, .otherAccount),
        Case(
            "exhausted, en", 401, own("This token quota is exhausted TokenStatusExhausted[sk-a***b]"), .quota,
            .otherAccount),
    ]

    static let models = [
        Case(
            "no channel, zh", 503, own("分组 default 下模型 x 无可用渠道（distributor）", code: "model_not_found"), .model,
            .otherChannel),
        Case("no channel, older zh", 503, own("当前分组 default 下对于模型 x 无可用渠道"), .model, .otherChannel),
        Case(
            "no channel, en", 503, own("No available channel for model x under group default (distributor)"), .model,
            .otherChannel),
        Case("code alone", 503, own("x", code: "model_not_found"), .model, .otherChannel),
        Case("token limits, zh", 403, own("该令牌无权访问模型 x"), .model, .otherAccount),
        Case("token limits, en", 403, own("This token has no access to model x"), .model, .otherAccount),
        Case("channel key", 500, own("x", code: "channel:no_available_key"), .model, .otherChannel),
        Case("upstream unreachable", 500, own("dial tcp", code: "do_request_failed"), .model, .otherChannel),
        Case(
            "upstream's key", 401, foreign("Incorrect API key", type: "invalid_request_error", code: "invalid_api_key"),
            .model, .otherChannel),
        Case(
            "upstream's money", 402, foreign("Insufficient Balance", type: "unknown_error", code: "x"), .model,
            .otherChannel),
    ]

    static let rest = [
        Case("saturated, zh", 429, own("当前分组上游负载已饱和，请稍后再试"), .overload, .otherChannel),
        Case(
            "saturated, en", 429, own("Current group upstream load is saturated, please try again later"), .overload,
            .otherChannel),
        Case("request limit, zh", 429, own("您已达到请求数限制：1分钟内最多请求10次"), .rate, .otherAccount),
        Case(
            "request limit, en", 429, own("You have reached the request limit: maximum 10 requests in 1 minutes"),
            .rate, .otherAccount),
        Case("concurrency", 429, own("x", code: "token_concurrency_limit_reached"), .rate, .otherAccount),
        Case(
            "upstream's rate", 429, foreign("Rate limit reached", type: "requests", code: "rate_limit_exceeded"),
            .overload, .otherChannel),
        Case("rate without a body", 429, "", .rate, .otherChannel),
        Case("edge limit", 403, "Denied by http_ratelimit", .rate, .otherChannel),
        Case(
            "unknown path", 404,
            #"{"error":{"message":"Invalid URL (POST /v1/messages)","type":"invalid_request_error","param":"","code":""}}"#,
            .endpoint, .otherChannel),
        Case("sensitive words", 400, own("x", code: "sensitive_words_detected"), .client, .none),
        Case("no messages", 400, own("field messages is required", code: "invalid_request"), .client, .none),
        Case("no model name", 400, own("Model name not specified, model name cannot be empty"), .client, .none),
        Case("upstream's 400", 400, foreign("bad tool", type: "invalid_request_error", code: "x"), nil),
        Case(
            "business failure", 200, #"{"success":false,"message":"无效的令牌"}"#, .credential, .otherAccount, disables: true
        ),
        Case(
            "error with status 200", 200, #"{"error":{"message":"boom","type":"upstream_error"}}"#, .site, .otherChannel
        ),
        Case("page with status 200", 200, "<!doctype html><html><title>New API</title></html>", .site, .otherChannel),
        Case("firewall", 200, "<html><script>var arg1='B8B7';</script></html>", .challenge, .otherChannel),
        Case("cloudflare", 403, "<!DOCTYPE html><title>Just a moment...</title>", .challenge, .otherChannel),
        Case("proxy", 502, "<html><title>502 Bad Gateway</title></html>", .site, .otherChannel),
        Case("empty success", 200, " \n", .site, .otherChannel),
        Case("nonsense", 200, "hello", .site, .otherChannel),
        Case("good answer", 200, #"{"id":"x","choices":[]}"#, Verdict.Fault.none, .none),
        Case("unknown 500", 500, own("boom"), nil),
        Case("unknown 500 without a body", 500, "", nil),
    ]

    @Test(arguments: keys + money + models + rest) func theRightPartyIsBlamed(_ example: Case) {
        let verdict = judge(example.status, example.body)
        #expect(verdict?.fault == example.fault)
        guard let verdict else { return }
        #expect(verdict.retry == example.retry)
        #expect(verdict.disableCredential == example.disables)
        #expect(verdict.fault == .none || verdict.reason.hasSuffix("."))
    }

    private func judge(_ status: Int, _ body: String, retryAfter: Duration? = nil) -> Verdict? {
        Array(body.utf8).withUnsafeBytes {
            RelayOutcome(status: status, body: ByteView($0), retryAfter: retryAfter).verdict
        }
    }

    @Test func theDelayOfTheSiteIsKept() {
        #expect(judge(429, "", retryAfter: .seconds(9))?.retryAfter == .seconds(9))
        #expect(judge(429, Self.own("too many requests"), retryAfter: .seconds(9))?.retryAfter == .seconds(9))
    }

    @Test func aShortageForOneRequestRestsLessThanAnEmptyBalance() {
        let small = judge(403, Self.own("预扣费额度失败, 用户剩余额度: ＄1", code: "insufficient_user_quota"))
        #expect(small?.cooldown == .seconds(60))
        let empty = judge(403, Self.own("用户额度不足", code: "insufficient_user_quota"))
        #expect(empty?.cooldown == nil)
    }

    @Test func reasonsHideWhatLooksLikeAKey() {
        let verdict = judge(401, Self.own("Invalid token sk-0123456789abcdef0123456789"))
        #expect(verdict?.reason.contains("0123456789") == false)
    }

    @Test func aCutDocumentIsNotNonsense() {
        let long = #"{"choices":[{"message":{"content":""# + String(repeating: "x", count: 1 << 16)
        #expect(judge(200, String(long.prefix(1 << 16))) == nil)
    }

    @Test func anyPrefixOfAnAnswerIsJudgedWithoutATrap() {
        for body in [Self.own("无效的令牌"), Self.messages("x"), "<html><script>var arg1='B8B7';</script></html>"] {
            let bytes = Array(body.utf8)
            for count in 0...bytes.count {
                for status in [200, 401, 429, 503] {
                    bytes[..<count].withUnsafeBytes { raw in
                        _ = RelayOutcome(status: status, body: ByteView(raw), retryAfter: nil).verdict
                    }
                }
            }
        }
    }
}
