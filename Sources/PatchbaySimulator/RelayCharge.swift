/// Who pays for an answer, and by which price.
struct RelayCharge: Sendable {
    var userID: Int64
    var tokenID: Int64
    var model: String
    var group: String
    var promptTokens: Int
    var stream: Bool
    var requestID: String
}

/// The events of a streamed answer, each with the completion tokens that have been sent once it has gone out.
struct RelayStream: Sendable {
    struct Step: Sendable {
        var bytes: [UInt8]
        var tokens: Int
    }

    var steps: [Step] = []
    var charge: RelayCharge

    init(charge: RelayCharge) {
        self.charge = charge
    }

    /// Adds an event of the OpenAI kind: data only.
    mutating func add(data: Document, tokens: Int) {
        steps.append(Step(bytes: Array("data: ".utf8) + data.bytes + [0x0A, 0x0A], tokens: tokens))
    }

    /// Adds an event of the Anthropic kind: its name is the member `type`.
    mutating func add(event: Document, tokens: Int) {
        let name = event["type"]?.text ?? ""
        steps.append(
            Step(bytes: Array("event: \(name)\ndata: ".utf8) + event.bytes + [0x0A, 0x0A], tokens: tokens))
    }
}

extension SiteState {
    /// Quota for these tokens: `(input + output × completion ratio) × model ratio × group ratio`, or the price per
    /// call.
    func quota(model: SimulatedModel, group: String, promptTokens: Int, completionTokens: Int) -> Int64 {
        let ratio = groupRatio(group)
        if let price = model.pricePerCall {
            return Int64((price * Double(site.quotaPerUnit) * ratio).rounded())
        }
        let units = Double(promptTokens) + Double(completionTokens) * model.completionRatio
        let quota = Int64((units * model.ratio * ratio).rounded())
        return quota == 0 && model.ratio * ratio > 0 && promptTokens + completionTokens > 0 ? 1 : quota
    }

    /// Takes the money for an answer, or for the part of it that was sent.
    mutating func settle(_ charge: RelayCharge, completionTokens: Int) {
        guard let user = userIndex(charge.userID), let model = site.models.first(where: { $0.name == charge.model })
        else { return }
        let amount = quota(
            model: model, group: charge.group, promptTokens: charge.promptTokens, completionTokens: completionTokens)
        users[user].quota -= amount
        users[user].usedQuota += amount
        users[user].requestCount += 1
        var row = LogRow(userID: charge.userID, time: now, type: 2, content: "")
        if let token = users[user].tokens.firstIndex(where: { $0.id == charge.tokenID }) {
            row.tokenName = users[user].tokens[token].name
            users[user].tokens[token].usedQuota += amount
            users[user].tokens[token].accessedTime = now
            if !users[user].tokens[token].unlimitedQuota {
                users[user].tokens[token].remainQuota -= amount
                if users[user].tokens[token].remainQuota <= 0 { users[user].tokens[token].status = .exhausted }
            }
        }
        row.tokenID = charge.tokenID
        row.model = charge.model
        row.group = charge.group
        row.quota = amount
        row.promptTokens = charge.promptTokens
        row.completionTokens = completionTokens
        row.stream = charge.stream
        row.requestID = charge.requestID
        logs.append(row)
    }
}
