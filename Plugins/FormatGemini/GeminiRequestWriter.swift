import CanonicalChat
import PatchbayPlugin
import PatchbayWire

/// Turns a canonical request into a Gemini request. The model stands in the path, so the body does not name it.
struct GeminiRequestWriter {
    var writer = JSONWriter()
    var context: ConversionContext
    let request: CanonicalRequest
    /// The request came in this format, so that everything it said can be said again.
    let isSameFormat: Bool
    var toolNames: IdentifierMap
    /// Names of the tools behind the ids of calls, which results of this format have to repeat.
    var callNames: [String: String] = [:]

    private init(_ request: CanonicalRequest, _ context: ConversionContext) {
        self.request = request
        self.context = context
        isSameFormat = request.origin.format == GeminiFormat.id
        toolNames = GeminiFormat.toolNames(context.profile, request.tools.map(\.name))
    }

    /// - Throws: what the format cannot say at all. Lesser losses are recorded in `context`.
    static func write(
        _ request: CanonicalRequest, context: inout ConversionContext
    ) throws(ConversionError) -> [UInt8] {
        var writer = GeminiRequestWriter(request, context)
        defer { context = writer.context }
        try writer.write()
        return writer.writer.bytes
    }

    private mutating func write() throws(ConversionError) {
        if !isSameFormat { try refuseForeign() }
        writer.beginObject()
        try writeSystem()
        try writeContents()
        writeTools()
        writeConfig()
        writeRest()
        writer.endObject()
    }

    /// What a request of another format may ask for and no request of this one can say.
    private mutating func refuseForeign() throws(ConversionError) {
        if let modality = request.output.modalities.first(where: { $0 != "text" && $0 != "image" }) {
            context.lose(.fatal, "output.modalities", at: "/output/modalities")
            throw ConversionError(
                .unsupported, "`modalities` must be text or image, not \(modality), for an upstream of gemini.generate")
        }
        if request.parallelTools == false { context.lose(.degrade, "parallel_tools", at: "/parallel_tools") }
        if request.output.verbosity != nil { context.lose(.degrade, "output.verbosity", at: "/output/verbosity") }
        if request.endUser != nil { context.lose(.info, "end_user", at: "/end_user") }
        if request.metadata != nil { context.lose(.info, "metadata", at: "/metadata") }
    }

    // MARK: - Instructions

    private mutating func writeSystem() throws(ConversionError) {
        guard !request.system.isEmpty else { return }
        var parts = request.system.flatMap(\.parts)
        if !isSameFormat {
            parts = parts.filter { part in
                guard case .text(let text) = part.content, !text.isEmpty else { return false }
                // Claude Code's first block differs in every request and would defeat the upstream's prompt cache.
                return !text.hasPrefix("x-anthropic-billing-header:")
            }
            if parts.contains(where: { $0.cache != nil }) { context.lose(.info, "cache", at: "/system") }
            if parts.isEmpty { return }
        }
        writer.key("systemInstruction")
        writer.beginObject()
        writer.key("parts")
        try writeParts(parts, "/system")
        if isSameFormat, let native = request.system.first?.native { writer.members(native.members) }
        writer.endObject()
    }

    // MARK: - The rest

    private mutating func writeRest() {
        guard isSameFormat else {
            switch request.serviceTier {
            case "flex"?, "priority"?: writer.member("serviceTier", ifPresent: request.serviceTier)
            case nil, "auto"?, "default"?, "standard"?, "standard_only"?: break
            default: context.lose(.info, "service_tier", at: "/service_tier")
            }
            return noteForeign()
        }
        for member in request.native?.members ?? JSONObject()
        where !member.key.hasPrefix("$") && member.key != "generationConfig" {
            writer.key(member.key)
            writer.value(member.value)
        }
    }

    private mutating func noteForeign() {
        guard let native = request.native else { return }
        for member in native.members where !member.key.hasPrefix("$") && !member.value.isNull {
            if Self.interpreted.contains(member.key) { continue }
            let severity: LossSeverity = Self.meaningful.contains(member.key) ? .semantic : .info
            context.lose(severity, "native.\(member.key)", at: "/native/\(native.format)/\(member.key)")
        }
    }

    /// Members of other formats that were understood already.
    private static let interpreted: Set<String> = [
        "stream", "stream_options", "reasoning", "thinking", "enable_thinking", "thinking_budget", "output_config",
        "safety_identifier", "store", "web_search_options", "include", "text",
    ]
    /// Members of other formats without which the answer differs.
    private static let meaningful: Set<String> = [
        "mcp_servers", "container", "fallbacks", "previous_response_id", "conversation", "prompt",
    ]
}
