import CanonicalChat
import PatchbayWire

/// Entries of `reasoning_details`, the extension (first of OpenRouter) that carries signed reasoning.
enum ChatReasoningDetail {
    private static let anthropicFormat = "anthropic-claude-v1"

    static func read(_ detail: JSONValue) -> CanonicalReasoning {
        let provider = provider(detail["format"]?.stringValue)
        if detail["type"]?.stringValue == "reasoning.encrypted" {
            let data = detail["data"]?.stringValue ?? ""
            let kind = provider == "openai" ? "encrypted_content" : "redacted"
            let opaque = CanonicalOpaque(kind: kind, provider: provider, data: data)
            var reasoning = CanonicalReasoning(opaque: opaque, redacted: kind == "redacted")
            reasoning.id = detail["id"]?.stringValue
            return reasoning
        }
        let text = detail["text"]?.stringValue ?? detail["summary"]?.stringValue ?? ""
        let signature = detail["signature"]?.stringValue ?? ""
        var reasoning = CanonicalReasoning(
            text: text,
            opaque: signature.isEmpty
                ? nil : CanonicalOpaque(kind: "signature", provider: provider, data: signature))
        reasoning.id = detail["id"]?.stringValue
        return reasoning
    }

    private static func provider(_ format: String?) -> String? {
        guard let format, let dash = format.firstIndex(of: "-") else { return nil }
        return String(format[..<dash])
    }

    /// Writes the entry of a reasoning part.
    static func write(_ reasoning: CanonicalReasoning, index: Int, into writer: inout JSONWriter) {
        writer.beginObject()
        let isSealed = reasoning.text.isEmpty && reasoning.opaque?.kind == "encrypted_content"
        if reasoning.redacted || isSealed {
            writer.member("type", literal: "reasoning.encrypted")
            writer.member("data", reasoning.opaque?.data ?? "")
        } else {
            writer.member("type", literal: "reasoning.text")
            writer.member("text", reasoning.text)
            writer.member("signature", ifPresent: reasoning.opaque?.data)
        }
        switch reasoning.opaque?.provider {
        case "anthropic"?: writer.member("format", anthropicFormat)
        case let provider?: writer.member("format", provider + "-v1")
        case nil: break
        }
        writer.member("id", ifPresent: reasoning.id)
        writer.member("index", index)
        writer.endObject()
    }
}
