import CanonicalChat
import PatchbayPlugin
import PatchbayWire

/// Turns a canonical request into a Responses request.
struct ResponsesRequestWriter {
    var writer = JSONWriter()
    var context: ConversionContext
    let request: CanonicalRequest
    /// The request came in this format, so that everything it said can be said again.
    let isSameFormat: Bool
    var toolNames: IdentifierMap
    var toolIDs: IdentifierMap
    /// Calls whose result has to be given as that of a free-text tool.
    var customCalls: Set<String> = []

    private init(_ request: CanonicalRequest, _ context: ConversionContext) {
        self.request = request
        self.context = context
        isSameFormat = request.origin.format == ResponsesFormat.id
        toolNames = ResponsesFormat.toolNames(context.profile, request.tools.map(\.name))
        toolIDs = IdentifierMap(callIDs: context.profile, limit: ResponsesFormat.toolIDLimit)
    }

    /// - Throws: what the format cannot say at all. Lesser losses are recorded in `context`.
    static func write(
        _ request: CanonicalRequest, context: inout ConversionContext
    ) throws(ConversionError) -> [UInt8] {
        var writer = ResponsesRequestWriter(request, context)
        defer { context = writer.context }
        try writer.write()
        return writer.writer.bytes
    }

    private mutating func write() throws(ConversionError) {
        if !isSameFormat { try refuseForeign() }
        writer.beginObject()
        writer.member("model", context.upstreamModel.isEmpty ? request.model : context.upstreamModel)
        try writeInput()
        writeStream()
        writeLimit()
        writeSampling()
        writeText()
        writeTools()
        writeReasoning()
        writeIdentity()
        writeNative()
        writer.endObject()
    }

    /// What a request of another format may ask for and no request of this one can say.
    private mutating func refuseForeign() throws(ConversionError) {
        try request.refuseForeignState(for: ResponsesFormat.id, &context)
        if let count = request.sampling["n"]?.intValue, count > 1 {
            context.lose(.fatal, "sampling.n", at: "/sampling/n")
            throw ConversionError(.unsupported, "`n` must be 1: openai.responses gives one answer per request")
        }
        if request.output.modalities.contains(where: { $0.lowercased() != "text" }) {
            context.lose(.fatal, "output.modalities", at: "/output/modalities")
            throw ConversionError(.unsupported, "`modalities` must be text: openai.responses answers with text only")
        }
    }

    // MARK: - Scalars

    private mutating func writeStream() {
        guard context.stream || request.stream.on else {
            if isSameFormat, let explicit = request.native?["stream"] { writer.member("stream", explicit) }
            return
        }
        writer.member("stream", true)
    }

    private mutating func writeLimit() {
        guard let limit = request.limits.maxOutput else { return }
        if isSameFormat { return writer.member("max_output_tokens", limit) }
        // Servers refuse less; some clients probe with a single token (formats.md E-76).
        if limit < ResponsesFormat.minimumOutput { context.lose(.info, "limits.max_output", at: "/limits/max_output") }
        writer.member("max_output_tokens", max(limit, ResponsesFormat.minimumOutput))
    }

    private mutating func writeSampling() {
        let rule = context.profile.temperature
        for value in request.sampling.values {
            let path = "/sampling/\(value.key)"
            switch value.key {
            case "temperature", "top_p":
                if !isSameFormat, rule == "none" || rule == "default_only" {
                    context.lose(.degrade, "sampling.\(value.key)", at: path)
                } else {
                    writer.key(value.key)
                    writer.value(value.value)
                }
            case "top_logprobs":
                writer.key(value.key)
                writer.value(value.value)
            case "logprobs", "n": break
            default: context.lose(.degrade, "sampling.\(value.key)", at: path)
            }
        }
        if !request.sampling.stop.isEmpty { context.lose(.semantic, "sampling.stop", at: "/sampling/stop") }
    }

    private mutating func writeText() {
        if isSameFormat { return writer.member("text", ifPresent: request.native?["$text"]) }
        guard request.output.format != nil || request.output.verbosity != nil else { return }
        writer.key("text")
        writer.beginObject()
        if let format = request.output.format {
            writer.key("format")
            writer.beginObject()
            switch format.kind {
            case .text: writer.member("type", literal: "text")
            case .json: writer.member("type", literal: "json_object")
            case .jsonSchema:
                writer.member("type", literal: "json_schema")
                writer.member("name", format.name ?? "response")
                writer.member("description", ifPresent: format.description)
                writer.member("strict", format.strict ?? false)
                writer.member("schema", format.schema ?? .emptyObject)
            }
            writer.endObject()
        }
        writer.member("verbosity", ifPresent: request.output.verbosity)
        writer.endObject()
    }

    // MARK: - Reasoning

    private mutating func writeReasoning() {
        if isSameFormat { return writer.member("reasoning", ifPresent: request.native?["$reasoning"]) }
        let wanted = request.reasoning.effortWord
        let isSilent = wanted == ReasoningEffort.none && context.profile.efforts?.contains("none") != true
        if isSilent { context.lose(.info, "reasoning.mode", at: "/reasoning/mode") }
        let isRefused = context.profile.efforts?.isEmpty == true
        if isRefused, wanted != nil { context.lose(.degrade, "reasoning.effort", at: "/reasoning") }
        let effort = isSilent || isRefused ? nil : wanted?.supported(by: context.profile.efforts)
        if effort != nil, request.reasoning.budget != nil {
            context.lose(.info, "reasoning.budget", at: "/reasoning/budget")
        }
        guard !isRefused, effort != nil || showsSummary else { return writeInclude(reasoning: false) }
        writer.key("reasoning")
        writer.beginObject()
        writer.member("effort", ifPresent: effort?.rawValue)
        if showsSummary { writer.member("summary", literal: "auto") }
        writer.endObject()
        writeInclude(reasoning: effort != ReasoningEffort.none)
    }

    /// A client that asked to see reasoning, or that shows it unless told otherwise.
    private var showsSummary: Bool {
        switch (request.reasoning.expose, request.reasoning.mode) {
        case ("none"?, _), (_, .off?): false
        case ("summary"?, _), ("full"?, _), (_, .on?), (_, .adaptive?), (_, .betweenTools?): true
        default: false
        }
    }

    /// The answer is not stored upstream, so that reasoning can only go on if it comes along sealed.
    private mutating func writeInclude(reasoning: Bool) {
        var names: [JSONValue] = []
        if reasoning, context.profile.reasoningEcho != "none" { names.append("reasoning.encrypted_content") }
        if request.sampling["logprobs"]?.boolValue == true { names.append("message.output_text.logprobs") }
        if !names.isEmpty { writer.member("include", .array(names)) }
    }

    // MARK: - The rest

    private mutating func writeIdentity() {
        if isSameFormat {
            writer.member("previous_response_id", ifPresent: request.native?["$previous"])
            if let user = request.endUser, request.native?["safety_identifier"]?.stringValue != user {
                writer.member("user", user)
            }
            writer.member("metadata", ifPresent: request.metadata)
            writer.member("service_tier", ifPresent: request.serviceTier)
            return
        }
        let isRelated = request.origin.format == "openai.chat"
        let keeps = isRelated && request.native?["store"]?.boolValue == true
        writer.member("store", keeps)
        if let user = request.endUser {
            writer.member("safety_identifier", user.utf8.count > 64 ? "user-" + StableHash.digits(user) : user)
        }
        if isRelated {
            writer.member("metadata", ifPresent: request.metadata?.nonNull)
        } else if request.metadata != nil {
            context.lose(.info, "metadata", at: "/metadata")
        }
        switch request.serviceTier {
        case nil: break
        case let tier? where isRelated || tier == "auto": writer.member("service_tier", tier)
        case "standard_only"?, "standard"?: writer.member("service_tier", literal: "default")
        default: context.lose(.info, "service_tier", at: "/service_tier")
        }
    }

    private mutating func writeNative() {
        guard let native = request.native else { return }
        for member in native.members where !member.key.hasPrefix("$") {
            if isSameFormat {
                if member.key == "stream" { continue }
                writer.key(member.key)
                writer.value(member.value)
                continue
            }
            if member.value.isNull || Self.interpreted.contains(member.key) { continue }
            if native.format == "openai.chat", Self.shared.contains(member.key) {
                writer.key(member.key)
                writer.value(member.value)
                continue
            }
            let severity: LossSeverity = Self.meaningful.contains(member.key) ? .semantic : .info
            context.lose(severity, "native.\(member.key)", at: "/native/\(native.format)/\(member.key)")
        }
    }

    /// Members of other formats that were understood already.
    private static let interpreted: Set<String> = [
        "stream", "stream_options", "reasoning", "reasoning_effort", "thinking", "enable_thinking", "thinking_budget",
        "safety_identifier", "store", "output_config", "web_search_options",
    ]
    /// Members that mean the same in both formats of the vendor.
    private static let shared: Set<String> = ["prompt_cache_key", "prompt_cache_retention", "prompt_cache_options"]
    /// Members of other formats without which the answer differs.
    private static let meaningful: Set<String> = ["response_format", "mcp_servers", "container", "fallbacks"]
}
