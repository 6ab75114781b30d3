import CanonicalChat
import PatchbayPlugin
import PatchbayWire

/// Facts of the Gemini format that readers and writers share.
enum GeminiFormat {
    static let id = "gemini.generate"
    static let provider = "google"
    static let toolNameLimit = 64
    static let stopMaximum = 5
    /// Stands in place of a signature on calls that another provider's model made; the server then checks none.
    static let skippedSignature = "skip_thought_signature_validator"

    static func toolNames(_ profile: CapabilityProfile, _ names: [String]) -> IdentifierMap {
        IdentifierMap(limit: profile.toolNameMaximum ?? toolNameLimit, names: names, startsWithLetter: true)
    }

    /// The finish behind a `finishReason`; nil for the value that means none.
    static func finish(_ word: String) -> CanonicalFinish? {
        let reason: FinishReason
        switch word {
        case "", "FINISH_REASON_UNSPECIFIED": return nil
        case "STOP": reason = .stop
        case "MAX_TOKENS": reason = .length
        case "SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "MODEL_ARMOR",
            "IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION":
            reason = .contentFilter
        case "MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "MISSING_THOUGHT_SIGNATURE",
            "MALFORMED_RESPONSE":
            reason = .malformedToolCall
        case "CONTINUATION": reason = .pause
        default: reason = .other
        }
        return CanonicalFinish(reason, native: word)
    }

    /// Applies what is known of the calls to a finish that the upstream sent: it says STOP after calls as well.
    static func corrected(_ finish: CanonicalFinish, hasToolCall: Bool) -> CanonicalFinish {
        var finish = finish
        if hasToolCall, finish.reason == .stop || finish.reason == .other { finish.reason = .toolCalls }
        return finish
    }

    /// The `finishReason` for a finish.
    static func word(_ finish: CanonicalFinish?) -> String {
        let finish = finish ?? CanonicalFinish(.stop)
        switch finish.reason {
        case .stop, .stopSequence, .toolCalls, .pause: return "STOP"
        case .length, .contextWindow, .compaction: return "MAX_TOKENS"
        case .contentFilter, .refusal:
            return finish.native.flatMap { self.finish($0)?.reason == .contentFilter ? $0 : nil } ?? "SAFETY"
        case .malformedToolCall: return "MALFORMED_FUNCTION_CALL"
        case .other: return "OTHER"
        }
    }

    static func answerID(_ id: String, requestID: String) -> String {
        id.isEmpty ? (requestID.isEmpty ? StableHash.digits("") : requestID) : id
    }

    /// An id for a call that the upstream gave none.
    static func mintedID(_ context: ConversionContext, choice: Int, call: Int) -> String {
        "call_\(StableHash.digits(context.requestID))_\(choice)_\(call)"
    }

    /// Whether the client shall see the model's reasoning: clients of this format have to ask for it.
    static func showsReasoning(_ request: RequestFacts) -> Bool {
        request.format == id ? request.wantsReasoning : !request.hidesReasoning
    }
}

/// Signatures of thoughts on the wire: Google's own as they are, those of other providers carried as base64.
enum GeminiSignature {
    /// The reasoning that a signature stands for; it has no text of its own.
    static func read(_ text: String) -> CanonicalReasoning {
        // Base64 of "pb1:".
        if text.hasPrefix("cGIxO"),
            let carried = OpaqueCarrier.unwrapped(String(decoding: DataURL.decode(text.utf8), as: UTF8.self))
        {
            var reasoning = CanonicalReasoning(opaque: carried.opaque, redacted: carried.opaque.kind == "redacted")
            reasoning.id = carried.id
            return reasoning
        }
        return CanonicalReasoning(
            opaque: CanonicalOpaque(kind: "thought_signature", provider: GeminiFormat.provider, data: text))
    }

    /// What a client gets of opaque state.
    static func write(_ opaque: CanonicalOpaque, id: String?) -> String {
        isOwn(opaque) ? opaque.data : Base64.encoded(Array(OpaqueCarrier.wrapped(opaque, id: id).utf8))
    }

    static func isOwn(_ opaque: CanonicalOpaque) -> Bool {
        opaque.provider == GeminiFormat.provider
    }
}

extension CanonicalReasoning {
    /// The signature as it stands on the wire.
    var wireSignature: String? {
        opaque.map { GeminiSignature.write($0, id: id) }
    }

    /// Google's own signature without a thought.
    var isBareSignature: Bool {
        text.isEmpty && opaque.map(GeminiSignature.isOwn) == true
    }
}

/// Standard base64 with padding.
enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    static func encoded(_ bytes: [UInt8]) -> String {
        var output: [UInt8] = []
        output.reserveCapacity((bytes.count + 2) / 3 * 4)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            var bits: UInt32 = 0
            for offset in 0..<3 { bits = bits << 8 | (offset < group.count ? UInt32(group[start + offset]) : 0) }
            for offset in 0..<4 {
                let isPadding = offset > group.count
                output.append(isPadding ? UInt8(ascii: "=") : alphabet[Int(bits >> UInt32(18 - 6 * offset) & 63)])
            }
        }
        return String(decoding: output, as: UTF8.self)
    }
}
