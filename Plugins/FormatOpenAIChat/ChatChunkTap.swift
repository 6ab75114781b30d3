import CanonicalChat
import PatchbayPlugin
import PatchbayWire

/// What accounting needs of a chunk as nearly every server writes it, read in one pass without a tape.
///
/// A chunk that is anything else, malformed ones included, has none and is read by ``ChatStreamDecoder`` in full.
struct ChatChunkTap {
    private(set) var id: JSONField?
    private(set) var model: JSONField?
    private(set) var usage: TokenCounts?
    /// There is a list of choices, with or without one in it.
    private(set) var hasChoices = false
    private(set) var choice: Choice?

    struct Choice {
        var index: Int?
        var finish: JSONField?
        /// What the first member says that has something in it.
        var content: PartKind?
        fileprivate var hasDelta = false
    }

    init?(_ data: UnsafeRawBufferPointer) {
        do {
            var reader = try JSONReader(data)
            try reader.object { name, reader throws(JSONError) in try read(name, &reader, of: data) }
            try reader.expectEnd()
        } catch {
            return nil
        }
    }

    /// Nothing in it has to be counted.
    var isContentOnly: Bool { usage == nil && choice?.finish == nil }

    /// The chunk has to be read in full.
    private static var unusual: JSONError { JSONError(.unexpectedByte, at: 0) }

    @inline(__always)
    private mutating func read(
        _ name: JSONMemberName, _ reader: inout JSONReader, of data: UnsafeRawBufferPointer
    ) throws(JSONError) {
        if name.equals("choices") {
            guard !hasChoices, try reader.isAtArray() else { throw Self.unusual }
            hasChoices = true
            try reader.array { position, reader throws(JSONError) in
                guard position == 0 else { throw Self.unusual }
                choice = try Self.choice(&reader, of: data)
            }
        } else if name.equals("usage") {
            guard try reader.isAtObject() else {
                guard try reader.value().kind == .null else { throw Self.unusual }
                usage = nil
                return
            }
            var read = ChatUsage()
            try read.read(&reader, of: data)
            usage = read.counts
        } else {
            let field = try reader.value()
            if name.equals("id") {
                id = field
            } else if name.equals("model") {
                model = field
            } else if name.equals("error") || name.equals("x_groq") {
                guard field.kind == .null else { throw Self.unusual }
            }
        }
    }

    @inline(__always)
    private static func choice(
        _ reader: inout JSONReader, of data: UnsafeRawBufferPointer
    ) throws(JSONError) -> Choice {
        var choice = Choice()
        try reader.object { name, reader throws(JSONError) in
            if name.equals("delta"), try reader.isAtObject() {
                guard !choice.hasDelta else { throw unusual }
                choice.hasDelta = true
                choice.content = try content(&reader, of: data)
                return
            }
            let field = try reader.value()
            if name.equals("index") {
                choice.index = field.int(in: data)
            } else if name.equals("finish_reason") {
                choice.finish = field.kind == .null ? nil : field
            } else if name.equals("delta") || name.equals("message") || name.equals("usage") {
                guard field.kind == .null else { throw unusual }
            }
        }
        return choice
    }

    /// The same as ``ChatStreamDecoder`` looks for in a tape.
    private static func content(
        _ reader: inout JSONReader, of data: UnsafeRawBufferPointer
    ) throws(JSONError) -> PartKind? {
        var found: PartKind?
        try reader.object { name, reader throws(JSONError) in
            let field = try reader.value()
            guard found == nil, !name.equals("role"), hasSomething(field, data) else { return }
            found = name.equals("tool_calls") ? .toolCall : .text
        }
        return found
    }

    private static func hasSomething(_ field: JSONField, _ data: UnsafeRawBufferPointer) -> Bool {
        switch field.kind {
        case .string: field.span.count > 2
        case .array: field.span.bytes(in: data).dropFirst().dropLast().contains { $0 > 0x20 }
        case .object: true
        default: false
        }
    }
}

extension ChatStreamDecoder {
    /// Takes a chunk that is only tapped.
    ///
    /// - Returns: false if it has to be read in full; nothing has changed then.
    mutating func takeTapped(_ data: UnsafeRawBufferPointer, _ events: inout [AnswerEvent]) -> Bool {
        guard let chunk = ChatChunkTap(data) else { return false }
        if isUnderWay, sawContent, chunk.isContentOnly { return true }
        let index = chunk.choice?.index ?? 0
        let word = chunk.choice?.finish?.string(in: data)
        guard isUnderWay || chunk.hasChoices, word != "error", index >= 0, isKnown(index) || isRoomLeft else {
            return false
        }
        if !isUnderWay {
            start(id: chunk.id?.string(in: data) ?? "", model: chunk.model?.string(in: data) ?? "", &events)
        }
        if let usage = chunk.usage { report(usage, &events) }
        guard let choice = chunk.choice else { return true }
        take(index, choice.content, finish: word, &events)
        return true
    }
}
