import CanonicalChat
import PatchbayPlugin
import PatchbayWire

/// Turns a canonical request into a Completions request, where it is no more than one text.
///
/// A model behind this format continues a text; it has no turns, tools or images. A conversation with any of these is
/// refused rather than flattened by a template that the model may not know.
struct CompletionsRequestWriter {
    private var writer = JSONWriter()
    private var context: ConversionContext
    private let request: CanonicalRequest
    private let isSameFormat: Bool

    private init(_ request: CanonicalRequest, _ context: ConversionContext) {
        self.request = request
        self.context = context
        isSameFormat = request.origin.format == CompletionsFormat.id
    }

    static func write(
        _ request: CanonicalRequest, context: inout ConversionContext
    ) throws(ConversionError) -> [UInt8] {
        var writer = CompletionsRequestWriter(request, context)
        try writer.write()
        context = writer.context
        return writer.writer.bytes
    }

    private mutating func write() throws(ConversionError) {
        let prompt = try prompt()
        writer.beginObject()
        writer.member("model", context.upstreamModel.isEmpty ? request.model : context.upstreamModel)
        if request.native?["$prompt"] != nil {
            writer.member("prompt", [.string(prompt)])
        } else {
            writer.member("prompt", prompt)
        }
        writeStream()
        if request.native?["$max_tokens"] == nil { writer.member("max_tokens", ifPresent: request.limits.maxOutput) }
        writeSampling()
        writer.member("user", ifPresent: request.endUser)
        writeNative()
        writer.endObject()
    }

    /// The one text of the request.
    private mutating func prompt() throws(ConversionError) -> String {
        guard request.system.isEmpty, request.turns.count == 1, request.turns[0].role == .user else {
            throw refusal("turns", "has more than one user message")
        }
        guard request.tools.isEmpty else { throw refusal("tools", "has tools") }
        if let format = request.output.format, format.kind != .text { throw refusal("output.format", "wants JSON") }
        var text = ""
        for part in request.turns[0].parts {
            guard case .text(let piece) = part.content else { throw refusal("turns", "holds more than text") }
            text += piece
        }
        if !isSameFormat { context.lose(.semantic, "turns", at: "/turns") }
        return text
    }

    private func refusal(_ member: String, _ reason: String) -> ConversionError {
        ConversionError(
            .unsupported, "`\(member)`: openai.completions continues one text, and the request \(reason)")
    }

    private mutating func writeStream() {
        guard context.stream || request.stream.on else { return }
        writer.member("stream", true)
        guard context.profile.streamUsageOption != false else { return }
        writer.member("stream_options", ["include_usage": true])
    }

    private mutating func writeSampling() {
        for value in request.sampling.values {
            switch value.key {
            case "logprobs": break
            case "top_logprobs": writer.member("logprobs", value.value)
            default:
                writer.key(value.key)
                writer.value(value.value)
            }
        }
        let stop = request.sampling.stop
        guard !stop.isEmpty else { return }
        if request.native?["$stop"] != nil, stop.count == 1 {
            writer.member("stop", stop[0])
        } else {
            writer.member("stop", .array(stop.prefix(4).map(JSONValue.string)))
            if stop.count > 4 { context.lose(.semantic, "sampling.stop", at: "/sampling/stop") }
        }
    }

    private mutating func writeNative() {
        if request.reasoning.effortWord != nil, !isSameFormat {
            context.lose(.info, "reasoning.effort", at: "/reasoning")
        }
        guard let native = request.native else { return }
        for member in native.members where !member.key.hasPrefix("$") && !member.value.isNull {
            if isSameFormat {
                writer.key(member.key)
                writer.value(member.value)
            } else {
                context.lose(.info, "native.\(member.key)", at: "/native/\(native.format)/\(member.key)")
            }
        }
    }
}
