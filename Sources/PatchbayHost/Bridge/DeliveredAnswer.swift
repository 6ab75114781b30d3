internal import CPatchbay

/// What a client has got of a streamed answer, for another attempt to go on from if the stream breaks.
///
/// Only plain text can be gone on from: a model that is given the text as the beginning of its own turn writes the
/// rest. ``obstacle`` says what stands in the way of that. Bounded: of a longer answer nothing is kept.
package struct DeliveredAnswer: Sendable, Hashable {
    /// Why nobody can go on with an answer.
    package enum Obstacle: String, Sendable, Hashable {
        case noText = "no text has been delivered"
        case toolCall = "a tool call has begun"
        case reasoning = "reasoning is part of it that another model cannot be given"
        case severalChoices = "it has several choices"
        case otherContent = "it has content that is not text"
        case annotations = "its text has annotations or probabilities"
        case finished = "the model has finished it"
        case tooLong = "it is too long"
    }

    /// A part in the order in which the parts were opened.
    struct Part: Sendable, Hashable {
        let index: UInt32
        let isText: Bool
        /// Where its text begins in ``text``.
        let start: Int
        var isOpen = true
    }

    /// Bytes of text that are kept.
    package static let limit = 262_144
    /// Parts that are kept.
    static let maximumParts = 64

    /// As the upstream that began it named the answer and itself.
    package private(set) var id: [UInt8] = []
    package private(set) var model: [UInt8] = []
    /// The text of all parts, in UTF-8.
    package private(set) var text: [UInt8] = []
    private(set) var parts: [Part] = []
    private var found: Obstacle?

    package init() {}

    /// What stands in the way of going on; nil = nothing.
    package var obstacle: Obstacle? {
        if let found { return found }
        return text.allSatisfy(\.isWhiteSpace) ? .noText : nil
    }

    /// The text as the beginning of a turn: without the white space at its end, which Messages servers refuse and other
    /// models continue badly.
    package var beginning: ArraySlice<UInt8> {
        text[..<((text.lastIndex { !$0.isWhiteSpace } ?? -1) + 1)]
    }

    /// Unicode code points of the text.
    package var characters: Int { text.count { $0 & 0xc0 != 0x80 } }

    /// Takes note of an event that the client gets.
    mutating func observe(_ event: borrowing StreamEvent) {
        guard found == nil else { return }
        switch event.kind {
        case .start:
            if id.isEmpty { id = Array(event.id.prefix(1024)) }
            if model.isEmpty { model = Array(event.name.prefix(1024)) }
        case .partOpen: open(event)
        case .partDelta: append(event)
        case .partClose:
            let index = UInt32(clamping: event.part)
            if let place = parts.lastIndex(where: { $0.index == index }) { parts[place].isOpen = false }
        case .partNote: block(.annotations)
        case .finish: block(.finished)
        case .native:
            if event.name.elementsEqual("canon".utf8), event.id.elementsEqual("logprobs".utf8) { block(.annotations) }
        case .usage, .ping, .settled, .error, .end, nil: break
        }
    }

    /// Forgets the content, which is of no use any more.
    private mutating func block(_ obstacle: Obstacle) {
        found = obstacle
        text = []
        parts = []
    }

    private mutating func open(_ event: borrowing StreamEvent) {
        guard event.choice == 0 else { return block(.severalChoices) }
        guard parts.count < Self.maximumParts else { return block(.tooLong) }
        let isText = event.partKind == UInt32(PB_PART_TEXT)
        switch Int(event.partKind) {
        case PB_PART_TEXT: break
        // What a model thought before its answer need not be known to go on with the answer.
        case PB_PART_REASONING where text.isEmpty: break
        case PB_PART_REASONING, PB_PART_REASONING_REDACTED: return block(.reasoning)
        case PB_PART_TOOL_CALL: return block(.toolCall)
        default: return block(.otherContent)
        }
        parts.append(Part(index: UInt32(clamping: event.part), isText: isText, start: text.count))
    }

    private mutating func append(_ event: borrowing StreamEvent) {
        guard event.choice == 0 else { return block(.severalChoices) }
        // A signature binds the reasoning to its provider, and the answer to the reasoning.
        guard event.field == UInt32(PB_FIELD_TEXT) else { return block(.reasoning) }
        let index = UInt32(clamping: event.part)
        guard let part = parts.last(where: { $0.index == index }) else { return block(.otherContent) }
        guard part.isText else { return text.isEmpty ? () : block(.reasoning) }
        // Text of two parts in turns has no order that a model could be given.
        guard part.index == parts.last?.index else { return block(.otherContent) }
        guard event.text.count <= Self.limit - text.count else { return block(.tooLong) }
        text.append(contentsOf: event.text)
    }

    // MARK: - For who goes on

    /// The part whose text is unfinished; nil = every part has been closed.
    var openPart: UInt32? { parts.last.flatMap { $0.isText && $0.isOpen ? $0.index : nil } }

    /// The first index that no part has.
    var nextPart: UInt32 { (parts.map(\.index).max() ?? 0) + (parts.isEmpty ? 0 : 1) }

    /// What is left to trim from the beginning of what follows: the white space that ``beginning`` lacks.
    var trailingSpace: ArraySlice<UInt8> { text[beginning.endIndex...] }
}

extension UInt8 {
    /// Space, tab, line feed or carriage return.
    var isWhiteSpace: Bool { self == 0x20 || self == 0x0a || self == 0x0d || self == 0x09 }
}
