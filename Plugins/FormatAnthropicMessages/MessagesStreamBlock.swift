import CanonicalChat
import PatchbayPlugin
import PatchbayWire

/// An open block of a stream.
struct MessagesStreamBlock {
    /// The upstream's number of the block, and the ordinal of its part.
    let index: Int
    let part: Int
    private(set) var kind: PartKind
    /// Arguments that came with the start of the block, in case no deltas follow.
    private var wholeInput = ""
    private var hasDelta = false
    private var joiner = SurrogateJoiner()

    init(index: Int, part: Int) {
        self.index = index
        self.part = part
        kind = .other
    }

    /// A block known by its first delta only; nil if that is not enough to know what it is.
    init?(implicit delta: JSONIndex, _ tape: borrowing JSONTape, index: Int, part: Int) {
        self.init(index: index, part: part)
        guard let type = tape.member(delta, named: "type") else { return nil }
        if tape.equals(type, "text_delta") {
            kind = .text
        } else if tape.equals(type, "thinking_delta") || tape.equals(type, "signature_delta") {
            kind = .reasoning
        } else {
            return nil
        }
    }

    /// Emits the opening of the part, and what the start of the block already holds.
    mutating func open(
        _ block: JSONIndex, _ tape: borrowing JSONTape, _ names: IdentifierMap, _ events: inout [AnswerEvent]
    ) {
        func string(_ name: StaticString) -> String {
            tape.member(block, named: name).flatMap { tape.string($0) } ?? ""
        }
        switch string("type") {
        case "text": open(.text, initial: string("text"), &events)
        case "thinking":
            open(.reasoning, initial: string("thinking"), &events)
            sign(string("signature"), &events)
        case "redacted_thinking":
            kind = .reasoningRedacted
            events.append(.open(0, part, kind))
            events.append(
                .opaque(0, part, CanonicalOpaque(kind: "redacted", provider: "anthropic", data: string("data"))))
        case "tool_use":
            kind = .toolCall
            events.append(.open(0, part, kind, id: string("id"), name: names.original(string("name"))))
            if let input = tape.member(block, named: "input"), tape.first(input) != nil {
                wholeInput = JSONValue(tape, input).description
            }
        default:
            let value = JSONValue.object(["k": "unknown", "value": JSONValue(tape, block)])
            events.append(.open(0, part, .other, extra: value.description))
        }
        if let list = tape.present(block, named: "citations") {
            for citation in tape.elements(of: list) { note(JSONValue(tape, citation), &events) }
        }
    }

    private mutating func open(_ kind: PartKind, initial text: String, _ events: inout [AnswerEvent]) {
        self.kind = kind
        events.append(.open(0, part, kind))
        if !text.isEmpty { events.append(.delta(0, part, .text, text)) }
    }

    private func sign(_ signature: String, _ events: inout [AnswerEvent]) {
        guard !signature.isEmpty else { return }
        events.append(.opaque(0, part, CanonicalOpaque(kind: "signature", provider: "anthropic", data: signature)))
    }

    private func note(_ citation: JSONValue, _ events: inout [AnswerEvent]) {
        events.append(.note(0, part, MessagesAnnotation.read(citation).description))
    }

    mutating func append(_ delta: JSONIndex, _ tape: borrowing JSONTape, _ events: inout [AnswerEvent]) {
        guard let type = tape.member(delta, named: "type") else { return }
        if tape.equals(type, "text_delta") {
            append(tape.member(delta, named: "text"), .text, tape, &events)
        } else if tape.equals(type, "input_json_delta") {
            append(tape.member(delta, named: "partial_json"), .arguments, tape, &events)
        } else if tape.equals(type, "thinking_delta") {
            append(tape.member(delta, named: "thinking"), .text, tape, &events)
        } else if tape.equals(type, "signature_delta") {
            sign(tape.member(delta, named: "signature").flatMap { tape.string($0) } ?? "", &events)
        } else if tape.equals(type, "citations_delta"), let citation = tape.present(delta, named: "citation") {
            note(JSONValue(tape, citation), &events)
        }
    }

    private mutating func append(
        _ text: JSONIndex?, _ field: PartField, _ tape: borrowing JSONTape, _ events: inout [AnswerEvent]
    ) {
        guard let text, tape.kind(text) == .string, !tape.stringSpan(text).isEmpty, kind != .other else { return }
        hasDelta = true
        let decoded = joiner.text(tape, text)
        if !decoded.isEmpty { events.append(.delta(0, part, field, decoded)) }
    }

    /// The text of a delta that would be appended to the part as it comes; nil for other deltas.
    func pattern(_ delta: JSONIndex, _ tape: borrowing JSONTape) -> (text: JSONIndex, field: PartField)? {
        let names: [(StaticString, StaticString, PartField)] = [
            ("text_delta", "text", .text), ("thinking_delta", "thinking", .text),
            ("input_json_delta", "partial_json", .arguments),
        ]
        guard kind != .other, hasDelta, !joiner.isWaiting, let type = tape.member(delta, named: "type"),
            let (_, name, field) = names.first(where: { tape.equals(type, $0.0) }),
            let text = tape.member(delta, named: name), tape.kind(text) == .string, !tape.stringSpan(text).isEmpty
        else { return nil }
        return (text, field)
    }

    mutating func close(_ events: inout [AnswerEvent]) {
        let rest = joiner.flush()
        if !rest.isEmpty { events.append(.delta(0, part, kind == .toolCall ? .arguments : .text, rest)) }
        if kind == .toolCall, !hasDelta, !wholeInput.isEmpty { events.append(.delta(0, part, .arguments, wholeInput)) }
        events.append(.close(0, part))
    }
}
