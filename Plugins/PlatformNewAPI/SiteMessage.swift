import PatchbayPlugin

/// What a sentence of the site means. New API reports most failures as text, in Chinese or in English.
enum SiteMessage: String, Sendable, CaseIterable {
    // The dashboard.
    case notLoggedIn
    case accessTokenInvalid
    case userHeaderMissing
    case userHeaderMismatch
    case userBanned
    case insufficientPrivileges
    case wrongPassword
    case passwordLoginDisabled
    case secondFactorWrong
    case secondFactorExpired
    case turnstileMissing
    case turnstileRejected
    case checkinDisabled
    case checkinAlreadyDone
    case checkinFailed
    case tokenNameTooLong
    case tokenLimitReached
    case recordNotFound
    case invalidParameters
    case tryAgainLater

    // The relay.
    case keyMissing
    case keyInvalid
    case keyExpired
    case keyExhausted
    case keyUnavailable
    case addressNotAllowed
    case groupForbidden
    case modelForbidden
    case modelUnavailable
    case modelNameMissing
    case quotaExhausted
    case quotaTooSmall
    case upstreamSaturated
    case tooManyRequests
    case contentRefused
    case requestMalformed
    case endpointUnknown
}

extension SiteMessage {
    /// The first meaning whose phrase occurs in `text`.
    ///
    /// Phrases are parts of sentences, since sites add ids, amounts and names around them. ASCII letters match in both
    /// cases. More telling phrases come first.
    init?(in text: String) {
        var text = text
        let found = text.withUTF8 { bytes -> SiteMessage? in
            let view = ByteView(UnsafeRawBufferPointer(bytes))
            return Self.phrases.first { view.contains($0.phrase, ignoringCase: true) }?.meaning
        }
        guard let found else { return nil }
        self = found
    }

    /// The catalogue. Sources: i18n/locales and the literals in middleware, controller, model and service of
    /// QuantumNous/new-api from 2025-04 to 2026-08; English exists since 2026-02.
    private static let phrases: [(phrase: StaticString, meaning: SiteMessage)] = [
        // Who is asking. The header comes before the token, because both sentences begin alike.
        ("未提供 new-api-user", .userHeaderMissing),
        ("new-api-user header not provided", .userHeaderMissing),
        ("new-api-user 格式错误", .userHeaderMissing),
        ("new-api-user header format", .userHeaderMissing),
        ("new-api-user format", .userHeaderMissing),
        ("new-api-user 与登录用户不匹配", .userHeaderMismatch),
        ("does not match logged in user", .userHeaderMismatch),
        ("未登录且未提供 access token", .notLoggedIn),
        ("not logged in and no access token", .notLoggedIn),
        ("access token 无效", .accessTokenInvalid),
        ("invalid access token", .accessTokenInvalid),
        ("管理员关闭了密码登录", .passwordLoginDisabled),
        ("password login has been disabled", .passwordLoginDisabled),
        ("用户名或密码错误", .wrongPassword),
        ("username or password is incorrect", .wrongPassword),
        ("用户名或密码为空", .wrongPassword),
        ("username or password is empty", .wrongPassword),
        ("用户已被封禁", .userBanned),
        ("该用户已被禁用", .userBanned),
        ("user has been banned", .userBanned),
        ("user has been disabled", .userBanned),
        ("权限不足", .insufficientPrivileges),
        ("insufficient privilege", .insufficientPrivileges),

        // Obstacles. Turnstile is never translated.
        ("turnstile token 为空", .turnstileMissing),
        ("turnstile token is empty", .turnstileMissing),
        ("turnstile 校验失败", .turnstileRejected),
        ("turnstile verification failed", .turnstileRejected),
        ("验证码或备用码不正确", .secondFactorWrong),
        ("verification code or backup code is incorrect", .secondFactorWrong),
        ("会话已过期", .secondFactorExpired),
        ("session has expired", .secondFactorExpired),

        // Check-in. Newer builds have translations of these too.
        ("签到功能未启用", .checkinDisabled),
        ("check-in feature is not enabled", .checkinDisabled),
        ("checkin is not enabled", .checkinDisabled),
        ("今日已签到", .checkinAlreadyDone),
        ("今天已经签到", .checkinAlreadyDone),
        ("已经签到", .checkinAlreadyDone),
        ("already checked in", .checkinAlreadyDone),
        ("签到失败", .checkinFailed),
        ("check-in failed", .checkinFailed),

        // Tokens of the dashboard.
        ("令牌名称过长", .tokenNameTooLong),
        ("token name is too long", .tokenNameTooLong),
        ("已达到最大令牌数量限制", .tokenLimitReached),
        ("maximum number of tokens", .tokenLimitReached),
        ("maximum token limit", .tokenLimitReached),
        ("record not found", .recordNotFound),

        // Money, before anything that only speaks of a token.
        ("用户额度不足", .quotaExhausted),
        ("user quota is not enough", .quotaExhausted),
        ("insufficient user quota", .quotaExhausted),
        ("预扣费额度失败", .quotaTooSmall),
        ("pre-consume quota failed", .quotaTooSmall),
        ("token quota is not enough", .quotaTooSmall),
        ("令牌额度不足", .quotaTooSmall),
        ("tokenstatusexhausted", .keyExhausted),
        ("该令牌额度已用尽", .keyExhausted),
        ("token quota is exhausted", .keyExhausted),

        // The key.
        ("无效的令牌", .keyInvalid),
        ("invalid token", .keyInvalid),
        ("未提供令牌", .keyMissing),
        ("token not provided", .keyMissing),
        ("该令牌已过期", .keyExpired),
        ("this token has expired", .keyExpired),
        ("该令牌状态不可用", .keyUnavailable),
        ("token status is unavailable", .keyUnavailable),
        ("不在令牌允许访问的列表中", .addressNotAllowed),
        ("not in the list of allowed", .addressNotAllowed),
        ("该令牌无权访问", .modelForbidden),
        ("this token has no access to", .modelForbidden),

        // Models, groups and the channels behind them.
        ("无可用渠道", .modelUnavailable),
        ("no available channel", .modelUnavailable),
        ("的可用渠道失败", .modelUnavailable),
        ("failed to get available channel", .modelUnavailable),
        ("该渠道已被禁用", .modelUnavailable),
        ("this channel has been disabled", .modelUnavailable),
        ("没有可用的渠道密钥", .modelUnavailable),
        ("no valid upstream channel", .modelUnavailable),
        ("无有效上游渠道", .modelUnavailable),
        ("无权访问该分组", .groupForbidden),
        ("no permission to access this group", .groupForbidden),
        ("已被弃用", .groupForbidden),
        ("上游负载已饱和", .upstreamSaturated),
        ("upstream load is saturated", .upstreamSaturated),
        ("请求数限制", .tooManyRequests),
        ("reached the request limit", .tooManyRequests),
        ("reached the total request limit", .tooManyRequests),
        ("too many requests", .tooManyRequests),
        ("请求过于频繁", .tooManyRequests),
        ("无权访问", .groupForbidden),

        // The request.
        ("invalid url (", .endpointUnknown),
        ("未指定模型名称", .modelNameMissing),
        ("model name not specified", .modelNameMissing),
        ("sensitive words detected", .contentRefused),
        ("敏感词", .contentRefused),
        ("field messages is required", .requestMalformed),
        ("invalid json request body", .requestMalformed),
        ("无效的参数", .invalidParameters),
        ("invalid parameter", .invalidParameters),
        ("请稍后重试", .tryAgainLater),
        ("please try again later", .tryAgainLater),
    ]
}
