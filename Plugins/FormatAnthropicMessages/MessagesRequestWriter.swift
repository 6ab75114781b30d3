import CanonicalChat
import PatchbayPlugin
import PatchbayWire

/// Turns a canonical request into a Messages request.
struct MessagesRequestWriter {
    var writer = JSONWriter()
    var context: ConversionContext
    var request: CanonicalRequest
    /// The request came in this format, so that everything it said can be said again.
    let isSameFormat: Bool
    var toolNames: IdentifierMap
    var toolIDs: IdentifierMap
    var plan: ThinkingPlan

    private init(_ request: consuming CanonicalRequest, _ context: consuming ConversionContext) {
        isSameFormat = request.origin.format == MessagesFormat.id
        toolNames = MessagesFormat.toolNames(context.profile, request.tools.map(\.name))
        toolIDs = IdentifierMap(callIDs: context.profile, limit: MessagesFormat.toolIDLimit)
        self.request = request
        self.context = context
        plan = ThinkingPlan(self.request, context: &self.context)
    }

    /// - Throws: what the format cannot say at all. Lesser losses are recorded in `context`.
    static func write(
        _ request: consuming CanonicalRequest, context: inout ConversionContext
    ) throws(ConversionError) -> [UInt8] {
        var writer = MessagesRequestWriter(request, exchange(&context, with: ConversionContext()))
        defer { context = writer.context }
        try writer.write()
        return writer.writer.bytes
    }

    private mutating func write() throws(ConversionError) {
        if !isSameFormat {
            try refuseForeign()
            if request.hasCacheMarks {
                request.limitCacheMarks()
                if request.orderCacheMarks() { context.lose(.degrade, "cache.ttl", at: "/turns") }
            }
        }
        let turns = try conversation()
        writer.beginObject()
        writer.member("model", context.upstreamModel.isEmpty ? request.model : context.upstreamModel)
        writer.member("max_tokens", plan.maxTokens)
        try writeSystem()
        try writeMessages(turns)
        writeTools(turns)
        writeThinking()
        writeSampling()
        writeRest()
        writeNative()
        writer.endObject()
    }

    /// What a request of another format may ask for and no request of this one can say.
    private mutating func refuseForeign() throws(ConversionError) {
        try request.refuseForeignState(for: MessagesFormat.id, &context)
        if let count = request.sampling["n"]?.intValue, count > 1 {
            context.lose(.fatal, "sampling.n", at: "/sampling/n")
            throw ConversionError(.unsupported, "`n` must be 1: anthropic.messages gives one answer per request")
        }
        if request.output.modalities.contains(where: { $0 != "text" }) {
            context.lose(.fatal, "output.modalities", at: "/output/modalities")
            throw ConversionError(.unsupported, "`modalities` must be text: anthropic.messages answers with text only")
        }
        if request.sampling["logprobs"]?.boolValue == true {
            context.lose(.semantic, "sampling.logprobs", at: "/sampling/logprobs")
        }
        if request.output.verbosity != nil { context.lose(.degrade, "output.verbosity", at: "/output/verbosity") }
    }

    // MARK: - Instructions

    private mutating func writeSystem() throws(ConversionError) {
        var parts = request.system.count == 1 ? request.system[0].parts : request.system.flatMap(\.parts)
        if let suffix = jsonInstruction { parts.append(.text(suffix)) }
        parts = withoutBlankText(parts)
        guard !parts.isEmpty else { return }
        let isString = request.system.first?.form != .parts || !isSameFormat
        if parts.count == 1, isString, let text = parts[0].plainText { return writer.member("system", text) }
        writer.key("system")
        writer.beginArray()
        for part in parts { try writeBlock(part, role: .system, "/system") }
        writer.endArray()
    }

    /// Asks for JSON in words, where the format or the model has no other way.
    private var jsonInstruction: String? {
        guard !isSameFormat, let format = request.output.format, format.kind != .text, !usesNativeSchema else {
            return nil
        }
        let text = "Answer with a single valid JSON value and nothing else: no explanation and no code fence."
        guard format.kind == .jsonSchema, let schema = format.schema else { return text }
        return text + " The value must conform to this JSON schema: \(schema.description)"
    }

    private var usesNativeSchema: Bool {
        guard request.output.format?.kind == .jsonSchema, request.output.format?.schema != nil else { return false }
        return context.profile.structured.map { $0 == "native" } ?? true
    }

    // MARK: - Sampling

    private mutating func writeSampling() {
        let isNew = context.dialect == MessagesFormat.strictDialect
        let rule = context.profile.temperature
        for value in request.sampling.values {
            var path: String { "/sampling/\(value.key)" }
            switch value.key {
            case "temperature", "top_p", "top_k":
                if isNew || rule == "none" || rule == "default_only" {
                    context.lose(.degrade, "sampling.\(value.key)", at: path)
                } else if isSameFormat {
                    writer.key(value.key)
                    writer.value(value.value)
                } else {
                    writeForeign(value)
                }
            case "n", "logprobs": break
            case "top_logprobs": context.lose(.info, "sampling.top_logprobs", at: path)
            default: context.lose(.degrade, "sampling.\(value.key)", at: path)
            }
        }
        let stop = request.sampling.stop.filter { text in isSameFormat || text.contains { !$0.isWhitespace } }
        if stop.count < request.sampling.stop.count { context.lose(.semantic, "sampling.stop", at: "/sampling/stop") }
        if !stop.isEmpty { writer.member("stop_sequences", .array(stop.map(JSONValue.string))) }
    }

    private mutating func writeForeign(_ value: JSONObject.Member) {
        let number = value.value.doubleValue ?? 0
        switch value.key {
        case _ where plan.isOn && !(value.key == "temperature" && number == 1),
            "top_p" where request.sampling["temperature"] != nil:
            context.lose(.degrade, "sampling.\(value.key)", at: "/sampling/\(value.key)")
        case "temperature" where number > 1:
            context.lose(.degrade, "sampling.temperature", at: "/sampling/temperature")
            writer.member("temperature", 1)
        default:
            writer.key(value.key)
            writer.value(value.value)
        }
    }

    // MARK: - The rest

    private mutating func writeThinking() {
        if isSameFormat { return }
        switch plan.form {
        case .absent: break
        case .disabled: writer.member("thinking", ["type": "disabled"])
        case .adaptive: writer.member("thinking", ["type": "adaptive"])
        case .budget(let tokens):
            writer.member("thinking", ["type": "enabled", "budget_tokens": .int(tokens)])
        }
        guard plan.effort != nil || usesNativeSchema else { return }
        writer.key("output_config")
        writer.beginObject()
        writer.member("effort", ifPresent: plan.effort)
        if usesNativeSchema, let schema = request.output.format?.schema {
            writer.key("format")
            writer.beginObject()
            writer.member("type", literal: "json_schema")
            writer.member("schema", StrictSchema.transformed(schema))
            writer.endObject()
        }
        writer.endObject()
    }

    private mutating func writeRest() {
        if context.stream || request.stream.on { writer.member("stream", true) }
        if request.endUser != nil || isSameFormat && request.metadata != nil {
            writer.key("metadata")
            writer.beginObject()
            writer.member("user_id", ifPresent: request.endUser)
            if isSameFormat, let rest = request.metadata?.objectValue { writer.members(rest) }
            writer.endObject()
        }
        if !isSameFormat, request.metadata != nil { context.lose(.info, "metadata", at: "/metadata") }
        guard let tier = request.serviceTier else { return }
        switch tier {
        case _ where isSameFormat: writer.member("service_tier", tier)
        case "auto", "priority": writer.member("service_tier", literal: "auto")
        case "default": writer.member("service_tier", literal: "standard_only")
        default: context.lose(.info, "service_tier", at: "/service_tier")
        }
    }

    private mutating func writeNative() {
        guard let native = request.native else { return }
        if isSameFormat {
            for member in native.members where !member.key.hasPrefix("$") {
                if member.key == "stream", context.stream { continue }
                writer.key(member.key)
                writer.value(member.value)
            }
            return
        }
        for member in native.members where !member.key.hasPrefix("$") && !member.value.isNull {
            if Self.interpreted.contains(member.key) { continue }
            let severity: LossSeverity = Self.meaningful.contains(member.key) ? .semantic : .info
            context.lose(severity, "native.\(member.key)", at: "/native/\(native.format)/\(member.key)")
        }
    }

    /// Members of Chat Completions and of Responses that were understood already.
    private static let interpreted: Set<String> = [
        "stream", "stream_options", "reasoning", "thinking", "enable_thinking", "thinking_budget", "safety_identifier",
        "store", "include",
    ]
    /// Members of other formats without which the answer differs.
    private static let meaningful: Set<String> = [
        "web_search_options", "response_format", "prompt", "conversation", "background", "max_tool_calls",
        "suffix", "echo", "best_of",
    ]
}
