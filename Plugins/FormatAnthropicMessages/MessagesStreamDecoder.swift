import CanonicalChat
import PatchbayPlugin
import PatchbayWire

/// Turns the frames of a Messages stream into events. It never takes a cut stream for a finished one.
struct MessagesStreamDecoder {
    let context: ConversionContext
    private let names: IdentifierMap
    var tape = JSONTape()
    private(set) var blocks: [MessagesStreamBlock] = []
    private var partCount = 0
    private var usage = MessagesUsage()
    private var reported = TokenCounts()
    private var finish: CanonicalFinish?
    private var hasToolCall = false
    private var hasStarted = false
    private var hasEnded = false
    /// The last frame was no JSON: cut, if nothing follows; a fault of the upstream, if something does.
    private var hasBrokenFrame = false
    private(set) var sawContent = false

    init(_ context: ConversionContext) {
        self.context = context
        names = MessagesFormat.toolNames(context.profile, context.request.toolNames)
    }

    /// Takes one complete frame.
    mutating func frame(
        event name: UnsafeRawBufferPointer, data: UnsafeRawBufferPointer, into events: inout [AnswerEvent]
    ) {
        guard !hasEnded, !data.isEmpty else { return }
        if hasBrokenFrame { return failUnreadable(&events) }
        if context.tap, hasStarted, sawContent, Self.isContent(name, data), JSONGlance.isObject(data) { return }
        if data.elementsEqual("[DONE]".utf8) { return }
        guard (try? tape.parse(data)) != nil else {
            hasBrokenFrame = true
            // Whoever only taps is about to pass the frame on: a client must not have to read it.
            if context.tap { failUnreadable(&events) }
            return
        }
        document(name, &events)
        // Whoever only taps reads few frames of a stream, and many streams are open at once.
        tape.reset(keeping: context.tap ? 0 : 1 << 16)
    }

    /// The transport delivers nothing more.
    mutating func finish(_ ending: StreamEnd, into events: inout [AnswerEvent]) {
        guard !hasEnded else { return }
        if finish != nil, ending != .cancelled, !hasBrokenFrame { return settle(&events) }
        fail(StreamFault.error(ending), &events)
    }

    /// The answer has begun, and nothing has ended or broken it.
    var isUnderWay: Bool { hasStarted && !hasEnded && !hasBrokenFrame }

    /// For accounting: frames of blocks carry nothing that counts.
    static func isContent(_ name: UnsafeRawBufferPointer, _ data: UnsafeRawBufferPointer) -> Bool {
        if !name.isEmpty { return name.starts(with: "content_block_".utf8) || name.elementsEqual("ping".utf8) }
        return !ByteSearch.contains("\"message_", in: data) && !ByteSearch.contains("\"error\"", in: data)
    }

    // MARK: - Documents

    private mutating func document(_ name: UnsafeRawBufferPointer, _ events: inout [AnswerEvent]) {
        let root = tape.root
        // The type in the data counts; the event name is only a fallback.
        guard let type = tape.member(root, named: "type"), tape.kind(type) == .string else {
            return document(root, ByteView(name), &events)
        }
        guard tape.hasEscapes(type) else { return document(root, ByteView(tape.rawString(type)), &events) }
        var word = tape.string(type) ?? ""
        word.withUTF8 { document(root, ByteView(UnsafeRawBufferPointer($0)), &events) }
    }

    private mutating func document(_ root: JSONIndex, _ type: ByteView, _ events: inout [AnswerEvent]) {
        switch type {
        case "content_block_delta": delta(root, &events)
        case "content_block_start": openBlock(root, &events)
        case "content_block_stop": closeBlock(index(root), &events)
        case "message_start": start(root, &events)
        case "message_delta": messageDelta(root, &events)
        case "message_stop": settle(&events)
        case "ping": if hasStarted { events.append(.ping) }
        case "error": failWithDocument(&events)
        case "message" where !hasStarted: whole(&events)
        default: unknown(type.string, root, &events)
        }
    }

    private mutating func unknown(_ type: String, _ root: JSONIndex, _ events: inout [AnswerEvent]) {
        if tape.present(root, named: "error") != nil { return failWithDocument(&events) }
        if !hasStarted, tape.kind(root) == .object,
            tape.member(root, named: "message") != nil || tape.member(root, named: "detail") != nil
        {
            return failWithDocument(&events)
        }
        begin(id: "", model: "", &events)
        let data = String(decoding: tape.raw(root), as: UTF8.self)
        if !context.tap { events.append(.native(format: MessagesFormat.id, name: type, data: data)) }
    }

    private mutating func begin(id: String, model: String, _ events: inout [AnswerEvent]) {
        guard !hasStarted else { return }
        hasStarted = true
        events.append(.start(id: id, model: model, usage: reported))
    }

    private mutating func start(_ root: JSONIndex, _ events: inout [AnswerEvent]) {
        guard let message = tape.present(root, named: "message") else { return begin(id: "", model: "", &events) }
        if let counters = tape.present(message, named: "usage") {
            usage.merge(MessagesUsage(scanning: tape.raw(counters)))
            reported = usage.counts
        }
        begin(
            id: tape.member(message, named: "id").flatMap { tape.string($0) } ?? "",
            model: tape.member(message, named: "model").flatMap { tape.string($0) } ?? "", &events)
    }

    private mutating func messageDelta(_ root: JSONIndex, _ events: inout [AnswerEvent]) {
        begin(id: "", model: "", &events)
        if let word = tape.member(root, path: "delta", "stop_reason").flatMap({ tape.string($0) }), !word.isEmpty {
            let sequence = tape.member(root, path: "delta", "stop_sequence").flatMap { tape.string($0) }
            finish = MessagesFormat.finish(word, stopSequence: sequence)
        }
        guard let counters = tape.present(root, named: "usage") else { return }
        usage.merge(MessagesUsage(scanning: tape.raw(counters)))
        guard usage.counts != reported else { return }
        reported = usage.counts
        events.append(.usage(reported))
    }

    /// A complete answer where a stream was expected.
    private mutating func whole(_ events: inout [AnswerEvent]) {
        do throws(ConversionError) {
            let response = try JSONNode.with(tape, tape.root) { document throws(ConversionError) in
                try MessagesResponseReader.read(document, context: context)
            }
            hasEnded = true
            hasStarted = true
            events += response.events()
        } catch {
            fail(CanonicalError(.upstreamInvalid, message: error.sentence), &events)
        }
    }

    // MARK: - Blocks

    /// More open blocks than any answer has mean that the upstream is out of its mind.
    private static let maximumOpenBlocks = 256

    func index(_ root: JSONIndex) -> Int {
        tape.member(root, named: "index").flatMap { tape.int($0) } ?? 0
    }

    private mutating func openBlock(_ root: JSONIndex, _ events: inout [AnswerEvent]) {
        begin(id: "", model: "", &events)
        if context.tap { return tapContent(tape.present(root, named: "content_block"), &events) }
        let index = index(root)
        closeBlock(index, &events)
        guard let content = tape.present(root, named: "content_block") else { return }
        if blocks.count >= Self.maximumOpenBlocks {
            return fail(CanonicalError(.upstreamInvalid, message: "the upstream opened too many blocks"), &events)
        }
        var block = MessagesStreamBlock(index: index, part: partCount)
        partCount += 1
        block.open(content, tape, names, &events)
        hasToolCall = hasToolCall || block.kind == .toolCall
        blocks.append(block)
    }

    private mutating func delta(_ root: JSONIndex, _ events: inout [AnswerEvent]) {
        guard let delta = tape.present(root, named: "delta") else { return }
        if context.tap { return tapContent(delta, &events) }
        let index = index(root)
        if let position = blocks.lastIndex(where: { $0.index == index }) {
            return blocks[position].append(delta, tape, &events)
        }
        // Nobody announced the block; its first delta says what it is.
        guard blocks.count < Self.maximumOpenBlocks,
            var block = MessagesStreamBlock(implicit: delta, tape, index: index, part: partCount)
        else { return }
        begin(id: "", model: "", &events)
        partCount += 1
        events.append(.open(0, block.part, block.kind))
        block.append(delta, tape, &events)
        blocks.append(block)
    }

    private mutating func closeBlock(_ index: Int, _ events: inout [AnswerEvent]) {
        guard let position = blocks.firstIndex(where: { $0.index == index }) else { return }
        blocks[position].close(&events)
        blocks.remove(at: position)
    }

    /// In tap mode one opened part tells that the answer has begun, and nothing is told of the others: the first block
    /// or delta that has something in it. After the mere announcement of a text another upstream could still take over.
    private mutating func tapContent(_ item: JSONIndex?, _ events: inout [AnswerEvent]) {
        guard let item, !sawContent, let type = tape.member(item, named: "type").flatMap({ tape.string($0) }) else {
            return
        }
        let (kind, member): (PartKind, StaticString) =
            switch type {
            case "text", "text_delta": (.text, "text")
            case "thinking", "thinking_delta": (.reasoning, "thinking")
            case "signature_delta": (.reasoning, "signature")
            case "input_json_delta": (.toolCall, "partial_json")
            case "tool_use": (.toolCall, "id")
            case "redacted_thinking": (.reasoningRedacted, "data")
            default: (.other, "type")
            }
        guard let text = tape.member(item, named: member), tape.kind(text) != .string || !tape.stringSpan(text).isEmpty
        else { return }
        begin(id: "", model: "", &events)
        sawContent = true
        events.append(.open(0, 0, kind))
    }

    // MARK: - Endings

    private mutating func settle(_ events: inout [AnswerEvent]) {
        hasEnded = true
        begin(id: "", model: "", &events)
        for position in blocks.indices { blocks[position].close(&events) }
        let finish = finish ?? CanonicalFinish(.stop)
        let settled = context.tap ? finish : MessagesFormat.corrected(finish, hasToolCall: hasToolCall)
        events.append(.finish(0, settled))
        events.append(.end(clean: true))
    }

    private mutating func failWithDocument(_ events: inout [AnswerEvent]) {
        let body = ErrorBody(JSONValue(tape, tape.root))
        fail(CanonicalError(format: MessagesFormat.id, status: nil, body: body), &events)
    }

    private mutating func failUnreadable(_ events: inout [AnswerEvent]) {
        fail(CanonicalError(.upstreamInvalid, message: "the upstream sent a frame that is no JSON"), &events)
    }

    private mutating func fail(_ error: CanonicalError, _ events: inout [AnswerEvent]) {
        hasEnded = true
        begin(id: "", model: "", &events)
        events.append(.error(error))
        events.append(.end(clean: false))
    }
}
