import CanonicalChat
import PatchbayPlugin
import PatchbayWire

/// Turns the frames of a Responses stream into events.
///
/// Tolerates servers that send only the final events, repeat in them what the deltas said, or leave `output` empty at
/// the end. Without a terminal event it never takes a stream for a whole one.
struct ResponsesStreamDecoder {
    let context: ConversionContext
    let names: IdentifierMap
    var tape = JSONTape()
    var items: [ResponsesStreamItem] = []
    var partCount = 0
    var hasToolCall = false
    var hasRefusal = false
    var sawContent = false
    private var usage = TokenCounts()
    private var hasStarted = false
    private(set) var hasEnded = false
    /// The last frame was no JSON: cut, if nothing follows; a fault of the upstream, if something does.
    private var hasBrokenFrame = false

    init(_ context: ConversionContext) {
        self.context = context
        names = ResponsesFormat.toolNames(context.profile, context.request.toolNames)
    }

    /// Takes one complete frame.
    mutating func frame(
        event name: UnsafeRawBufferPointer, data: UnsafeRawBufferPointer, into events: inout [AnswerEvent]
    ) {
        guard !hasEnded, !data.isEmpty else { return }
        if hasBrokenFrame {
            return fail(CanonicalError(.upstreamInvalid, message: "the upstream sent a frame that is no JSON"), &events)
        }
        if context.tap, sawContent, Self.isContent(name, data) { return }
        if data.elementsEqual("[DONE]".utf8) { return }
        guard (try? tape.parse(data)) != nil else {
            hasBrokenFrame = true
            return
        }
        document(name, &events)
        // Whoever only taps reads few frames of a stream, and many streams are open at once.
        tape.reset(keeping: context.tap ? 0 : 1 << 16)
    }

    /// The transport delivers nothing more. The format always says when it is done.
    mutating func finish(_ ending: StreamEnd, into events: inout [AnswerEvent]) {
        guard !hasEnded else { return }
        fail(StreamFault.error(ending), &events)
    }

    /// Members of an event that vary although accounting does not care.
    private static let varying = JSONHoles(strings: ["delta", "obfuscation"], digits: ["sequence_number"])

    /// Only for accounting: what is converted has to be seen, because later events say it all again.
    func pattern(event name: UnsafeRawBufferPointer, data: UnsafeRawBufferPointer) -> FramePattern? {
        guard context.tap, sawContent, !hasEnded, !hasBrokenFrame, Self.isContent(name, data) else { return nil }
        return FramePattern(passing: data, Self.varying)
    }

    /// For accounting: frames of items carry nothing that counts.
    private static func isContent(_ name: UnsafeRawBufferPointer, _ data: UnsafeRawBufferPointer) -> Bool {
        if name.starts(with: "response.".utf8) {
            let suffix = name.suffix(6)
            return suffix.elementsEqual(".delta".utf8) || suffix.elementsEqual(".added".utf8)
                || name.suffix(5).elementsEqual(".done".utf8) && !name.elementsEqual("response.done".utf8)
        }
        return !ByteSearch.contains("\"response\":", in: data) && !ByteSearch.contains("\"error\"", in: data)
    }

    // MARK: - Documents

    private mutating func document(_ name: UnsafeRawBufferPointer, _ events: inout [AnswerEvent]) {
        let root = tape.root
        // The type in the data counts; the event name is only a fallback.
        guard let type = tape.member(root, named: "type"), tape.kind(type) == .string else {
            let word = String(decoding: name, as: UTF8.self)
            return word.isEmpty ? untyped(&events) : rare(word, root, &events)
        }
        if tape.equals(type, "response.output_text.delta") {
            text(root, .text, &events)
        } else if tape.equals(type, "response.function_call_arguments.delta") {
            arguments(root, .function, &events)
        } else if tape.equals(type, "response.reasoning_summary_text.delta") {
            reasoning(root, inContent: false, &events)
        } else {
            rare(tape.string(type) ?? "", root, &events)
        }
    }

    private mutating func rare(_ type: String, _ root: JSONIndex, _ events: inout [AnswerEvent]) {
        switch type {
        case "response.created", "response.in_progress", "response.queued": start(root, &events)
        case "response.output_item.added": addItem(root, &events)
        case "response.output_item.done": finishItem(root, &events)
        case "response.content_part.added": addContent(root, &events)
        case "response.content_part.done": finishContent(root, "part", &events)
        case "response.output_text.done": finishText(root, "text", .text, &events)
        case "response.output_text.delta": text(root, .text, &events)
        case "response.refusal.delta": text(root, .refusal, &events)
        case "response.refusal.done": finishText(root, "refusal", .refusal, &events)
        case "response.output_text.annotation.added": annotate(root, &events)
        case "response.reasoning_text.delta": reasoning(root, inContent: true, &events)
        case "response.reasoning_summary_text.delta": reasoning(root, inContent: false, &events)
        case "response.function_call_arguments.delta": arguments(root, .function, &events)
        case "response.custom_tool_call_input.delta": arguments(root, .custom, &events)
        case "response.custom_tool_call_input.done": finishArguments(root, "input", &events)
        case "response.function_call_arguments.done": finishArguments(root, "arguments", &events)
        case "response.reasoning_summary_part.added", "response.reasoning_summary_part.done",
            "response.reasoning_summary_text.done",
            "response.reasoning_text.done":
            // The item that is done says it again, and says all of it.
            break
        case "response.completed", "response.incomplete", "response.done": complete(root, &events)
        case "response.failed", "response.cancelled": failWithResponse(type, root, &events)
        case "error": failWithDocument(&events)
        case "ping", "keepalive": if hasStarted { events.append(.ping) }
        default: unknown(type, root, &events)
        }
    }

    /// A document that does not say what it is: a whole response, or an error.
    private mutating func untyped(_ events: inout [AnswerEvent]) {
        let root = tape.root
        if tape.present(root, named: "output") != nil { return whole(&events) }
        let names: [StaticString] = ["error", "message", "msg", "detail"]
        if names.contains(where: { tape.present(root, named: $0) != nil }) { return failWithDocument(&events) }
        unknown("", root, &events)
    }

    private mutating func unknown(_ type: String, _ root: JSONIndex, _ events: inout [AnswerEvent]) {
        if tape.present(root, named: "error") != nil { return failWithDocument(&events) }
        begin(&events)
        guard !context.tap else { return }
        let data = String(decoding: tape.raw(root), as: UTF8.self)
        events.append(.native(format: ResponsesFormat.id, name: type, data: data))
    }

    private mutating func start(_ root: JSONIndex, _ events: inout [AnswerEvent]) {
        guard let response = tape.present(root, named: "response") else { return begin(&events) }
        begin(
            id: tape.member(response, named: "id").flatMap { tape.string($0) } ?? "",
            model: tape.member(response, named: "model").flatMap { tape.string($0) } ?? "", &events)
    }

    mutating func begin(id: String = "", model: String = "", _ events: inout [AnswerEvent]) {
        guard !hasStarted else { return }
        hasStarted = true
        events.append(.start(id: id, model: model))
    }

    /// In tap mode one opened part tells that the answer has begun. False if the frame is of no further interest.
    mutating func takesContent(_ kind: PartKind, _ events: inout [AnswerEvent]) -> Bool {
        begin(&events)
        guard context.tap else { return true }
        if !sawContent { events.append(.open(0, 0, kind)) }
        sawContent = true
        return false
    }

    /// A complete response where a stream was expected.
    private mutating func whole(_ events: inout [AnswerEvent]) {
        let document = JSONValue(tape, tape.root)
        if document["status"]?.stringValue == "failed" { return failWithDocument(&events) }
        do throws(ConversionError) {
            let response = try ResponsesResponseReader.read(document, context: context)
            let answer = response.events()
            events += hasStarted ? Array(answer.dropFirst()) : answer
            hasEnded = true
            hasStarted = true
        } catch {
            fail(CanonicalError(.upstreamInvalid, message: error.sentence), &events)
        }
    }

    // MARK: - Endings

    private mutating func complete(_ root: JSONIndex, _ events: inout [AnswerEvent]) {
        start(root, &events)
        let response = tape.present(root, named: "response").map { JSONValue(tape, $0) } ?? .null
        let type = tape.member(root, named: "type").flatMap { tape.string($0) }
        let status = response["status"]?.stringValue ?? (type == "response.incomplete" ? "incomplete" : "completed")
        if status == "failed" { return fail(ResponsesErrors.read(response), &events) }
        let reason = response["incomplete_details"]?["reason"]?.stringValue
        if !context.tap { reconcile(response["output"]?.arrayValue ?? [], isWhole: status != "incomplete", &events) }
        if let counters = response["usage"]?.nonNull {
            usage.merge(TokenCounts(responses: counters))
            if !usage.isEmpty { events.append(.usage(usage)) }
        }
        if context.tap {
            let types = response["output"]?.arrayValue?.compactMap { $0["type"]?.stringValue } ?? []
            hasToolCall = types.contains { $0 == "function_call" || $0 == "custom_tool_call" } || hasToolCall
        }
        hasEnded = true
        let finish = ResponsesFormat.finish(status: status, reason: reason)
        events.append(
            .finish(0, ResponsesFormat.corrected(finish, hasToolCall: hasToolCall, hasRefusal: hasRefusal)))
        events.append(.end(clean: true))
    }

    private mutating func failWithResponse(_ type: String, _ root: JSONIndex, _ events: inout [AnswerEvent]) {
        start(root, &events)
        guard type == "response.failed" else {
            return fail(CanonicalError(.cancelled, message: "the upstream cancelled the response"), &events)
        }
        let response = tape.present(root, named: "response").map { JSONValue(tape, $0) } ?? JSONValue(tape, root)
        fail(ResponsesErrors.read(response), &events)
    }

    private mutating func failWithDocument(_ events: inout [AnswerEvent]) {
        fail(ResponsesErrors.read(JSONValue(tape, tape.root)), &events)
    }

    mutating func fail(_ error: CanonicalError, _ events: inout [AnswerEvent]) {
        hasEnded = true
        begin(&events)
        events.append(.error(error))
        events.append(.end(clean: false))
    }
}
