import PatchbayPlugin
import PatchbayWire

extension CanonicalResponse {
    /// The events of this answer, as if it had been streamed: each part in one delta.
    ///
    /// - Parameter ending: whether start and end frame the events.
    package func events(framed: Bool = true) -> [AnswerEvent] {
        var events: [AnswerEvent] = []
        if framed { events.append(.start(id: id, model: model)) }
        for choice in choices {
            for (part, content) in choice.parts.enumerated() { content.append(to: &events, choice.index, part) }
        }
        if !usage.isEmpty { events.append(.usage(usage)) }
        for choice in choices {
            events.append(.finish(choice.index, choice.finish ?? CanonicalFinish(.stop)))
        }
        if framed { events.append(.end(clean: true)) }
        return events
    }
}

extension CanonicalPart {
    /// Appends the events that open, fill and close this part.
    package func append(to events: inout [AnswerEvent], _ choice: Int, _ part: Int) {
        switch content {
        case .text(let text):
            events.append(.open(choice, part, .text))
            if !text.isEmpty { events.append(.delta(choice, part, .text, text)) }
        case .refusal(let text):
            events.append(.open(choice, part, .refusal))
            if !text.isEmpty { events.append(.delta(choice, part, .text, text)) }
        case .reasoning(let reasoning):
            let kind: PartKind = reasoning.redacted ? .reasoningRedacted : .reasoning
            events.append(.open(choice, part, kind, id: reasoning.id ?? ""))
            if !reasoning.text.isEmpty { events.append(.delta(choice, part, .text, reasoning.text)) }
            if let opaque = reasoning.opaque { events.append(.opaque(choice, part, opaque)) }
        case .toolCall(let call):
            events.append(.open(choice, part, .toolCall, id: call.id, name: call.name, extra: call.eventExtra))
            if !call.arguments.isEmpty { events.append(.delta(choice, part, .arguments, call.arguments)) }
        case .media(let media):
            media.append(to: &events, choice, part, document: document)
        case .toolResult, .other:
            events.append(.open(choice, part, .other, extra: document))
        }
        for annotation in annotations { events.append(.note(choice, part, annotation.description)) }
        events.append(.close(choice, part))
    }

    /// The part as canonical JSON text.
    private var document: String {
        var writer = JSONWriter()
        write(into: &writer)
        return String(decoding: writer.bytes, as: UTF8.self)
    }
}

extension CanonicalToolCall {
    /// `extra_json` of the event that opens a call.
    package var eventExtra: String { kind == .custom ? #"{"kind":"custom"}"# : "" }
}

extension CanonicalMedia {
    fileprivate func append(to events: inout [AnswerEvent], _ choice: Int, _ part: Int, document: String) {
        switch (kind, source) {
        case (.image, .base64(let mime, let data)), (.audio, .base64(let mime, let data)):
            let partKind: PartKind = kind == .image ? .image : .audio
            let extra = JSONValue.object(["mime": .string(mime)]).description
            events.append(.open(choice, part, partKind, extra: extra))
            events.append(.delta(choice, part, .data, data))
        default:
            events.append(.open(choice, part, .other, extra: document))
        }
    }
}
