import CanonicalChat
import PatchbayPlugin
import PatchbayWire

/// Turns a canonical request into a Chat Completions request.
struct ChatRequestWriter {
    var writer = JSONWriter()
    var context: ConversionContext
    let request: CanonicalRequest
    /// The request came in this format, so that everything it said can be said again.
    let isSameFormat: Bool
    var toolNames: IdentifierMap
    var toolIDs: IdentifierMap
    /// Members that are not to be written again from `native`.
    private var written: [String] = []

    private init(_ request: consuming CanonicalRequest, _ context: consuming ConversionContext) {
        isSameFormat = request.origin.format == ChatFormat.id
        toolNames = ChatFormat.toolNames(context.profile, request.tools.map(\.name))
        toolIDs = IdentifierMap(callIDs: context.profile, limit: ChatFormat.toolIDLimit)
        self.request = request
        self.context = context
    }

    /// - Throws: what the format cannot say at all. Lesser losses are recorded in `context`.
    static func write(
        _ request: consuming CanonicalRequest, context: inout ConversionContext
    ) throws(ConversionError) -> [UInt8] {
        var writer = ChatRequestWriter(request, exchange(&context, with: ConversionContext()))
        defer { context = writer.context }
        try writer.write()
        return writer.writer.bytes
    }

    private mutating func write() throws(ConversionError) {
        if !isSameFormat { try request.refuseForeignState(for: ChatFormat.id, &context) }
        writer.beginObject()
        writer.member("model", context.upstreamModel.isEmpty ? request.model : context.upstreamModel)
        try writeMessages()
        writeStream()
        writeLimit()
        writeSampling()
        writeOutput()
        writeTools()
        writeReasoning()
        writeIdentity()
        writeNative()
        writer.endObject()
    }

    // MARK: - Scalars

    private mutating func writeStream() {
        let isOn = context.stream || request.stream.on
        written += ["stream", "stream_options"]
        guard isOn else {
            if isSameFormat, let explicit = request.native?["stream"] { writer.member("stream", explicit) }
            return
        }
        writer.member("stream", true)
        let extra = isSameFormat ? request.native?["stream_options"]?.objectValue ?? JSONObject() : JSONObject()
        guard context.profile.streamUsageOption != false else { return }
        writer.key("stream_options")
        writer.beginObject()
        writer.member("include_usage", true)
        writer.members(extra)
        writer.endObject()
    }

    private mutating func writeLimit() {
        guard let limit = request.limits.maxOutput else { return }
        if limit == 0, !isSameFormat {
            return context.lose(.info, "limits.max_output", at: "/limits/max_output")
        }
        let key = context.profile.maxKey ?? (isSameFormat ? request.limits.source : nil) ?? "max_completion_tokens"
        written.append(key)
        writer.key(key)
        writer.number(limit)
    }

    private mutating func writeSampling() {
        for value in request.sampling.values {
            if value.key == "top_k", !isSameFormat, context.profile.topK != true {
                context.lose(.degrade, "sampling.top_k", at: "/sampling/top_k")
                continue
            }
            if value.key == "temperature" || value.key == "top_p", let rule = context.profile.temperature,
                rule == "none" || rule == "default_only"
            {
                context.lose(.degrade, "sampling.\(value.key)", at: "/sampling/\(value.key)")
                continue
            }
            writer.key(value.key)
            writer.value(value.value)
        }
        var stop = request.sampling.stop
        guard !stop.isEmpty else { return }
        let maximum = context.profile.stopMaximum ?? 4
        if stop.count > maximum, !isSameFormat {
            context.lose(.semantic, "sampling.stop", at: "/sampling/stop")
            stop = Array(stop.prefix(maximum))
        }
        if request.native?["$stop"] != nil, stop.count == 1 {
            writer.member("stop", stop[0])
        } else {
            writer.member("stop", .array(stop.map(JSONValue.string)))
        }
    }

    private mutating func writeOutput() {
        if let format = request.output.format {
            writer.key("response_format")
            writer.beginObject()
            switch format.kind {
            case .text: writer.member("type", literal: "text")
            case .json: writer.member("type", literal: "json_object")
            case .jsonSchema:
                writer.member("type", literal: "json_schema")
                writer.key("json_schema")
                writer.beginObject()
                writer.member("name", format.name ?? "response")
                writer.member("description", ifPresent: format.description)
                if let strict = format.strict {
                    writer.member("strict", strict)
                } else if !isSameFormat {
                    writer.member("strict", true)
                }
                writer.member("schema", ifPresent: format.schema)
                writer.endObject()
            }
            writer.endObject()
        }
        writer.member("verbosity", ifPresent: request.output.verbosity)
        if !request.output.modalities.isEmpty {
            writer.member("modalities", .array(request.output.modalities.map(JSONValue.string)))
        }
        writer.member("audio", ifPresent: request.output.audio)
    }

    private mutating func writeReasoning() {
        let reasoning = request.reasoning
        if isSameFormat {
            // The extensions of other vendors are in `native` as they came.
            let names = ["reasoning", "thinking", "enable_thinking", "thinking_budget"]
            if !names.contains(where: { request.native?[$0] != nil }) || request.native?["reasoning_effort"] != nil {
                writer.member("reasoning_effort", ifPresent: reasoning.effort)
            }
            return
        }
        guard let wanted = reasoning.effortWord else { return }
        if wanted == .none, context.profile.efforts?.contains("none") != true {
            return context.lose(.info, "reasoning.mode", at: "/reasoning/mode")
        }
        if context.profile.efforts?.isEmpty == true {
            return context.lose(.degrade, "reasoning.effort", at: "/reasoning")
        }
        if reasoning.budget != nil { context.lose(.info, "reasoning.budget", at: "/reasoning/budget") }
        writer.member("reasoning_effort", wanted.supported(by: context.profile.efforts).rawValue)
    }

    private mutating func writeIdentity() {
        if let user = request.endUser, !(isSameFormat && request.native?["safety_identifier"]?.stringValue == user) {
            let isLong = user.utf8.count > 64 && !isSameFormat
            writer.member("user", isLong ? "user-" + StableHash.digits(user) : user)
        }
        if isSameFormat {
            writer.member("metadata", ifPresent: request.metadata)
            writer.member("service_tier", ifPresent: request.serviceTier)
        } else {
            if request.metadata != nil { context.lose(.info, "metadata", at: "/metadata") }
            switch request.serviceTier {
            case nil: break
            case "auto"?: writer.member("service_tier", literal: "auto")
            case "standard_only"?: writer.member("service_tier", literal: "default")
            default: context.lose(.info, "service_tier", at: "/service_tier")
            }
        }
    }

    private mutating func writeNative() {
        guard let native = request.native else { return }
        if isSameFormat {
            for member in native.members where !member.key.hasPrefix("$") && !written.contains(member.key) {
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

    /// Members of Messages and of Responses that were understood already.
    private static let interpreted: Set<String> = [
        "thinking", "output_config", "stream", "stream_options", "include", "store", "safety_identifier",
    ]
    /// Members of other formats without which the answer differs.
    private static let meaningful: Set<String> = [
        "mcp_servers", "container", "fallbacks", "prompt", "conversation", "background", "max_tool_calls",
        "suffix", "echo", "best_of",
    ]
}

extension ChatFormat {
    /// The names that tools have towards an upstream of this format.
    static func toolNames(_ profile: CapabilityProfile, _ names: [String]) -> IdentifierMap {
        IdentifierMap(limit: profile.toolNameMaximum ?? toolNameLimit, names: names)
    }
}
