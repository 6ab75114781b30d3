import PatchbayPlugin

/// Frames of a streamed answer → events.
///
/// What `patchbay/event.h` promises is kept here: START first, parts numbered without gaps, an open before the deltas
/// of a part, FINISH behind the last of them, END once. A stream without `message-end` leaves its parts open and
/// gets an ERROR, so that nobody takes half a tool call for a whole one.
struct StreamReader: WireDecoder {
    private let model: String
    private let isTap: Bool
    private var hasStarted = false
    private var hasEnded = false
    private var partCount = 0
    /// Ordinals of the open parts, by what Cohere numbers them with.
    private var open: [String: Int] = [:]
    private var sawContent = false

    init(model: String, isTap: Bool) {
        self.model = model
        self.isTap = isTap
    }

    mutating func frames(_ frames: FrameBatch, into events: inout EventWriter) {
        for frame in frames where !hasEnded && !frame.data.isEmpty && frame.data != "[DONE]" {
            guard let event = try? JSONReader.read(frame.data) else {
                fail(.upstreamInvalid, "the upstream sent a frame that is no JSON", &events)
                continue
            }
            read(event, name: event["type"]?.text ?? frame.event.string, &events)
        }
    }

    mutating func finish(_ reason: StreamEnd, into events: inout EventWriter) {
        guard !hasEnded else { return }
        let category: ErrorCategory = reason == .timeout ? .timeout : reason == .cancelled ? .cancelled : .truncated
        fail(category, "the upstream's stream ended before the answer was complete", &events)
    }

    private mutating func read(_ event: JSON, name: String, _ events: inout EventWriter) {
        if !hasStarted {
            hasStarted = true
            events.start(id: event["id"]?.text ?? "", model: model)
        }
        let message = event["delta"]?["message"]
        let index = event["index"]?.int ?? 0
        switch name {
        case "content-start", "content-delta":
            let content = message?["content"]
            let key = "content \(index)"
            if let text = content?["thinking"]?.text ?? (content?["type"]?.text == "thinking" ? "" : nil) {
                append(text, key, .reasoning, &events)
            } else if let text = content?["text"]?.text {
                append(text, key, .text, &events)
            }
        case "tool-plan-delta":
            append(message?["tool_plan"]?.text ?? "", "plan", .reasoning, &events)
        case "tool-call-start":
            close("plan", &events)
            let call = message?["tool_calls"]
            openPart(
                "call \(index)", .toolCall, id: call?["id"]?.text, name: call?["function"]?["name"]?.text, &events)
            arguments(call, index, &events)
        case "tool-call-delta": arguments(message?["tool_calls"], index, &events)
        case "content-end": close("content \(index)", &events)
        case "tool-call-end": close("call \(index)", &events)
        case "message-end": end(event["delta"], &events)
        default:
            if event["message"]?.text != nil, message == nil {
                fail(.server, event["message"]?.text ?? "", &events)
            }
        }
    }

    // MARK: - Parts

    private mutating func openPart(
        _ key: String, _ kind: PartKind, id: String? = nil, name: String? = nil, _ events: inout EventWriter
    ) {
        guard open[key] == nil else { return }
        open[key] = partCount
        // With the tap one open part says that the answer has begun, and nothing else is wanted.
        if !isTap || !sawContent { events.openPart(part: partCount, kind, id: id, name: name) }
        sawContent = true
        partCount += 1
    }

    private mutating func append(_ text: String, _ key: String, _ kind: PartKind, _ events: inout EventWriter) {
        openPart(key, kind, &events)
        if !isTap, !text.isEmpty { events.delta(part: open[key] ?? 0, .text, text) }
    }

    private mutating func arguments(_ call: JSON?, _ index: Int, _ events: inout EventWriter) {
        guard !isTap, let part = open["call \(index)"], let text = call?["function"]?["arguments"]?.text,
            !text.isEmpty
        else { return }
        events.delta(part: part, .arguments, text)
    }

    private mutating func close(_ key: String, _ events: inout EventWriter) {
        // The number of a closed part may be used again.
        guard let part = open.removeValue(forKey: key), !isTap else { return }
        events.closePart(part: part)
    }

    // MARK: - Endings

    private mutating func end(_ delta: JSON?, _ events: inout EventWriter) {
        let word = delta?["finish_reason"]?.text ?? "COMPLETE"
        let usage = Usage(delta?["usage"]).counters
        if usage != UsageCounters() { events.usage(usage) }
        if word == "ERROR" || word == "TIMEOUT" {
            return fail(word == "TIMEOUT" ? .timeout : .server, delta?["error"]?.text ?? word, &events)
        }
        for part in open.values.sorted() where !isTap { events.closePart(part: part) }
        open = [:]
        hasEnded = true
        events.finish(Finish(word: word).reason, stopSequence: nil, native: word)
        events.end(clean: true)
    }

    private mutating func fail(_ category: ErrorCategory, _ message: String, _ events: inout EventWriter) {
        hasEnded = true
        if !hasStarted { events.start(id: "", model: model) }
        events.error(category, message: message)
        events.end(clean: false)
    }
}
