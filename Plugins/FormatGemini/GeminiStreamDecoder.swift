import CanonicalChat
import PatchbayPlugin
import PatchbayWire

/// Turns the frames of a Gemini stream into events.
///
/// Every frame is an answer with the new parts only. The stream has no terminator: it is whole if every candidate has
/// given its reason to finish. It never takes a cut stream for a whole one.
struct GeminiStreamDecoder {
    private let context: ConversionContext
    private let names: IdentifierMap
    private var tape = JSONTape()
    private var candidates: [GeminiStreamCandidate] = []
    private var usage = TokenCounts()
    /// The reason for which the prompt was refused.
    private var blockReason: String?
    private var hasStarted = false
    private var hasEnded = false
    /// The last frame was no JSON: cut, if nothing follows; a fault of the upstream, if something does.
    private var hasBrokenFrame = false
    private var sawContent = false
    /// What was said last of whether the answer is whole.
    private var isSettled = false

    init(_ context: ConversionContext) {
        self.context = context
        names = GeminiFormat.toolNames(context.profile, context.request.toolNames)
    }

    /// Takes one complete frame, which may be a list of answers.
    mutating func frame(
        event name: UnsafeRawBufferPointer, data: UnsafeRawBufferPointer, into events: inout [AnswerEvent]
    ) {
        guard !hasEnded, !data.isEmpty else { return }
        if hasBrokenFrame {
            return fail(CanonicalError(.upstreamInvalid, message: "the upstream sent a frame that is no JSON"), &events)
        }
        // Some relays end every stream as Chat Completions do.
        if data.elementsEqual("[DONE]".utf8) { return }
        guard (try? tape.parse(data)) != nil else {
            hasBrokenFrame = true
            return
        }
        if tape.kind(tape.root) == .array {
            for element in tape.elements(of: tape.root) where !hasEnded { document(element, &events) }
        } else {
            document(tape.root, &events)
        }
        tape.reset()
        guard !hasEnded, isComplete != isSettled else { return }
        isSettled = isComplete
        events.append(.settled(isSettled))
    }

    /// Every answer that has begun has its reason to end. Counters may still follow.
    private var isComplete: Bool {
        candidates.isEmpty ? blockReason != nil : candidates.allSatisfy { $0.finish != nil && !$0.hasHalfCall }
    }

    /// The transport delivers nothing more.
    mutating func finish(_ ending: StreamEnd, into events: inout [AnswerEvent]) {
        guard !hasEnded else { return }
        if isComplete, ending != .cancelled, !hasBrokenFrame { return settle(&events) }
        fail(StreamFault.error(ending), &events)
    }

    // MARK: - Documents

    private mutating func document(_ root: JSONIndex, _ events: inout [AnswerEvent]) {
        guard tape.kind(root) == .object else {
            return fail(
                CanonicalError(.upstreamInvalid, message: "the upstream sent a frame that is no object"), &events)
        }
        if tape.present(root, named: "error") != nil { return fail(root, &events) }
        let list = tape.present(root, named: "candidates")
        let counters = tape.present(root, named: "usageMetadata")
        let feedback = tape.present(root, named: "promptFeedback")
        if !hasStarted {
            if list == nil, counters == nil, feedback == nil, isDisguisedError(root) { return fail(root, &events) }
            begin(root, &events)
        }
        if let counters { readUsage(counters, &events) }
        if let reason = feedback.flatMap({ tape.member($0, named: "blockReason") }).flatMap({ tape.string($0) }) {
            blockReason = reason
        }
        guard let list, tape.kind(list) == .array else { return }
        for (position, item) in tape.elements(of: list).enumerated() where !hasEnded { read(item, position, &events) }
    }

    /// Relays answer failures with status 200 and a body that has none of the format's members.
    private func isDisguisedError(_ root: JSONIndex) -> Bool {
        let names: [StaticString] = ["message", "msg", "detail", "errors"]
        return names.contains { tape.present(root, named: $0) != nil }
    }

    private mutating func begin(_ root: JSONIndex?, _ events: inout [AnswerEvent]) {
        guard !hasStarted else { return }
        hasStarted = true
        func string(_ name: StaticString) -> String {
            root.flatMap { tape.member($0, named: name) }.flatMap { tape.string($0) } ?? ""
        }
        events.append(.start(id: string("responseId"), model: string("modelVersion")))
    }

    /// The counters come with every frame and are cumulative.
    private mutating func readUsage(_ counters: JSONIndex, _ events: inout [AnswerEvent]) {
        guard tape.kind(counters) == .object else { return }
        var merged = usage
        merged.merge(TokenCounts(gemini: JSONValue(tape, counters)))
        guard merged != usage else { return }
        usage = merged
        events.append(.usage(usage))
    }

    // MARK: - Candidates

    /// Far more answers than the format allows.
    private static let maximumCandidates = 64

    private mutating func read(_ item: JSONIndex, _ position: Int, _ events: inout [AnswerEvent]) {
        let index = tape.member(item, named: "index").flatMap { tape.int($0) } ?? position
        guard let slot = slot(index) else {
            return fail(CanonicalError(.upstreamInvalid, message: "the upstream sent too many candidates"), &events)
        }
        if context.tap {
            markContent(item, index, &events)
        } else if let failure = candidates[slot].read(item, tape, names, &events) {
            return fail(CanonicalError(.upstreamInvalid, message: failure.sentence), &events)
        }
        if let word = tape.member(item, named: "finishReason").flatMap({ tape.string($0) }) {
            candidates[slot].take(word)
        }
    }

    private mutating func slot(_ index: Int) -> Int? {
        if let position = candidates.firstIndex(where: { $0.index == index }) { return position }
        guard index >= 0, candidates.count < Self.maximumCandidates else { return nil }
        let position = candidates.firstIndex { $0.index > index } ?? candidates.count
        candidates.insert(GeminiStreamCandidate(index: index, context), at: position)
        return position
    }

    /// In tap mode one opened part tells that the answer has begun.
    private mutating func markContent(_ item: JSONIndex, _ index: Int, _ events: inout [AnswerEvent]) {
        guard !sawContent, let parts = tape.member(item, path: "content", "parts"), tape.kind(parts) == .array else {
            return
        }
        for part in tape.elements(of: parts) {
            let text = tape.member(part, named: "text")
            if let text, tape.kind(text) == .string, tape.stringSpan(text).isEmpty { continue }
            sawContent = true
            let isCall = tape.member(part, named: "functionCall") != nil
            return events.append(.open(index, 0, isCall ? .toolCall : .text))
        }
    }

    // MARK: - Endings

    private mutating func settle(_ events: inout [AnswerEvent]) {
        hasEnded = true
        begin(nil, &events)
        for slot in candidates.indices { candidates[slot].close(&events) }
        for candidate in candidates {
            events.append(.finish(candidate.index, candidate.settledFinish(tap: context.tap)))
        }
        if candidates.isEmpty { events.append(.finish(0, CanonicalFinish(.contentFilter, native: blockReason))) }
        events.append(.end(clean: true))
    }

    private mutating func fail(_ document: JSONIndex, _ events: inout [AnswerEvent]) {
        fail(GeminiErrors.read(status: nil, JSONValue(tape, document)), &events)
    }

    private mutating func fail(_ error: CanonicalError, _ events: inout [AnswerEvent]) {
        hasEnded = true
        begin(nil, &events)
        events.append(.error(error))
        events.append(.end(clean: false))
    }
}
