import CanonicalChat
import PatchbayPlugin
import PatchbayWire

/// Reads what accounting needs from an answer as nearly all are: one choice that ended with a frequent word, every
/// member once, texts without escapes. Of all others ``ChatResponseTap`` knows what they mean.
enum ChatAnswerProbe {
    /// The numbers of the members below.
    private enum Member {
        static let id = 0
        static let model = 1
        static let error = 2
        static let choices = 3
        static let index = 4
        static let finishReason = 5
        static let usage = 6
        static let prompt = 7
        static let completion = 8
        static let total = 9
        static let cacheHit = 10
        static let cached = 11
        static let cacheCreation = 12
        static let promptDetails = 13
        static let cachedDetail = 14
        static let cacheWriteDetail = 15
        static let completionDetails = 16
        static let reasoning = 17
        static let count = 18
    }

    private static let probe = JSONProbe([
        .value("id"), .value("model"), .value("error"),
        .array("choices", [.value("index"), .value("finish_reason")]),
        .object(
            "usage",
            [
                .value("prompt_tokens"), .value("completion_tokens"), .value("total_tokens"),
                .value("prompt_cache_hit_tokens"), .value("cached_tokens"), .value("cache_creation_input_tokens"),
                .object("prompt_tokens_details", [.value("cached_tokens"), .value("cache_write_tokens")]),
                .object("completion_tokens_details", [.value("reasoning_tokens")]),
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
        guard fields.isAbsent(Member.error), let id = fields.plainText(Member.id),
            let model = fields.plainText(Member.model), let word = fields.plainText(Member.finishReason),
            let reason = ChatFormat.plainFinish(word)
        else { return false }
        let index = fields.plainInt(Member.index, isOdd: &isOdd) ?? 0
        let counts = usage(fields, isOdd: &isOdd).counts
        guard !isOdd else { return false }
        receiver.tapStart(id: ByteView(id), model: ByteView(model))
        if !counts.isEmpty { receiver.tapUsage(counts) }
        receiver.tapFinish(choice: index, reason, native: ByteView(word))
        return true
    }

    @inline(__always)
    private static func usage(_ fields: JSONProbeFields, isOdd: inout Bool) -> ChatUsage {
        var usage = ChatUsage()
        usage.prompt = fields.plainInt(Member.prompt, isOdd: &isOdd)
        usage.completion = fields.plainInt(Member.completion, isOdd: &isOdd)
        usage.total = fields.plainInt(Member.total, isOdd: &isOdd)
        usage.cacheHit = fields.plainInt(Member.cacheHit, isOdd: &isOdd)
        usage.cached = fields.plainInt(Member.cached, isOdd: &isOdd)
        usage.cacheCreation = fields.plainInt(Member.cacheCreation, isOdd: &isOdd)
        usage.cachedDetail = fields.plainInt(Member.cachedDetail, isOdd: &isOdd)
        usage.cacheWriteDetail = fields.plainInt(Member.cacheWriteDetail, isOdd: &isOdd)
        usage.reasoning = fields.plainInt(Member.reasoning, isOdd: &isOdd)
        return usage
    }
}
