import CanonicalChat
import PatchbayPlugin
import PatchbayWire

/// Reads what accounting needs from an answer as nearly all are: one that ended with a frequent word, every member
/// once, texts without escapes. Of all others ``MessagesResponseTap`` knows what they mean.
enum MessagesAnswerProbe {
    /// The numbers of the members below.
    private enum Member {
        static let id = 0
        static let model = 1
        static let content = 2
        static let error = 3
        static let stopReason = 4
        static let stopSequence = 5
        static let usage = 6
        static let input = 7
        static let output = 8
        static let cacheWrite = 9
        static let cacheRead = 10
        static let details = 11
        static let thinking = 12
        static let count = 13
    }

    private static let probe = JSONProbe([
        .value("id"), .value("model"), .value("content"), .value("error"), .value("stop_reason"),
        .value("stop_sequence"),
        .object(
            "usage",
            [
                .value("input_tokens"), .value("output_tokens"), .value("cache_creation_input_tokens"),
                .value("cache_read_input_tokens"), .object("output_tokens_details", [.value("thinking_tokens")]),
            ]),
    ])

    /// Hands what was found to `receiver`; false, and nothing said, if the answer is out of the ordinary.
    static func send<Receiver: TapReceiver>(_ body: UnsafeRawBufferPointer, to receiver: inout Receiver) -> Bool {
        withUnsafeTemporaryAllocation(of: JSONField.self, capacity: Member.count) { room in
            guard let base = room.baseAddress, let present = probe.find(in: body, base) else { return false }
            return send(JSONProbeFields(base, present: present, of: body), to: &receiver)
        }
    }

    @inline(__always)
    private static func send<Receiver: TapReceiver>(_ fields: JSONProbeFields, to receiver: inout Receiver) -> Bool {
        var isOdd = false
        guard case .array? = fields[Member.content]?.kind, fields.isAbsent(Member.error),
            fields.isAbsent(Member.stopSequence), let id = fields.plainText(Member.id),
            let model = fields.plainText(Member.model), let word = fields.plainText(Member.stopReason),
            let reason = plainFinish(ByteView(word))
        else { return false }
        var usage = MessagesUsage()
        usage.input = fields.plainInt(Member.input, isOdd: &isOdd)
        usage.output = fields.plainInt(Member.output, isOdd: &isOdd)
        usage.cacheWrite = fields.plainInt(Member.cacheWrite, isOdd: &isOdd)
        usage.cacheRead = fields.plainInt(Member.cacheRead, isOdd: &isOdd)
        usage.thinking = fields.plainInt(Member.thinking, isOdd: &isOdd)
        guard !isOdd else { return false }
        let counts = usage.counts
        receiver.tapStart(id: ByteView(id), model: ByteView(model))
        if !counts.isEmpty { receiver.tapUsage(counts) }
        receiver.tapFinish(choice: 0, reason, native: ByteView(word))
        return true
    }

    /// What ``MessagesFormat/finish(_:stopSequence:)`` makes of the words that nearly every answer ends with.
    private static func plainFinish(_ word: ByteView) -> FinishReason? {
        if word == "end_turn" { return .stop }
        if word == "tool_use" { return .toolCalls }
        return word == "max_tokens" ? .length : nil
    }
}
