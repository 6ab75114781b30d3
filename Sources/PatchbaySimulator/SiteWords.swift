/// The site's sentences. Some the platform translates, some it says in Chinese whatever the language.
struct SiteWords: Sendable {
    let language: SimulatedSite.Language

    private func say(_ chinese: String, _ english: String) -> String {
        language == .chinese ? chinese : english
    }

    // MARK: Dashboard

    var notLoggedIn: String {
        say(
            "无权进行此操作，未登录且未提供 access token",
            "Unauthorized, not logged in and no access token provided")
    }
    var invalidAccessToken: String {
        say("无权进行此操作，access token 无效", "Unauthorized, invalid access token")
    }
    var userHeaderMissing: String {
        say("无权进行此操作，未提供 New-Api-User", "Unauthorized, New-Api-User header not provided")
    }
    var userHeaderMalformed: String {
        say("无权进行此操作，New-Api-User 格式错误", "Unauthorized, New-Api-User header format error")
    }
    var userHeaderMismatch: String {
        say(
            "无权进行此操作，New-Api-User 与登录用户不匹配",
            "Unauthorized, New-Api-User does not match logged in user")
    }
    var userBanned: String { say("用户已被封禁", "User has been banned") }
    var wrongPassword: String {
        say(
            "用户名或密码错误，或用户已被封禁",
            "Username or password is incorrect, or user has been banned")
    }
    var secondFactorWanted: String { say("请输入两步验证码", "Please enter two-factor authentication code") }
    var wrongCode: String { say("验证码或备用码不正确", "Verification code or backup code is incorrect") }
    var invalidParameters: String { say("无效的参数", "Invalid parameters") }
    var nameTooLong: String { say("令牌名称过长", "Token name is too long") }
    var redemptionFailed: String { say("兑换失败，请稍后重试", "Redemption failed, please try again later") }
    var notFound: String { "record not found" }
    var sessionOver: String { "会话已过期，请重新登录" }
    var turnstileMissing: String { "Turnstile token 为空" }
    var turnstileRejected: String { "Turnstile 校验失败，请刷新重试！" }

    // The platform does not translate these, whatever the language (as of August 2026).
    var checkinDone: String { "签到成功" }
    var checkinDisabled: String { "签到功能未启用" }
    var checkinAlreadyDone: String { "今日已签到" }
    var ratioConfigClosed: String { "倍率配置接口未启用" }

    // MARK: Relay

    var tokenNotProvided: String { say("未提供令牌", "Token not provided") }
    var tokenInvalid: String { say("无效的令牌", "Invalid token") }
    var tokenExpired: String { say("该令牌已过期", "This token has expired") }
    var tokenUnavailable: String { say("该令牌状态不可用", "This token status is unavailable") }
    func tokenExhausted(_ key: String) -> String {
        let trace = "TokenStatusExhausted[sk-\(key.prefix(3))***\(key.suffix(3))]"
        return say("该令牌额度已用尽 \(trace)", "This token quota is exhausted \(trace)")
    }
    func modelForbidden(_ model: String) -> String {
        say("该令牌无权访问模型 \(model)", "This token has no access to model \(model)")
    }
    func noChannel(group: String, model: String) -> String {
        say(
            "分组 \(group) 下模型 \(model) 无可用渠道（distributor）",
            "No available channel for model \(model) under group \(group) (distributor)")
    }
    func groupForbidden(_ group: String) -> String { "无权访问 \(group) 分组" }
    var modelMissing: String {
        say("未指定模型名称，模型名称不能为空", "Model name not specified, model name cannot be empty")
    }
    func userQuotaExhausted(_ remainder: String) -> String { "用户额度不足, 剩余额度: \(remainder)" }
    func userQuotaTooSmall(_ remainder: String, need: String) -> String {
        "预扣费额度失败, 用户剩余额度: \(remainder), 需要预扣费额度: \(need)"
    }
    func tokenQuotaTooSmall(_ remainder: String, need: String) -> String {
        "token quota is not enough, token remain quota: \(remainder), need quota: \(need)"
    }
}
