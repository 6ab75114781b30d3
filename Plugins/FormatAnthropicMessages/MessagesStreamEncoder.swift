import CanonicalChat
import PatchbayPlugin
import PatchbayWire

/// Turns events into the bytes of a Messages stream.
///
/// The format has one open block at a time, while events may interleave parts. A tool call keeps its block until it is
/// complete, and whatever comes for other parts waits; other blocks give way at once.
struct MessagesStreamEncoder {
    private let context: ConversionContext
    private var writer = MessagesBlockWriter()
    /// The choice that is shown; the format has room for one.
    private var choice: Int?
    private var id = ""
    private var model = ""
    private var usage = TokenCounts()
    private var finish: CanonicalFinish?
    private var parts: [MessagesEncoderPart?] = []
    /// The part whose block is open.
    private var current: Int?
    /// Its kind; means nothing while no block is open.
    private var openKind = PartKind.other
    /// Parts with something to say that wait for their turn, oldest first.
    private var waiting: [Int] = []
    private var hasStarted = false
    private var hasEnded = false
    private var hasToolCall = false

    init(_ context: ConversionContext) {
        self.context = context
    }

    /// Appends the bytes for one event.
    mutating func encode(_ event: AnswerEvent, into output: inout [UInt8]) {
        guard !hasEnded else { return }
        switch event.type {
        case .start:
            id = event.id
            model = event.name
            usage.merge(event.usage)
        case .partOpen, .partDelta, .partNote, .partClose, .finish:
            if choice == nil { choice = event.choice }
            guard event.choice == choice else { return }
            begin(&output)
            take(event, &output)
        case .usage: usage.merge(event.usage)
        case .ping: if hasStarted { MessagesBlockWriter.ping(&output) }
        case .error: fail(event.errorValue, &output)
        case .end: if event.clean { end(&output) } else { fail(StreamFault.error(.cut), &output) }
        case .native, .other: break
        }
    }

    private mutating func take(_ event: AnswerEvent, _ output: inout [UInt8]) {
        switch event.type {
        case .partOpen: open(event, &output)
        case .partDelta: delta(event, &output)
        case .partNote: note(event, &output)
        case .partClose: close(event.part, &output)
        case .finish: finish = event.finishValue
        default: break
        }
    }

    // MARK: - Parts

    private mutating func open(_ event: AnswerEvent, _ output: inout [UInt8]) {
        guard event.part >= 0, event.part < 1 << 16 else { return }
        while parts.count <= event.part { parts.append(nil) }
        parts[event.part] = MessagesEncoderPart(event)
        // Calls and ready-made blocks appear at once; text waits until there is some.
        if parts[event.part]?.opensAtOnce == true { _ = acquire(event.part, &output) }
    }

    private mutating func delta(_ event: AnswerEvent, _ output: inout [UInt8]) {
        if current == event.part, event.field == .text, openKind == .text || openKind == .refusal {
            // Nothing waits for the open block, and text needs no second thought.
            if !event.text.isEmpty { writer.delta(event, kind: openKind, &output) }
            return
        }
        guard parts.indices.contains(event.part), parts[event.part] != nil, !event.text.isEmpty else { return }
        if context.request.hidesReasoning, event.field == .text, parts[event.part]?.kind == .reasoning { return }
        var event = event
        if event.field == .opaque {
            let id = parts[event.part]?.id ?? ""
            event.text = MessagesFormat.carried(event.opaqueValue, id: id.isEmpty ? nil : id)
        }
        parts[event.part]?.pending.append(event)
        if acquire(event.part, &output) { deliver(event.part, &output) }
    }

    /// Of deltas of the open block that are written as they come.
    func sides(choice: Int, part: Int, _ field: PartField) -> FrameSides? {
        guard !hasEnded, hasStarted, choice == self.choice, current == part, let state = parts[part] else { return nil }
        switch (state.kind, field) {
        case (.text, .text), (.refusal, .text): break
        case (.reasoning, .text): guard !context.request.hidesReasoning, state.pending.isEmpty else { return nil }
        case (.toolCall, .arguments):
            guard !state.isFreeText, state.hasArguments, state.pending.isEmpty else { return nil }
        default: return nil
        }
        var output: [UInt8] = []
        writer.delta(.delta(choice, part, field, FrameSides.marker), kind: state.kind, &output)
        return FrameSides(around: output)
    }

    private mutating func note(_ event: AnswerEvent, _ output: inout [UInt8]) {
        guard parts.indices.contains(event.part), parts[event.part]?.kind == .text else { return }
        parts[event.part]?.pending.append(event)
        if current == event.part { deliver(event.part, &output) }
    }

    private mutating func close(_ part: Int, _ output: inout [UInt8]) {
        guard parts.indices.contains(part), parts[part] != nil else { return }
        parts[part]?.isClosed = true
        guard current == part else { return }
        stopCurrent(&output)
        drain(&output)
    }

    /// Gives the block to a part, or puts the part into the queue while a call is incomplete.
    private mutating func acquire(_ part: Int, _ output: inout [UInt8]) -> Bool {
        if current == part { return true }
        if let holder = current {
            if parts[holder]?.kind == .toolCall {
                if !waiting.contains(part) { waiting.append(part) }
                return false
            }
            stopCurrent(&output)
        }
        guard waiting.isEmpty || waiting.first == part else {
            if !waiting.contains(part) { waiting.append(part) }
            return false
        }
        current = part
        if let content = parts[part] {
            openKind = content.kind
            if content.kind == .toolCall { hasToolCall = true }
            writer.start(content, &output)
        }
        return true
    }

    /// Writes what has come for the open block.
    private mutating func deliver(_ part: Int, _ output: inout [UInt8]) {
        guard let pending = parts[part]?.pending, !pending.isEmpty else { return }
        parts[part]?.pending.removeAll(keepingCapacity: true)
        for event in pending {
            if parts[part]?.isFreeText == true, event.field == .arguments {
                parts[part]?.freeText += event.text
            } else {
                if event.field == .arguments { parts[part]?.hasArguments = true }
                writer.delta(event, kind: parts[part]?.kind ?? .other, &output)
            }
        }
    }

    private mutating func stopCurrent(_ output: inout [UInt8]) {
        guard let part = current, let content = parts[part] else { return }
        current = nil
        if content.kind == .toolCall {
            if content.isFreeText {
                writer.arguments(CustomToolInput.wrapped(content.freeText), &output)
            } else if !content.hasArguments {
                writer.arguments("{}", &output)
            }
        }
        writer.stop(&output)
    }

    /// Lets the waiting parts speak, up to the first call that is incomplete.
    private mutating func drain(_ output: inout [UInt8]) {
        while current == nil || current.map({ parts[$0]?.kind != .toolCall }) == true, let next = waiting.first {
            if current != nil { stopCurrent(&output) }
            _ = acquire(next, &output)
            waiting.removeFirst()
            deliver(next, &output)
            if parts[next]?.isClosed == true { stopCurrent(&output) }
        }
    }

    // MARK: - Frame of the answer

    private mutating func begin(_ output: inout [UInt8]) {
        guard !hasStarted else { return }
        hasStarted = true
        MessagesBlockWriter.frame("message_start", &output) { writer in
            writer.key("message")
            writer.beginObject()
            writer.member("id", MessagesFormat.answerID(id, requestID: context.requestID))
            writer.member("type", literal: "message")
            writer.member("role", literal: "assistant")
            writer.member("model", context.answerModel(model))
            writer.member("content", .emptyArray)
            writer.nullMember("stop_reason")
            writer.nullMember("stop_sequence")
            writer.key("usage")
            var counts = usage
            counts.reasoning = nil
            counts.writeMessages(into: &writer)
            writer.endObject()
        }
    }

    private mutating func end(_ output: inout [UInt8]) {
        hasEnded = true
        begin(&output)
        // A clean end means that everything is complete, even what nobody closed.
        repeat {
            stopCurrent(&output)
            drain(&output)
        } while current != nil
        let (word, sequence) = MessagesFormat.stopReason(finish, hasToolCall: hasToolCall, context: context)
        MessagesBlockWriter.frame("message_delta", &output) { writer in
            writer.key("delta")
            writer.beginObject()
            writer.member("stop_reason", literal: word)
            writer.key("stop_sequence")
            if let sequence { writer.string(sequence) } else { writer.null() }
            writer.endObject()
            writer.key("usage")
            usage.writeMessages(into: &writer)
        }
        MessagesBlockWriter.frame("message_stop", &output) { _ in }
    }

    private mutating func fail(_ error: CanonicalError, _ output: inout [UInt8]) {
        hasEnded = true
        output.append(contentsOf: "event: error\ndata: ".utf8)
        var writer = JSONWriter(appendingTo: output)
        output = []
        MessagesErrors.writeDocument(error, into: &writer)
        writer.bytes.append(contentsOf: "\n\n".utf8)
        output = writer.bytes
    }
}

/// What the encoder knows of one part.
struct MessagesEncoderPart {
    let kind: PartKind
    let id: String
    let name: String
    /// A block of this format that came whole.
    let block: JSONValue?
    /// The arguments are free text, which has to be wrapped once it is complete.
    let isFreeText: Bool
    var freeText = ""
    var hasArguments = false
    var isClosed = false
    /// Deltas that were not delivered yet.
    var pending: [AnswerEvent] = []

    init(_ event: AnswerEvent) {
        kind = event.kind ?? .other
        id = event.id
        name = event.name
        isFreeText = kind == .toolCall && event.extra.hasPrefix(#"{"kind":"custom""#)
        let whole = kind == .other ? try? JSONValue(parsing: event.extra) : nil
        // Parts of other formats say whose they are.
        let isOwn = whole?["native"] == nil && whole?["value"]?["type"]?.stringValue != nil
        block = isOwn ? whole?["value"] : nil
    }

    var opensAtOnce: Bool { kind == .toolCall || block != nil }
}
