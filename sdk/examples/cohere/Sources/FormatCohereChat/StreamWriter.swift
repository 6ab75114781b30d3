import PatchbayPlugin

/// Events → bytes of a streamed answer. Parts carry over one by one: Cohere numbers content and calls apart.
struct StreamWriter: WireEncoder {
    private struct Part {
        var name: String
        var index: Int
        var kind: PartKind
    }

    private let requestID: String
    private var parts: [Int: Part] = [:]
    private var contentCount = 0
    private var callCount = 0
    private var usage = UsageCounters()
    private var finish: FinishReason?
    private var hasStarted = false
    private var hasEnded = false

    init(requestID: String) {
        self.requestID = requestID
    }

    mutating func events(_ events: EventBatch, into wire: inout ByteWriter) {
        for event in events where !hasEnded && event.choice == 0 { write(event, &wire) }
    }

    private mutating func write(_ event: StreamEvent, _ wire: inout ByteWriter) {
        switch event.type {
        case .start: learn(event.usage)
        case .usage: learn(event.usage)
        case .partOpen: open(event, &wire)
        case .partDelta: delta(event, &wire)
        case .partClose:
            if let part = parts[event.part] { frame("\(part.name)-end", index: part.index, delta: nil, &wire) }
        case .finish: finish = event.finishReason
        case .error: fail(event.text.string, &wire)
        case .end: if event.isClean { end(&wire) } else { fail("the stream broke off", &wire) }
        case .ping, .partNote, .native, .other: break
        }
    }

    private mutating func learn(_ newer: UsageCounters) {
        usage.input = newer.input ?? usage.input
        usage.output = newer.output ?? usage.output
    }

    private mutating func begin(_ wire: inout ByteWriter) {
        guard !hasStarted else { return }
        hasStarted = true
        frame(
            "message-start", id: requestID,
            delta: .members([
                "message": .members([
                    "role": .string("assistant"), "content": .array([]), "tool_plan": .string(""),
                    "tool_calls": .array([]), "citations": .array([]),
                ])
            ]), &wire)
    }

    private mutating func open(_ event: StreamEvent, _ wire: inout ByteWriter) {
        begin(&wire)
        switch event.kind {
        case .toolCall:
            let part = Part(name: "tool-call", index: callCount, kind: event.kind)
            callCount += 1
            parts[event.part] = part
            let call = JSON.members([
                "id": .string(event.id.string), "type": .string("function"),
                "function": .members(["name": .string(event.name.string), "arguments": .string("")]),
            ])
            frame("tool-call-start", index: part.index, delta: Self.message("tool_calls", call), &wire)
        case .text, .refusal, .reasoning:
            let part = Part(name: "content", index: contentCount, kind: event.kind)
            contentCount += 1
            parts[event.part] = part
            let type = event.kind == .reasoning ? "thinking" : "text"
            let content = JSON.members(["type": .string(type), type: .string("")])
            frame("content-start", index: part.index, delta: Self.message("content", content), &wire)
        case .reasoningRedacted, .image, .audio, .other: break
        }
    }

    private mutating func delta(_ event: StreamEvent, _ wire: inout ByteWriter) {
        guard let part = parts[event.part] else { return }
        let text = JSON.string(event.text.string)
        switch (part.kind, event.field) {
        case (.toolCall, .arguments?):
            let call = JSON.members(["function": .members(["arguments": text])])
            frame("tool-call-delta", index: part.index, delta: Self.message("tool_calls", call), &wire)
        case (_, .text?):
            let content = JSON.members([part.kind == .reasoning ? "thinking" : "text": text])
            frame("content-delta", index: part.index, delta: Self.message("content", content), &wire)
        default: break
        }
    }

    private static func message(_ key: String, _ value: JSON) -> JSON {
        .members(["message": .object([JSON.Member(key: key, value: value)])])
    }

    // MARK: - Endings

    private mutating func end(_ wire: inout ByteWriter) {
        begin(&wire)
        hasEnded = true
        var counts = Usage(nil)
        counts.counters = usage
        let delta = JSON.members(["finish_reason": .string(Finish.word(finish ?? .stop)), "usage": counts.wire])
        frame("message-end", id: requestID, delta: delta, &wire)
    }

    private mutating func fail(_ message: String, _ wire: inout ByteWriter) {
        hasEnded = true
        let delta = JSON.members(["finish_reason": .string("ERROR"), "error": .string(message)])
        frame("message-end", id: requestID, delta: delta, &wire)
    }

    private func frame(
        _ name: String, id: String? = nil, index: Int? = nil, delta: JSON?, _ wire: inout ByteWriter
    ) {
        let data = JSON.members([
            "type": .string(name), "id": id.map(JSON.string), "index": index.map(JSON.int), "delta": delta,
        ])
        wire.append(Array("event: \(name)\ndata: ".utf8) + data.bytes + Array("\n\n".utf8))
    }
}
