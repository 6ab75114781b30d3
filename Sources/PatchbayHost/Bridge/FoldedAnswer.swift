internal import CPatchbay
internal import PatchbayCore
internal import PatchbayWire

/// One choice while its events are folded.
struct FoldedChoice {
    let index: Int
    var parts: [FoldedPart] = []
    var finish: FoldedFinish?
    /// Fragments of the choice's `logprobs`, each an object with `content` and `refusal` lists.
    var logprobs: [[UInt8]] = []

    func write(into writer: inout JSONWriter) {
        writer.beginObject()
        writer.key("index")
        writer.number(index)
        writer.key("parts")
        writer.beginArray()
        for part in parts { part.write(into: &writer) }
        writer.endArray()
        finish?.write(into: &writer)
        if let merged = FoldedLogprobs.merged(logprobs) {
            writer.key("logprobs")
            writer.value(merged)
        }
        writer.endObject()
    }
}

/// Why a choice ended, as its event said.
struct FoldedFinish {
    var reason: FinishReason
    var native: [UInt8]
    var stopSequence: [UInt8]

    init(_ event: borrowing StreamEvent) {
        reason = event.finishReason
        native = Array(event.name)
        stopSequence = Array(event.text)
    }

    func write(into writer: inout JSONWriter) {
        writer.key("finish")
        writer.beginObject()
        writer.key("reason")
        writer.string(reason.word)
        if !native.isEmpty { writer.member("native", native) }
        if !stopSequence.isEmpty { writer.member("stop_sequence", stopSequence) }
        writer.endObject()
    }
}

/// Counters as the last event that named them said.
struct FoldedUsage {
    private var usage = TokenUsage()

    mutating func merge(_ more: TokenUsage) { usage.merge(more) }

    func write(into writer: inout JSONWriter) {
        let members: [(StaticString, UInt64?)] = [
            ("input_total", usage.input), ("output_total", usage.output), ("cache_read", usage.cached),
            ("cache_write", usage.cacheWrite), ("reasoning", usage.reasoning),
        ]
        guard members.contains(where: { $0.1 != nil }) else { return }
        writer.key("usage")
        writer.beginObject()
        for case (let name, let value?) in members {
            writer.key(name)
            writer.number(Int(clamping: value))
        }
        writer.endObject()
    }
}

/// Members of the document that come as native events of the space `canon`: `id` names the member, `extra_json` is its
/// value.
struct FoldedMembers {
    static let canonicalSpace = "canon".utf8
    private(set) var created: [UInt8]?
    private(set) var serviceTier: [UInt8]?
    private(set) var native: [UInt8]?

    mutating func take(_ event: borrowing StreamEvent) {
        guard event.name.elementsEqual(Self.canonicalSpace), !event.extra.isEmpty else { return }
        if event.id.elementsEqual("created".utf8) {
            created = Array(event.extra)
        } else if event.id.elementsEqual("service_tier".utf8) {
            serviceTier = Array(event.extra)
        } else if event.id.elementsEqual("native".utf8) {
            native = Array(event.extra)
        }
    }
}

enum FoldedLogprobs {
    /// Fragments in order as one object: their lists are joined, the last of anything else stays.
    static func merged(_ fragments: [[UInt8]]) -> JSONValue? {
        var merged: JSONObject?
        for fragment in fragments {
            guard let members = (try? JSONValue(parsing: fragment))?.objectValue else { continue }
            var whole = merged ?? JSONObject()
            for member in members {
                if case .array(let more) = member.value, case .array(let known)? = whole[member.key] {
                    whole[member.key] = .array(known + more)
                } else if whole[member.key] == nil || member.value.nonNull != nil {
                    whole[member.key] = member.value
                }
            }
            merged = whole
        }
        return merged.map { .object($0) }
    }
}

extension FinishReason {
    /// The word in canonical documents (`sdk/canonical.md`).
    var word: StaticString {
        switch self {
        case .stop: "stop"
        case .stopSequence: "stop_sequence"
        case .length: "length"
        case .contextWindow: "context_window"
        case .toolCalls: "tool_calls"
        case .contentFilter: "content_filter"
        case .refusal: "refusal"
        case .pause: "pause"
        case .compaction: "compaction"
        case .malformedToolCall: "malformed_tool_call"
        case .other: "other"
        }
    }

    init(word: String) {
        self = Self.allCases.first { "\($0.word)" == word } ?? .other
    }
}

extension JSONWriter {
    /// A member whose value is text in UTF-8.
    mutating func member(_ name: StaticString, _ text: [UInt8]) {
        key(name)
        text.withUnsafeBytes { string(utf8: $0) }
    }

    mutating func member(_ name: StaticString, _ text: StaticString) {
        key(name)
        string(text)
    }

    /// Writes bytes that a plugin says are JSON; null if they are not.
    mutating func checked(_ bytes: [UInt8]) {
        value((try? JSONValue(parsing: bytes)) ?? .null)
    }
}
