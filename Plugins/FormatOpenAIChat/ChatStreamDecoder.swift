import CanonicalChat
import PatchbayPlugin
import PatchbayWire

/// Turns the frames of a Chat Completions stream into events.
///
/// Tolerates what servers of this format are known to do: missing or repeated roles, ids and indexes, usage on every
/// chunk or after the finish, a complete answer in one frame, no `[DONE]`. It never takes a cut stream for a whole one.
struct ChatStreamDecoder {
    let context: ConversionContext
    private let names: IdentifierMap
    /// What a frame has that accounting must see.
    private let accounted = JSONMemberSearch("finish_reason", "usage", "error")
    var tape = JSONTape()
    private(set) var choices: [ChatStreamChoice] = []
    private var usage = TokenCounts()
    private var hasStarted = false
    private var hasEnded = false
    /// The last frame was no JSON: cut, if nothing follows; a fault of the upstream, if something does.
    private var hasBrokenFrame = false
    private(set) var sawContent = false

    init(_ context: ConversionContext) {
        self.context = context
        names = ChatFormat.toolNames(context.profile, context.request.toolNames)
    }

    /// Takes one complete frame.
    mutating func frame(
        event name: UnsafeRawBufferPointer, data: UnsafeRawBufferPointer, into events: inout [AnswerEvent]
    ) {
        guard !hasEnded, !data.isEmpty else { return }
        if hasBrokenFrame { return failUnreadable(&events) }
        if data.first == UInt8(ascii: "["), Self.isDone(data) { return settle(&events, isDone: true) }
        if context.tap {
            if !name.elementsEqual("error".utf8), takeTapped(data, &events) { return }
            if hasStarted, sawContent, accounted.isObjectWithout(data) { return }
        }
        guard (try? tape.parse(data)) != nil else {
            hasBrokenFrame = true
            // Whoever only taps is about to pass the frame on: a client must not have to read it.
            if context.tap { failUnreadable(&events) }
            return
        }
        document(isError: name.elementsEqual("error".utf8), &events)
        // Whoever only taps reads few frames of a stream, and many streams are open at once.
        tape.reset(keeping: context.tap ? 0 : 1 << 16)
    }

    /// The transport delivers nothing more.
    mutating func finish(_ ending: StreamEnd, into events: inout [AnswerEvent]) {
        guard !hasEnded else { return }
        let isComplete = !choices.isEmpty && choices.allSatisfy { $0.finish != nil } && !hasBrokenFrame
        if isComplete, ending != .cancelled { return settle(&events, isDone: false) }
        fail(StreamFault.error(ending), &events)
    }

    /// The answer has begun, and nothing has ended or broken it.
    var isUnderWay: Bool { hasStarted && !hasEnded && !hasBrokenFrame }

    // MARK: - Documents

    private static func isDone(_ data: UnsafeRawBufferPointer) -> Bool {
        data.prefix(6).elementsEqual("[DONE]".utf8)
    }

    private mutating func document(isError: Bool, _ events: inout [AnswerEvent]) {
        let root = tape.root
        if isError || tape.present(root, named: "error") != nil { return failWithDocument(&events) }
        let list = tape.present(root, named: "choices")
        if !hasStarted {
            if list == nil, isDisguisedError(root) { return failWithDocument(&events) }
            start(root, &events)
        }
        readUsage(tape.present(root, named: "usage") ?? tape.member(root, path: "x_groq", "usage"), &events)
        guard let list else { return }
        for (position, item) in tape.elements(of: list).enumerated() {
            read(item, position, &events)
            if hasEnded { return }
        }
    }

    private mutating func start(_ root: JSONIndex, _ events: inout [AnswerEvent]) {
        let id = tape.member(root, named: "id").flatMap { tape.string($0) } ?? ""
        let model = tape.member(root, named: "model").flatMap { tape.string($0) } ?? ""
        start(id: id, model: model, &events)
        guard !context.tap else { return }
        if let tier = tape.present(root, named: "service_tier") {
            events.append(.canonical("service_tier", data: JSONValue(tape, tier).description))
        }
        if let fingerprint = tape.present(root, named: "system_fingerprint") {
            let native: JSONValue = .object([ChatFormat.id: ["system_fingerprint": JSONValue(tape, fingerprint)]])
            events.append(.canonical("native", data: native.description))
        }
    }

    mutating func start(id: String, model: String, _ events: inout [AnswerEvent]) {
        hasStarted = true
        events.append(.start(id: id, model: model))
    }

    /// Relays answer failures with status 200 and a body that has none of the format's members.
    private func isDisguisedError(_ root: JSONIndex) -> Bool {
        guard tape.kind(root) == .object, tape.member(root, named: "usage") == nil,
            tape.member(root, named: "object") == nil
        else { return false }
        return tape.member(root, named: "message") != nil || tape.member(root, named: "msg") != nil
            || tape.member(root, named: "detail") != nil
    }

    private mutating func readUsage(_ index: JSONIndex?, _ events: inout [AnswerEvent]) {
        guard let index, tape.kind(index) == .object else { return }
        report(ChatUsage(scanning: tape.raw(index)).counts, &events)
    }

    mutating func report(_ counts: TokenCounts, _ events: inout [AnswerEvent]) {
        var merged = usage
        merged.merge(counts)
        guard merged != usage else { return }
        usage = merged
        events.append(.usage(usage))
    }

    // MARK: - Choices

    /// The format allows 128 answers per request.
    private static let maximumChoices = 128

    private mutating func read(_ item: JSONIndex, _ position: Int, _ events: inout [AnswerEvent]) {
        let index = tape.member(item, named: "index").flatMap { tape.int($0) } ?? position
        guard index >= 0, choices.count < Self.maximumChoices || choices.contains(where: { $0.index == index }) else {
            return fail(CanonicalError(.upstreamInvalid, message: "the upstream sent too many choices"), &events)
        }
        let slot = slot(index)
        if let inner = tape.present(item, named: "usage") { readUsage(inner, &events) }
        if let delta = tape.present(item, named: "delta") {
            if context.tap {
                markContent(delta, index, &events)
            } else {
                choices[slot].read(delta, tape, names, &events)
            }
        } else if let message = tape.present(item, named: "message") {
            readWhole(message, slot, &events)
        }
        if !context.tap, let logprobs = tape.present(item, named: "logprobs") {
            events.append(.canonical("logprobs", choice: index, data: JSONValue(tape, logprobs).description))
        }
        guard let reason = tape.member(item, named: "finish_reason").flatMap({ tape.string($0) }) else { return }
        if reason == "error" {
            return fail(CanonicalError(.server, message: "the upstream ended the answer with an error"), &events)
        }
        choices[slot].take(reason)
    }

    func isKnown(_ index: Int) -> Bool { choices.contains { $0.index == index } }

    var isRoomLeft: Bool { choices.count < Self.maximumChoices }

    /// What accounting needs of a choice.
    mutating func take(_ index: Int, _ content: PartKind?, finish word: String?, _ events: inout [AnswerEvent]) {
        let slot = slot(index)
        if let content, !sawContent {
            sawContent = true
            events.append(.open(index, 0, content))
        }
        if let word { choices[slot].take(word) }
    }

    private mutating func slot(_ index: Int) -> Int {
        if let position = choices.firstIndex(where: { $0.index == index }) { return position }
        let position = choices.firstIndex { $0.index > index } ?? choices.count
        choices.insert(ChatStreamChoice(index: index, thinkTags: context.profile.thinkTags), at: position)
        return position
    }

    private static func mintedPrefix(_ requestID: String, _ index: Int) -> String {
        "call_" + StableHash.digits(requestID) + "_\(index)_"
    }

    /// A complete answer where a chunk was expected.
    private mutating func readWhole(_ message: JSONIndex, _ slot: Int, _ events: inout [AnswerEvent]) {
        if context.tap { return markContent(message, choices[slot].index, &events) }
        var reader = ChatAssistantReader(index: slot)
        do throws(ConversionError) {
            try JSONNode.with(tape, message) { message throws(ConversionError) in try reader.read(message) }
        } catch {
            return fail(CanonicalError(.upstreamInvalid, message: error.sentence), &events)
        }
        choices[slot].take(whole: reader.parts, names, &events)
    }

    /// In tap mode one opened part tells that the answer has begun.
    private mutating func markContent(_ delta: JSONIndex, _ index: Int, _ events: inout [AnswerEvent]) {
        guard !sawContent else { return }
        for member in tape.members(of: delta) where !tape.equals(member.key, "role") {
            switch tape.kind(member.value) {
            case .string where !tape.stringSpan(member.value).isEmpty: break
            case .array where tape.first(member.value) != nil: break
            case .object: break
            default: continue
            }
            sawContent = true
            let isCall = tape.equals(member.key, "tool_calls")
            return events.append(.open(index, 0, isCall ? .toolCall : .text))
        }
    }

    // MARK: - Endings

    private mutating func settle(_ events: inout [AnswerEvent], isDone: Bool) {
        hasEnded = true
        if !hasStarted { events.append(.start(id: "", model: "")) }
        let request = context.requestID
        for slot in choices.indices {
            let index = choices[slot].index
            choices[slot].close(names, mint: Self.mintedPrefix(request, index), &events)
        }
        for choice in choices { events.append(.finish(choice.index, choice.settledFinish(tap: context.tap))) }
        events.append(.end(clean: true))
    }

    private mutating func failWithDocument(_ events: inout [AnswerEvent]) {
        let body = ErrorBody(JSONValue(tape, tape.root))
        var error = CanonicalError(format: ChatFormat.id, status: nil, body: body)
        error.upstreamStatus = nil
        fail(error, &events)
    }

    private mutating func failUnreadable(_ events: inout [AnswerEvent]) {
        fail(CanonicalError(.upstreamInvalid, message: "the upstream sent a frame that is no JSON"), &events)
    }

    private mutating func fail(_ error: CanonicalError, _ events: inout [AnswerEvent]) {
        hasEnded = true
        if !hasStarted { events.append(.start(id: "", model: "")) }
        events.append(.error(error))
        events.append(.end(clean: false))
    }
}
