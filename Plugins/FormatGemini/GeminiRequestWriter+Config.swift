import CanonicalChat
import PatchbayPlugin
import PatchbayWire

extension GeminiRequestWriter {
    /// Writes `generationConfig`, if there is anything to say in it.
    mutating func writeConfig() {
        var config = JSONObject()
        addSampling(&config)
        if let limit = request.limits.maxOutput {
            if limit > 0 || isSameFormat {
                config.append("maxOutputTokens", .int(limit))
            } else {
                context.lose(.info, "limits.max_output", at: "/limits/max_output")
            }
        }
        if isSameFormat {
            for member in request.native?["generationConfig"]?.objectValue ?? JSONObject() {
                config.append(member.key, member.key == "thinkingConfig" ? Self.oneMeasure(member.value) : member.value)
            }
        } else {
            addOutput(&config)
            addThinking(&config)
        }
        guard !config.isEmpty else { return }
        writer.member("generationConfig", .object(config))
    }

    /// A budget and a level at once are refused; the budget says more.
    private static func oneMeasure(_ config: JSONValue) -> JSONValue {
        guard var members = config.objectValue, members["thinkingBudget"] != nil else { return config }
        members.remove("thinkingLevel")
        return .object(members)
    }

    // MARK: - Sampling

    private static let names = [
        "temperature": "temperature", "top_p": "topP", "top_k": "topK", "n": "candidateCount", "seed": "seed",
        "presence_penalty": "presencePenalty", "frequency_penalty": "frequencyPenalty",
        "logprobs": "responseLogprobs", "top_logprobs": "logprobs",
    ]

    private mutating func addSampling(_ config: inout JSONObject) {
        for value in request.sampling.values {
            guard let name = Self.names[value.key], isSameFormat || accepts(value) else {
                context.lose(.degrade, "sampling.\(value.key)", at: "/sampling/\(value.key)")
                continue
            }
            if !isSameFormat, isDefault(value) { continue }
            config.append(name, value.value)
        }
        var stop = request.sampling.stop
        if stop.count > GeminiFormat.stopMaximum, !isSameFormat {
            context.lose(.semantic, "sampling.stop", at: "/sampling/stop")
            stop = Array(stop.prefix(GeminiFormat.stopMaximum))
        }
        if !stop.isEmpty { config.append("stopSequences", .array(stop.map(JSONValue.string))) }
    }

    private func accepts(_ value: JSONObject.Member) -> Bool {
        switch value.key {
        case "seed": value.value.intValue.map { Int32(exactly: $0) != nil } ?? false
        case "temperature", "top_p":
            context.profile.temperature != "none" && context.profile.temperature != "default_only"
        default: true
        }
    }

    private func isDefault(_ value: JSONObject.Member) -> Bool {
        switch value.key {
        case "n": value.value.intValue == 1
        case "logprobs": value.value.boolValue == false
        case "top_logprobs": request.sampling["logprobs"]?.boolValue != true
        default: false
        }
    }

    // MARK: - Output

    private mutating func addOutput(_ config: inout JSONObject) {
        if request.output.modalities.contains("image") {
            config.append("responseModalities", .array(request.output.modalities.map { .string($0.uppercased()) }))
        }
        guard let format = request.output.format, format.kind != .text else { return }
        guard context.profile.structured != "none" else {
            return context.lose(.semantic, "output.format", at: "/output/format")
        }
        config.append("responseMimeType", "application/json")
        guard format.kind == .jsonSchema, let schema = format.schema else { return }
        guard context.profile.structured != "json_mode" else {
            return context.lose(.degrade, "output.format", at: "/output/format/schema")
        }
        let dialect = schemaDialect
        config.append(
            dialect == .json ? "responseJsonSchema" : "responseSchema", GeminiSchemaWriter.written(schema, dialect))
    }

    var schemaDialect: GeminiSchemaWriter.Dialect {
        context.profile.schema == "gemini-openapi" ? .openAPI : .json
    }

    // MARK: - Reasoning

    private mutating func addThinking(_ config: inout JSONObject) {
        let asked = request.reasoning
        guard !asked.isEmpty else { return }
        if context.profile.thinkingModes?.isEmpty == true {
            return context.lose(.degrade, "reasoning.effort", at: "/reasoning")
        }
        var thinking = JSONObject()
        let isOff = asked.mode == .off || asked.effortWord == ReasoningEffort.none
        if asked.expose != nil || !isOff { thinking.append("includeThoughts", .bool(asked.expose != "none" && !isOff)) }
        if context.profile.thinkingModes?.contains("level") == true {
            if let word = asked.effortWord { thinking.append("thinkingLevel", .string(level(word))) }
        } else if let budget = budget(asked, isOff: isOff) {
            thinking.append("thinkingBudget", .int(budget))
        }
        if !thinking.isEmpty { config.append("thinkingConfig", .object(thinking)) }
    }

    /// The words of the format; `none` has none, so the weakest stands for it.
    private mutating func level(_ word: ReasoningEffort) -> String {
        if word == .none { context.lose(.degrade, "reasoning.mode", at: "/reasoning/mode") }
        switch word.supported(by: context.profile.efforts) {
        case .none, .minimal: return "MINIMAL"
        case .low: return "LOW"
        case .medium: return "MEDIUM"
        case .high, .xhigh, .max: return "HIGH"
        }
    }

    /// The tokens that are asked for; -1 leaves them to the model.
    private mutating func budget(_ asked: CanonicalReasoningRequest, isOff: Bool) -> Int? {
        if isOff {
            guard context.profile.thinkingModes.map({ $0.contains("off") }) ?? true else {
                context.lose(.degrade, "reasoning.mode", at: "/reasoning/mode")
                return nil
            }
            return 0
        }
        let wanted: Int
        switch (asked.budget, asked.effortWord) {
        case (let budget?, _): wanted = budget
        case (nil, .minimal?): wanted = 512
        case (nil, let word?): wanted = word.budget(maxOutput: nil)
        case (nil, nil): return asked.mode == nil ? nil : -1
        }
        let maximum = context.profile.thinkingBudgetMax ?? Self.commonBudget
        if wanted > maximum { context.lose(.degrade, "reasoning.budget", at: "/reasoning") }
        return min(wanted, maximum)
    }

    /// The most that all models of the format take.
    private static let commonBudget = 24576
}
