extension SiteState {
    /// An answer under `/v1`; nil if the path does not exist.
    mutating func relay(_ request: SiteRequest, requestID: String) -> SiteAnswer? {
        switch "\(request.method) \(request.path)" {
        case "GET /v1/models": return withToken(request, requestID: requestID) { $0.modelList(request, $1) }
        case "GET /v1/dashboard/billing/subscription":
            return withToken(request, requestID: requestID) { $0.billingSubscription($1) }
        case "GET /v1/dashboard/billing/usage":
            return withToken(request, requestID: requestID) { $0.billingUsage($1) }
        case "POST /v1/chat/completions":
            return withToken(request, requestID: requestID) { $0.chat(request, $1, requestID: requestID) }
        case "POST /v1/messages":
            return withToken(request, requestID: requestID) { $0.messages(request, $1, requestID: requestID) }
        default:
            guard request.method == "GET", request.path.hasPrefix("/v1/models/") else { return nil }
            return withToken(request, requestID: requestID) { $0.oneModel(request, $1) }
        }
    }

    /// Indices of the user and of his token.
    typealias TokenPlace = (user: Int, token: Int)

    private mutating func withToken(
        _ request: SiteRequest, requestID: String, _ body: (inout SiteState, TokenPlace) -> SiteAnswer
    ) -> SiteAnswer {
        let isMessages = request.path.hasPrefix("/v1/messages") || request.path.hasPrefix("/v1/models")
        let credential = (isMessages ? request.headers["x-api-key"] : nil) ?? request.authorization
        guard let credential, !credential.isEmpty else {
            // The newest builds do not tell a missing token from a wrong one.
            let message = site.era == .c ? words.tokenInvalid : words.tokenNotProvided
            return refusal(message, status: 401, requestID: requestID)
        }
        guard let place = tokenPlace(key: relayKey(credential)) else {
            return refusal(words.tokenInvalid, status: 401, requestID: requestID)
        }
        let token = users[place.user].tokens[place.token]
        if let problem = problem(with: token) {
            return refusal(site.era == .c ? words.tokenInvalid : problem, status: 401, requestID: requestID)
        }
        guard users[place.user].enabled else { return refusal(words.userBanned, status: 403, requestID: requestID) }
        if !token.group.isEmpty, !site.groups.contains(where: { $0.name == token.group }) {
            return refusal(words.groupForbidden(token.group), status: 403, requestID: requestID)
        }
        return body(&self, place)
    }

    private func problem(with token: SimulatedToken) -> String? {
        switch token.status {
        case .disabled: return words.tokenUnavailable
        case .expired: return words.tokenExpired
        case .exhausted: return words.tokenExhausted(token.key)
        case .enabled: break
        }
        if token.expiredTime != -1, token.expiredTime < now { return words.tokenExpired }
        return !token.unlimitedQuota && token.remainQuota <= 0 ? words.tokenExhausted(token.key) : nil
    }

    /// The relay's error object, in the shape of OpenAI.
    private func refusal(_ message: String, status: Int, code: String = "", requestID: String) -> SiteAnswer {
        .json(
            [
                "error": [
                    "message": "\(message) (request id: \(requestID))", "type": "new_api_error", "param": "",
                    "code": .string(code),
                ]
            ], status: status)
    }

    /// The relay's error object after a channel has been chosen: in the shape of the request's format.
    private func failure(
        _ message: String, status: Int, code: String, isMessages: Bool, requestID: String
    ) -> SiteAnswer {
        guard isMessages else { return refusal(message, status: status, code: code, requestID: requestID) }
        return .json(
            [
                "type": "error",
                "error": ["type": "new_api_error", "message": .string("\(message) (request id: \(requestID))")],
            ], status: status)
    }

    // MARK: Models

    private func group(at place: TokenPlace) -> String {
        let own = users[place.user].tokens[place.token].group
        return own.isEmpty ? users[place.user].group : own
    }

    private func models(at place: TokenPlace) -> [SimulatedModel] {
        let limits = users[place.user].tokens[place.token].models
        let group = group(at: place)
        return site.models.filter { $0.groups.contains(group) && limits?.contains($0.name) ?? true }
    }

    private func modelList(_ request: SiteRequest, _ place: TokenPlace) -> SiteAnswer {
        let models = models(at: place)
        if request.headers["x-api-key"] != nil, request.headers["anthropic-version"] != nil {
            return .json([
                "data": .array(models.map { AnthropicRendering.model($0) }), "has_more": false,
                "first_id": models.first.map { .string($0.name) } ?? nil,
                "last_id": models.last.map { .string($0.name) } ?? nil,
            ])
        }
        let data = models.map { OpenAIRendering.model($0, listsEndpoints: site.era != .a) }
        return .json(["success": true, "object": "list", "data": .array(data)])
    }

    private func oneModel(_ request: SiteRequest, _ place: TokenPlace) -> SiteAnswer {
        let name = request.path.dropFirst("/v1/models/".count)
        guard let model = models(at: place).first(where: { $0.name == name }) else {
            return .json(
                [
                    "error": [
                        "message": "The model '\(name)' does not exist", "type": "invalid_request_error",
                        "param": "model", "code": "model_not_found",
                    ]
                ])
        }
        if request.headers["x-api-key"] != nil, request.headers["anthropic-version"] != nil {
            return .json(AnthropicRendering.model(model))
        }
        return .json(OpenAIRendering.model(model, listsEndpoints: site.era != .a))
    }

    // MARK: Billing, as OpenAI had it

    private func billingSubscription(_ place: TokenPlace) -> SiteAnswer {
        let token = users[place.user].tokens[place.token]
        let granted = Double(token.remainQuota + token.usedQuota) / Double(site.quotaPerUnit)
        let limit = Document.number(token.unlimitedQuota ? 100_000_000 : granted)
        return .json([
            "object": "billing_subscription", "has_payment_method": true, "soft_limit_usd": limit,
            "hard_limit_usd": limit, "system_hard_limit_usd": limit,
            "access_until": .integer(max(token.expiredTime, 0)),
        ])
    }

    /// In cents.
    private func billingUsage(_ place: TokenPlace) -> SiteAnswer {
        let token = users[place.user].tokens[place.token]
        return .json([
            "object": "list", "total_usage": .number(Double(token.usedQuota) / Double(site.quotaPerUnit) * 100),
        ])
    }

    // MARK: Answers

    private mutating func chat(_ request: SiteRequest, _ place: TokenPlace, requestID: String) -> SiteAnswer {
        generate(request, place, isMessages: false, requestID: requestID)
    }

    private mutating func messages(_ request: SiteRequest, _ place: TokenPlace, requestID: String) -> SiteAnswer {
        generate(request, place, isMessages: true, requestID: requestID)
    }

    private mutating func generate(
        _ request: SiteRequest, _ place: TokenPlace, isMessages: Bool, requestID: String
    ) -> SiteAnswer {
        guard let body = request.document, body.members != nil else {
            return refusal(
                "Invalid request: invalid JSON request body", status: 400, code: "invalid_request", requestID: requestID
            )
        }
        let prompt = isMessages ? RelayPrompt(messages: body) : RelayPrompt(chat: body)
        guard !prompt.model.isEmpty else { return refusal(words.modelMissing, status: 400, requestID: requestID) }
        if let limits = users[place.user].tokens[place.token].models, !limits.contains(prompt.model) {
            return refusal(words.modelForbidden(prompt.model), status: 403, requestID: requestID)
        }
        let group = group(at: place)
        guard let model = site.models.first(where: { $0.name == prompt.model && $0.groups.contains(group) }) else {
            return refusal(
                words.noChannel(group: group, model: prompt.model), status: 503, code: "model_not_found",
                requestID: requestID)
        }
        guard prompt.messages > 0 else {
            return failure(
                "field messages is required", status: 400, code: "invalid_request", isMessages: isMessages,
                requestID: requestID)
        }
        if let shortage = shortage(prompt, model: model, group: group, place: place) {
            return failure(
                shortage.message, status: 403, code: shortage.code, isMessages: isMessages, requestID: requestID)
        }
        let charge = RelayCharge(
            userID: users[place.user].id, tokenID: users[place.user].tokens[place.token].id, model: model.name,
            group: group, promptTokens: prompt.promptTokens, stream: prompt.stream, requestID: requestID)
        return render(prompt, model: model, charge: charge, isMessages: isMessages)
    }

    /// What the site says when the quota does not cover the request's estimate.
    private func shortage(
        _ prompt: RelayPrompt, model: SimulatedModel, group: String, place: TokenPlace
    ) -> (message: String, code: String)? {
        let need = quota(
            model: model, group: group, promptTokens: prompt.promptTokens,
            completionTokens: min(prompt.maximumTokens ?? 0, 1 << 20))
        let user = users[place.user]
        if user.quota <= 0 {
            return (words.userQuotaExhausted(dollars(user.quota)), "insufficient_user_quota")
        }
        if user.quota < need {
            return (words.userQuotaTooSmall(dollars(user.quota), need: dollars(need)), "insufficient_user_quota")
        }
        let token = user.tokens[place.token]
        guard !token.unlimitedQuota, token.remainQuota < need else { return nil }
        return (
            words.tokenQuotaTooSmall(dollars(token.remainQuota), need: dollars(need)), "pre_consume_token_quota_failed"
        )
    }

    private mutating func render(
        _ prompt: RelayPrompt, model: SimulatedModel, charge: RelayCharge, isMessages: Bool
    ) -> SiteAnswer {
        let reply = RelayAnswer(to: prompt, reasons: model.reasons, seed: site.seed)
        let stamp = RelayStamp(id: random.alphanumeric(24), created: now, model: prompt.model)
        var answer: SiteAnswer
        if prompt.stream {
            let stream =
                isMessages
                ? AnthropicRendering.stream(reply, prompt: prompt, stamp: stamp, charge: charge)
                : OpenAIRendering.stream(reply, prompt: prompt, stamp: stamp, charge: charge)
            answer = SiteAnswer(status: 200, body: .stream(stream))
            answer.set("content-type", "text/event-stream")
            answer.set("cache-control", "no-cache")
            answer.set("x-accel-buffering", "no")
            answer.delayMilliseconds = site.pace.firstToken
        } else {
            answer = .json(
                isMessages
                    ? AnthropicRendering.message(reply, prompt: prompt, stamp: stamp)
                    : OpenAIRendering.completion(reply, prompt: prompt, stamp: stamp))
            answer.delayMilliseconds = site.pace.firstToken + site.pace.perToken * reply.completionTokens
            settle(charge, completionTokens: reply.completionTokens)
        }
        return answer
    }
}

/// What identifies an answer.
struct RelayStamp: Sendable {
    var id: String
    /// Seconds since 1970.
    var created: Int64
    var model: String
}
