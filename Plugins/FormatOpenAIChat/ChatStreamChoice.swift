import CanonicalChat
import PatchbayPlugin
import PatchbayWire

/// The state of one choice of a stream: which parts are open, which calls are known.
struct ChatStreamChoice {
    let index: Int
    private(set) var finish: CanonicalFinish?
    /// Google's signature for the call that is being read.
    private var signature: String?
    private var partCount = 0
    /// The text, reasoning or refusal part that deltas go to.
    private var open: (kind: PartKind, part: Int)?
    private var openHasOpaque = false
    private var audioPart: Int?
    private var calls: [ChatStreamCall] = []
    private var hasRefusal = false
    private var joiner = SurrogateJoiner()
    /// Nil where the upstream tells reasoning from text itself.
    private var splitter: ThinkTagSplitter?

    init(index: Int, thinkTags: Bool = false) {
        self.index = index
        splitter = thinkTags ? ThinkTagSplitter() : nil
    }

    // MARK: - Deltas

    mutating func read(
        _ delta: JSONIndex, _ tape: borrowing JSONTape, _ names: IdentifierMap, _ events: inout [AnswerEvent]
    ) {
        readReasoning(delta, tape, &events)
        if let text = tape.member(delta, named: "content") {
            if splitter == nil { append(text, .text, tape, &events) } else { split(text, tape, &events) }
        }
        if let text = tape.member(delta, named: "refusal") { append(text, .refusal, tape, &events) }
        if let list = tape.present(delta, named: "tool_calls") {
            for call in tape.elements(of: list) { readCall(call, tape, names, &events) }
        }
        if let call = tape.present(delta, named: "function_call") {
            readFunction(call, key: .legacy, id: "", tape, names, &events)
        }
        readMedia(delta, tape, &events)
    }

    private mutating func append(
        _ text: JSONIndex, _ kind: PartKind, _ tape: borrowing JSONTape, _ events: inout [AnswerEvent]
    ) {
        guard tape.kind(text) == .string, !tape.stringSpan(text).isEmpty else { return }
        switchTo(kind, &events)
        let decoded = joiner.text(tape, text)
        if !decoded.isEmpty { events.append(.delta(index, openPart, .text, decoded)) }
    }

    private mutating func split(_ text: JSONIndex, _ tape: borrowing JSONTape, _ events: inout [AnswerEvent]) {
        guard tape.kind(text) == .string, let decoded = tape.string(text) else { return }
        deliver(splitter?.add(decoded) ?? [], &events)
    }

    private mutating func deliver(_ pieces: [ThinkTagSplitter.Piece], _ events: inout [AnswerEvent]) {
        for piece in pieces {
            switch piece {
            case .reasoning(let text):
                switchTo(.reasoning, &events)
                events.append(.delta(index, openPart, .text, text))
            case .text(let text):
                switchTo(.text, &events)
                events.append(.delta(index, openPart, .text, text))
            }
        }
    }

    var openPart: Int { open?.part ?? 0 }

    /// Text of this kind goes to the open part as it comes.
    func continues(_ kind: PartKind) -> Bool {
        open?.kind == kind && !(kind == .reasoning && openHasOpaque) && !joiner.isWaiting && splitter == nil
    }

    /// Opens a part of this kind unless it is the open one; another open one is closed.
    private mutating func switchTo(_ kind: PartKind, _ events: inout [AnswerEvent]) {
        if let current = open, current.kind == kind, !(kind == .reasoning && openHasOpaque) { return }
        closeOpen(&events)
        if kind == .refusal { hasRefusal = true }
        open = (kind, partCount)
        events.append(.open(index, partCount, kind))
        partCount += 1
    }

    private mutating func closeOpen(_ events: inout [AnswerEvent]) {
        guard let current = open else { return }
        let rest = joiner.flush()
        if !rest.isEmpty { events.append(.delta(index, current.part, .text, rest)) }
        events.append(.close(index, current.part))
        open = nil
        openHasOpaque = false
    }

    // MARK: - Reasoning

    /// One of several names for the same text; servers may send two of them at once.
    private mutating func readReasoning(
        _ delta: JSONIndex, _ tape: borrowing JSONTape, _ events: inout [AnswerEvent]
    ) {
        var hasText = false
        for name in ["reasoning_content", "reasoning"] as [StaticString] {
            guard !hasText, let text = tape.member(delta, named: name), tape.kind(text) == .string,
                !tape.stringSpan(text).isEmpty
            else { continue }
            append(text, .reasoning, tape, &events)
            hasText = true
        }
        guard let details = tape.present(delta, named: "reasoning_details") else { return }
        for detail in tape.elements(of: details) {
            readDetail(ChatReasoningDetail.read(JSONValue(tape, detail)), skipText: hasText, &events)
        }
    }

    private mutating func readDetail(
        _ reasoning: CanonicalReasoning, skipText: Bool, _ events: inout [AnswerEvent]
    ) {
        if reasoning.redacted {
            closeOpen(&events)
            CanonicalPart(.reasoning(reasoning)).append(to: &events, index, partCount)
            partCount += 1
            return
        }
        // A signature repeats the text of its block; what was streamed already is not text again.
        let isRepetition = reasoning.opaque != nil && open?.kind == .reasoning
        if !skipText, !isRepetition, !reasoning.text.isEmpty {
            switchTo(.reasoning, &events)
            events.append(.delta(index, openPart, .text, reasoning.text))
        }
        guard let opaque = reasoning.opaque else { return }
        switchTo(.reasoning, &events)
        events.append(.opaque(index, openPart, opaque))
        openHasOpaque = true
    }

    // MARK: - Calls

    private mutating func readCall(
        _ call: JSONIndex, _ tape: borrowing JSONTape, _ names: IdentifierMap, _ events: inout [AnswerEvent]
    ) {
        let id = tape.member(call, named: "id").flatMap { tape.string($0) } ?? ""
        let key =
            tape.member(call, named: "index").flatMap { tape.int($0) }.map(ChatStreamCall.Key.index)
            ?? (id.isEmpty ? .none : .id)
        if tape.present(call, named: "extra_content") != nil {
            signature = tape.member(call, path: "extra_content", "google", "thought_signature")
                .flatMap { tape.string($0) }
        }
        if let function = tape.present(call, named: "function") {
            readFunction(function, key: key, id: id, tape, names, &events)
        } else if let custom = tape.present(call, named: "custom") {
            readFunction(custom, key: key, id: id, isCustom: true, tape, names, &events)
        } else if let slot = slot(key, id: id, name: "") {
            calls[slot].learn(id: id, name: "")
            advance(slot, names, &events)
        }
    }

    private mutating func readFunction(
        _ function: JSONIndex, key: ChatStreamCall.Key, id: String, isCustom: Bool = false,
        _ tape: borrowing JSONTape, _ names: IdentifierMap, _ events: inout [AnswerEvent]
    ) {
        let name = tape.member(function, named: "name").flatMap { tape.string($0) } ?? ""
        let position: Int
        if let known = slot(key, id: id, name: name) {
            position = known
        } else {
            // More calls than any answer has are not worth the search.
            guard calls.count < 1024 else { return }
            position = calls.count
            calls.append(ChatStreamCall(key: key, isCustom: isCustom))
            calls[position].signature = signature
            signature = nil
        }
        calls[position].learn(id: id, name: name)
        if let arguments = tape.member(function, named: isCustom ? "input" : "arguments") {
            calls[position].append(arguments, tape)
        }
        advance(position, names, &events)
    }

    /// The call that a delta belongs to; nil if it begins a new one.
    private func slot(_ key: ChatStreamCall.Key, id: String, name: String) -> Int? {
        switch key {
        case .index, .legacy:
            guard let found = calls.lastIndex(where: { $0.key == key }) else { return nil }
            // Servers that number all parallel calls 0 tell them apart by id and name.
            let isOther = !id.isEmpty && !name.isEmpty && !calls[found].id.isEmpty && calls[found].id != id
            return isOther ? nil : found
        case .id: return calls.lastIndex { $0.id == id }
        case .none:
            guard let last = calls.indices.last else { return nil }
            return !name.isEmpty && !calls[last].name.isEmpty ? nil : last
        }
    }

    /// Opens a call once its name and id are known, and delivers what has come of its arguments.
    private mutating func advance(_ slot: Int, _ names: IdentifierMap, _ events: inout [AnswerEvent]) {
        if calls[slot].part == nil {
            guard !calls[slot].id.isEmpty, !calls[slot].name.isEmpty else { return }
            if let signature = calls[slot].signature {
                closeOpen(&events)
                ChatThoughtSignature.part(signature).append(to: &events, index, partCount)
                partCount += 1
            }
            calls[slot].part = partCount
            let call = calls[slot]
            events.append(
                .open(
                    index, partCount, .toolCall, id: call.id, name: names.original(call.name),
                    extra: call.isCustom ? #"{"kind":"custom"}"# : ""))
            partCount += 1
        }
        guard let part = calls[slot].part, !calls[slot].pending.isEmpty else { return }
        events.append(.delta(index, part, .arguments, calls[slot].pending))
        calls[slot].pending = ""
    }

    /// The part of a call whose arguments are delivered as they come; nil for others.
    func steadyPart(_ key: ChatStreamCall.Key, id: String, name: String) -> Int? {
        guard let slot = slot(key, id: id, name: name), calls[slot].isSteady else { return nil }
        return calls[slot].part
    }

    // MARK: - Media and notes

    private mutating func readMedia(
        _ delta: JSONIndex, _ tape: borrowing JSONTape, _ events: inout [AnswerEvent]
    ) {
        if let list = tape.present(delta, named: "annotations") {
            for annotation in tape.elements(of: list) {
                if open == nil { switchTo(.text, &events) }
                let value = ChatAnnotation.read(JSONValue(tape, annotation))
                events.append(.note(index, openPart, value.description))
            }
        }
        if let list = tape.present(delta, named: "images") {
            for image in tape.elements(of: list) { readImage(JSONValue(tape, image), &events) }
        }
        if let audio = tape.present(delta, named: "audio") { readAudio(JSONValue(tape, audio), &events) }
    }

    private mutating func readImage(_ value: JSONValue, _ events: inout [AnswerEvent]) {
        guard let url = value["image_url"]?["url"]?.stringValue else { return }
        closeOpen(&events)
        let source: CanonicalMedia.Source = DataURL(url).map { .base64(mime: $0.mime, data: $0.base64) } ?? .url(url)
        CanonicalPart(.media(CanonicalMedia(.image, source))).append(to: &events, index, partCount)
        partCount += 1
    }

    private mutating func readAudio(_ value: JSONValue, _ events: inout [AnswerEvent]) {
        let part = audioPart ?? partCount
        if audioPart == nil {
            audioPart = part
            partCount += 1
            events.append(.open(index, part, .audio, id: value["id"]?.stringValue ?? ""))
        }
        if let data = value["data"]?.stringValue, !data.isEmpty { events.append(.delta(index, part, .data, data)) }
        if let text = value["transcript"]?.stringValue, !text.isEmpty {
            events.append(.delta(index, part, .transcript, text))
        }
    }

    /// A whole message in place of deltas.
    mutating func take(whole parts: [CanonicalPart], _ names: IdentifierMap, _ events: inout [AnswerEvent]) {
        closeOpen(&events)
        for part in parts {
            var part = part
            if case .toolCall(var call) = part.content {
                call.name = names.original(call.name)
                part.content = .toolCall(call)
                calls.append(ChatStreamCall(delivered: call, part: partCount))
            }
            if case .refusal = part.content { hasRefusal = true }
            part.append(to: &events, index, partCount)
            partCount += 1
        }
    }

    // MARK: - Endings

    /// Takes a finish reason; the first one stays, except that a call outweighs a stop.
    mutating func take(_ word: String) {
        guard let new = ChatFormat.finish(word) else { return }
        if finish == nil || finish?.reason == .other || (new.reason == .toolCalls && finish?.reason == .stop) {
            finish = new
        }
    }

    /// Completes everything that is open.
    ///
    /// - Parameter prefix: of ids for calls that came without one.
    mutating func close(
        _ names: IdentifierMap, mint prefix: @autoclosure () -> String, _ events: inout [AnswerEvent]
    ) {
        deliver(splitter?.finish() ?? [], &events)
        closeOpen(&events)
        if let audioPart { events.append(.close(index, audioPart)) }
        for slot in calls.indices where !calls[slot].isDelivered {
            if calls[slot].id.isEmpty { calls[slot].learn(id: prefix() + String(slot), name: "") }
            calls[slot].flush()
            advance(slot, names, &events)
            if let part = calls[slot].part { events.append(.close(index, part)) }
        }
    }

    /// The finish to report, made consistent with what was delivered.
    func settledFinish(tap: Bool) -> CanonicalFinish {
        let finish = finish ?? CanonicalFinish(.stop)
        if tap { return finish }
        let hasCall = calls.contains { $0.part != nil }
        return ChatFormat.corrected(finish, hasToolCall: hasCall, hasRefusal: hasRefusal)
    }
}
