import CanonicalChat
import PatchbayPlugin
import PatchbayWire

/// Turns the frames of a Completions stream into events: one text part per choice. A cut stream is never a whole one.
struct CompletionsStreamDecoder {
    private struct Choice {
        let index: Int
        var isOpen = false
        var finish: CanonicalFinish?
        var joiner = SurrogateJoiner()
    }

    private let context: ConversionContext
    /// What a frame has that accounting must see.
    private let accounted = JSONMemberSearch("finish_reason", "usage", "error")
    private var tape = JSONTape()
    private var choices: [Choice] = []
    private var usage = TokenCounts()
    private var hasStarted = false
    private var hasEnded = false
    private var sawContent = false

    /// The API allows 128 answers per prompt, and several prompts in a request that is only tapped.
    private static let maximumChoices = 4096

    init(_ context: ConversionContext) {
        self.context = context
    }

    mutating func frame(
        event name: UnsafeRawBufferPointer, data: UnsafeRawBufferPointer, into events: inout [AnswerEvent]
    ) {
        guard !hasEnded, !data.isEmpty else { return }
        if data.prefix(6).elementsEqual("[DONE]".utf8) { return settle(&events) }
        if context.tap, sawContent, accounted.isObjectWithout(data) { return }
        defer { tape.reset() }
        guard (try? tape.parse(data)) != nil else {
            return fail(CanonicalError(.upstreamInvalid, message: "the upstream sent a frame that is no JSON"), &events)
        }
        let root = tape.root
        if name.elementsEqual("error".utf8) || tape.present(root, named: "error") != nil {
            let body = ErrorBody(JSONValue(tape, root))
            return fail(CanonicalError(format: CompletionsFormat.id, status: nil, body: body), &events)
        }
        start(&events)
        readUsage(&events)
        guard let list = tape.present(root, named: "choices") else { return }
        for (position, item) in tape.elements(of: list).enumerated() { read(item, position, &events) }
    }

    mutating func finish(_ ending: StreamEnd, into events: inout [AnswerEvent]) {
        guard !hasEnded else { return }
        let isComplete = !choices.isEmpty && choices.allSatisfy { $0.finish != nil }
        if isComplete, ending != .cancelled { return settle(&events) }
        fail(StreamFault.error(ending), &events)
    }

    /// Members of a chunk that vary although accounting does not care.
    private static let varying = JSONHoles(
        strings: ["text", "obfuscation"], unless: ["finish_reason", "usage", "error"])

    /// Only for accounting; hardly anybody converts the format.
    func pattern(event name: UnsafeRawBufferPointer, data: UnsafeRawBufferPointer) -> FramePattern? {
        context.tap && sawContent && !hasEnded ? FramePattern(passing: data, Self.varying) : nil
    }

    // MARK: - Steps

    private mutating func start(_ events: inout [AnswerEvent]) {
        guard !hasStarted else { return }
        hasStarted = true
        let id = tape.member(tape.root, named: "id").flatMap { tape.string($0) } ?? ""
        let model = tape.member(tape.root, named: "model").flatMap { tape.string($0) } ?? ""
        events.append(.start(id: id, model: model))
    }

    private mutating func readUsage(_ events: inout [AnswerEvent]) {
        guard let index = tape.present(tape.root, named: "usage"), tape.kind(index) == .object else { return }
        var merged = usage
        merged.merge(ChatUsage(JSONValue(tape, index)).counts)
        guard merged != usage else { return }
        usage = merged
        events.append(.usage(usage))
    }

    private mutating func read(_ item: JSONIndex, _ position: Int, _ events: inout [AnswerEvent]) {
        let index = tape.member(item, named: "index").flatMap { tape.int($0) } ?? position
        guard let slot = slot(index) else {
            return fail(CanonicalError(.upstreamInvalid, message: "the upstream sent too many choices"), &events)
        }
        if let text = tape.member(item, named: "text"), tape.kind(text) == .string,
            !tape.stringSpan(text).isEmpty
        {
            append(text, slot, &events)
        }
        if let word = tape.member(item, named: "finish_reason").flatMap({ tape.string($0) }), !word.isEmpty {
            choices[slot].finish = CompletionsFormat.finish(word)
        }
    }

    private mutating func slot(_ index: Int) -> Int? {
        if let known = choices.firstIndex(where: { $0.index == index }) { return known }
        guard index >= 0, choices.count < Self.maximumChoices else { return nil }
        choices.append(Choice(index: index))
        return choices.count - 1
    }

    private mutating func append(_ text: JSONIndex, _ slot: Int, _ events: inout [AnswerEvent]) {
        let index = choices[slot].index
        if !choices[slot].isOpen, !context.tap || !sawContent {
            choices[slot].isOpen = true
            events.append(.open(index, 0, .text))
        }
        sawContent = true
        guard !context.tap else { return }
        let decoded = choices[slot].joiner.text(tape, text)
        if !decoded.isEmpty { events.append(.delta(index, 0, .text, decoded)) }
    }

    // MARK: - Endings

    private mutating func settle(_ events: inout [AnswerEvent]) {
        hasEnded = true
        if !hasStarted { events.append(.start(id: "", model: "")) }
        for slot in choices.indices where choices[slot].isOpen && !context.tap {
            let rest = choices[slot].joiner.flush()
            if !rest.isEmpty { events.append(.delta(choices[slot].index, 0, .text, rest)) }
            events.append(.close(choices[slot].index, 0))
        }
        for choice in choices { events.append(.finish(choice.index, choice.finish ?? CanonicalFinish(.stop))) }
        events.append(.end(clean: true))
    }

    private mutating func fail(_ error: CanonicalError, _ events: inout [AnswerEvent]) {
        guard !hasEnded else { return }
        hasEnded = true
        if !hasStarted { events.append(.start(id: "", model: "")) }
        events.append(.error(error))
        events.append(.end(clean: false))
    }
}
