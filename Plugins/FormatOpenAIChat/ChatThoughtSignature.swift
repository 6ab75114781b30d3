import CanonicalChat
import PatchbayWire

/// `extra_content.google.thought_signature` of a call: how Google's compatible surface extends the format, and how
/// clients of it bring a signature back.
enum ChatThoughtSignature {
    private static let provider = "google"

    static func write(_ signature: String?, into writer: inout JSONWriter) {
        guard let signature else { return }
        writer.member("extra_content", ["google": ["thought_signature": .string(signature)]])
    }

    /// The part of reasoning that stands for the signature of a call in a message.
    static func read(_ call: JSONValue) -> [CanonicalPart] {
        guard let text = call["extra_content"]?[provider]?["thought_signature"]?.stringValue, !text.isEmpty else {
            return []
        }
        return [part(text)]
    }

    static func part(_ signature: String) -> CanonicalPart {
        CanonicalPart(
            .reasoning(
                CanonicalReasoning(
                    opaque: CanonicalOpaque(kind: "thought_signature", provider: provider, data: signature))))
    }

    /// The signature of a part of reasoning that has no text; nil for any other part.
    static func bare(_ reasoning: CanonicalReasoning) -> String? {
        guard reasoning.text.isEmpty, let opaque = reasoning.opaque, opaque.provider == provider else { return nil }
        return opaque.data
    }

    /// The same for a delta of a stream.
    static func bare(_ event: AnswerEvent, _ part: ChatEncoderPart?) -> String? {
        let opaque = event.opaqueValue
        guard opaque.provider == provider, part?.text.isEmpty != false else { return nil }
        return opaque.data
    }
}
