import CanonicalChat
import PatchbayPlugin
import PatchbayWire

/// One of the answers of a stream, as far as it has come.
struct GeminiStreamCandidate {
    let index: Int
    private let context: ConversionContext
    private(set) var finish: CanonicalFinish?
    private var hasToolCall = false
    private var partCount = 0
    private var callCount = 0
    /// The part that the next text of the same kind continues.
    private var open: (part: Int, kind: PartKind)?
    private var joiner = SurrogateJoiner()
    /// A call whose arguments come in pieces.
    private var partial: GeminiPartialCall?
    /// Texts as UTF-8 and their parts, kept only where sources may refer to them.
    private var texts: [(part: Int, bytes: [UInt8])] = []

    init(index: Int, _ context: ConversionContext) {
        self.index = index
        self.context = context
    }

    var hasHalfCall: Bool { partial != nil }

    /// Takes the new parts of a frame. Returns what is wrong with them.
    mutating func read(
        _ item: JSONIndex, _ tape: borrowing JSONTape, _ names: IdentifierMap, _ events: inout [AnswerEvent]
    ) -> ConversionError? {
        if let parts = tape.member(item, path: "content", "parts"), tape.kind(parts) == .array {
            for part in tape.elements(of: parts) {
                if let failure = read(part: part, tape, names, &events) { return failure }
            }
        }
        if tape.present(item, named: "groundingMetadata") != nil || tape.present(item, named: "citationMetadata") != nil {
            annotate(JSONValue(tape, item), &events)
        }
        return nil
    }

    private mutating func read(
        part: JSONIndex, _ tape: borrowing JSONTape, _ names: IdentifierMap, _ events: inout [AnswerEvent]
    ) -> ConversionError? {
        let text = tape.member(part, named: "text")
        let isPlain = text.map { tape.kind($0) == .string } ?? false
        if let text, isPlain {
            let isThought = tape.member(part, named: "thought").flatMap { tape.bool($0) } ?? false
            append(text, isThought ? .reasoning : .text, tape, &events)
            if let signature = tape.member(part, named: "thoughtSignature").flatMap({ tape.string($0) }),
                !signature.isEmpty
            {
                sign(GeminiSignature.read(signature), isThought: isThought, &events)
            }
            return nil
        }
        return read(whole: JSONValue(tape, part), names, &events)
    }

    // MARK: - Text

    private mutating func append(
        _ text: JSONIndex, _ kind: PartKind, _ tape: borrowing JSONTape, _ events: inout [AnswerEvent]
    ) {
        guard !tape.stringSpan(text).isEmpty else { return }
        let part = part(kind, &events)
        let decoded = joiner.text(tape, text)
        guard !decoded.isEmpty else { return }
        if kind == .text, let last = texts.indices.last, texts[last].part == part {
            texts[last].bytes.append(contentsOf: decoded.utf8)
        }
        events.append(.delta(index, part, .text, decoded))
    }

    /// The open part of a kind; another one is closed for it.
    private mutating func part(_ kind: PartKind, _ events: inout [AnswerEvent]) -> Int {
        if let open, open.kind == kind { return open.part }
        closeOpen(&events)
        let part = partCount
        partCount += 1
        open = (part, kind)
        if kind == .text, context.request.hasServerTools { texts.append((part, [])) }
        events.append(.open(index, part, kind))
        return part
    }

    private mutating func closeOpen(_ events: inout [AnswerEvent]) {
        guard let open else { return }
        let rest = joiner.flush()
        if !rest.isEmpty { events.append(.delta(index, open.part, .text, rest)) }
        events.append(.close(index, open.part))
        self.open = nil
    }

    /// A thought takes its signature; beside other text it becomes a part without text.
    private mutating func sign(_ signed: CanonicalReasoning, isThought: Bool, _ events: inout [AnswerEvent]) {
        if isThought, let open, open.kind == .reasoning, let opaque = signed.opaque {
            events.append(.opaque(index, open.part, opaque))
            return closeOpen(&events)
        }
        closeOpen(&events)
        CanonicalPart(.reasoning(signed)).append(to: &events, index, partCount)
        partCount += 1
    }

    // MARK: - Parts that come whole

    private mutating func read(
        whole value: JSONValue, _ names: IdentifierMap, _ events: inout [AnswerEvent]
    ) -> ConversionError? {
        if let wire = value["functionCall"], GeminiPartialCall.isPiece(wire) || partial != nil {
            return read(piece: wire, of: value, names, &events)
        }
        let parts: [CanonicalPart]
        do throws(ConversionError) {
            parts = try GeminiPartReader.parts(value, path: "candidates.\(index).content.parts")
        } catch {
            return error
        }
        for part in parts { emit(part, names, &events) }
        return nil
    }

    private mutating func read(
        piece wire: JSONValue, of value: JSONValue, _ names: IdentifierMap, _ events: inout [AnswerEvent]
    ) -> ConversionError? {
        var call = partial ?? GeminiPartialCall()
        guard call.take(wire, signature: value["thoughtSignature"]?.stringValue) else {
            return .invalid("the upstream sent arguments of a call that cannot be put together")
        }
        guard call.isComplete else {
            partial = call
            return nil
        }
        partial = nil
        for part in call.parts { emit(part, names, &events) }
        return nil
    }

    private mutating func emit(_ part: CanonicalPart, _ names: IdentifierMap, _ events: inout [AnswerEvent]) {
        var part = part
        if case .toolCall(var call) = part.content {
            if call.id.isEmpty { call.id = GeminiFormat.mintedID(context, choice: index, call: callCount) }
            call.name = names.original(call.name)
            part.content = .toolCall(call)
            callCount += 1
            hasToolCall = true
        }
        if case .text(let text) = part.content, text.isEmpty { return }
        closeOpen(&events)
        part.append(to: &events, index, partCount)
        partCount += 1
    }

    // MARK: - Sources

    private mutating func annotate(_ candidate: JSONValue, _ events: inout [AnswerEvent]) {
        let notes = GeminiGrounding.notes(candidate, texts: texts.map(\.bytes))
        for note in notes {
            let place = texts.indices.contains(note.text) ? texts[note.text].part : open?.part
            guard let place else { continue }
            // Only the open part still takes notes.
            guard open?.part == place, open?.kind == .text else { continue }
            events.append(.note(index, place, note.annotation.description))
        }
    }

    // MARK: - Endings

    mutating func take(_ word: String) {
        guard let newer = GeminiFormat.finish(word) else { return }
        finish = newer
    }

    mutating func close(_ events: inout [AnswerEvent]) {
        closeOpen(&events)
    }

    func settledFinish(tap: Bool) -> CanonicalFinish {
        let finish = finish ?? CanonicalFinish(.stop)
        return tap ? finish : GeminiFormat.corrected(finish, hasToolCall: hasToolCall)
    }
}
