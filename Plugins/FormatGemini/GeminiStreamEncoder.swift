import CanonicalChat
import PatchbayPlugin
import PatchbayWire

/// Turns events into the bytes of a Gemini stream.
///
/// A call is one part, so it waits until it is complete; a cut one is never sent. Reasons to finish come last, all in
/// one frame, because a client takes the first for the end.
struct GeminiStreamEncoder {
    private let context: ConversionContext
    private let answer: GeminiAnswerWriter
    private var choices: [GeminiEncoderChoice] = []
    private var usage = TokenCounts()
    /// What follows the candidates of a frame without counters.
    private var tail: [UInt8] = []
    private var hasStarted = false
    private var hasEnded = false

    init(_ context: ConversionContext) {
        self.context = context
        answer = GeminiAnswerWriter(context)
        render(id: "", model: "")
    }

    /// Appends the bytes for one event.
    mutating func encode(_ event: AnswerEvent, into output: inout [UInt8]) {
        guard !hasEnded else { return }
        switch event.type {
        case .start:
            usage.merge(event.usage)
            render(id: event.id, model: event.name)
        case .partOpen: open(event, &output)
        case .partDelta: delta(event, &output)
        case .partNote: choices[slot(event.choice)].notes.append(event.extra)
        case .partClose: close(event, &output)
        case .finish: choices[slot(event.choice)].finish = event.finishValue
        case .usage: usage.merge(event.usage)
        case .error: fail(event.errorValue, &output)
        case .ping: if hasStarted { output.append(contentsOf: "\r\n".utf8) }
        case .end: if event.clean { end(&output) } else { fail(StreamFault.error(.cut), &output) }
        case .native, .other: break
        }
    }

    // MARK: - Frames

    private mutating func render(id: String, model: String) {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("modelVersion", context.answerModel(model))
        writer.member("responseId", GeminiFormat.answerID(id, requestID: context.requestID))
        writer.endObject()
        tail = Array(",".utf8) + writer.bytes.dropFirst() + Array("\r\n\r\n".utf8)
    }

    /// Writes a frame with one part of one candidate.
    private mutating func part(_ choice: Int, _ output: inout [UInt8], _ body: (inout JSONWriter) -> Void) {
        hasStarted = true
        output.append(contentsOf: "data: {\"candidates\":[{\"content\":{\"parts\":[".utf8)
        var writer = JSONWriter(appendingTo: output)
        output = []
        body(&writer)
        writer.bytes.append(contentsOf: "],\"role\":\"model\"},\"index\":".utf8)
        writer.beginDocument()
        writer.number(choice)
        writer.bytes.append(contentsOf: "}]".utf8)
        writer.bytes.append(contentsOf: tail)
        output = writer.bytes
    }

    /// Of text, which makes a frame for each delta.
    func sides(choice: Int, part ordinal: Int, _ field: PartField) -> FrameSides? {
        guard hasStarted, !hasEnded, case .text = field, let known = choices.first(where: { $0.index == choice }),
            let kind = known.kind(ordinal), kind == .text || kind == .refusal
        else { return nil }
        var output: [UInt8] = []
        var copy = self
        copy.part(choice, &output) { answer.text(FrameSides.marker, into: &$0) }
        return FrameSides(around: output)
    }

    // MARK: - Parts

    private mutating func slot(_ index: Int) -> Int {
        if let position = choices.firstIndex(where: { $0.index == index }) { return position }
        let position = choices.firstIndex { $0.index > index } ?? choices.count
        choices.insert(GeminiEncoderChoice(index: index), at: position)
        return position
    }

    private mutating func open(_ event: AnswerEvent, _ output: inout [UInt8]) {
        let slot = slot(event.choice)
        var part = GeminiEncoderPart(kind: event.kind ?? .other)
        if let held = choices[slot].held {
            choices[slot].held = nil
            if part.kind == .toolCall { part.signature = held } else { trailing(held, slot, &output) }
        }
        let extra = event.extra.isEmpty ? nil : try? JSONValue(parsing: event.extra)
        switch part.kind {
        case .toolCall:
            part.call = CanonicalToolCall(
                id: event.id, name: event.name, arguments: "",
                kind: extra?["kind"]?.stringValue == "custom" ? .custom : .function)
        case .reasoning, .reasoningRedacted: part.id = event.id.isEmpty ? nil : event.id
        case .image, .audio: part.mime = extra?["mime"]?.stringValue ?? ""
        case .other: part.value = extra?["value"]
        default: break
        }
        choices[slot].set(part, event.part)
    }

    private mutating func delta(_ event: AnswerEvent, _ output: inout [UInt8]) {
        let slot = slot(event.choice)
        guard let kind = choices[slot].kind(event.part), !event.text.isEmpty else { return }
        switch (kind, event.field) {
        case (.text, .text?), (.refusal, .text?):
            let answer = answer
            part(event.choice, &output) { answer.text(event.text, into: &$0) }
        case (.reasoning, .text?):
            guard answer.showsReasoning else { return }
            choices[slot].parts[event.part]?.hasText = true
            let answer = answer
            part(event.choice, &output) { answer.reasoning(CanonicalReasoning(text: event.text), into: &$0) }
        case (.reasoning, .opaque?), (.reasoningRedacted, .opaque?): signature(event, slot, &output)
        case (.toolCall, .arguments?): choices[slot].parts[event.part]?.call.arguments += event.text
        case (.image, .data?), (.audio, .data?): choices[slot].parts[event.part]?.data += event.text
        default: break
        }
    }

    private mutating func signature(_ event: AnswerEvent, _ slot: Int, _ output: inout [UInt8]) {
        guard let content = choices[slot].parts[event.part] else { return }
        var reasoning = CanonicalReasoning(opaque: event.opaqueValue, redacted: content.kind == .reasoningRedacted)
        reasoning.id = content.id
        if !content.hasText, answer.isHeld(reasoning) {
            choices[slot].held = reasoning.wireSignature
        } else if answer.showsReasoning {
            let answer = answer
            part(event.choice, &output) { answer.reasoning(reasoning, into: &$0) }
        }
    }

    private mutating func trailing(_ signature: String, _ slot: Int, _ output: inout [UInt8]) {
        let answer = answer
        part(choices[slot].index, &output) { answer.trailing(signature, into: &$0) }
    }

    private mutating func close(_ event: AnswerEvent, _ output: inout [UInt8]) {
        let slot = slot(event.choice)
        guard let content = choices[slot].take(event.part) else { return }
        emit(content, slot, &output)
    }

    /// Sends what has to be sent whole.
    private mutating func emit(_ content: GeminiEncoderPart, _ slot: Int, _ output: inout [UInt8]) {
        let answer = answer
        switch content.kind {
        case .toolCall:
            guard ToolArguments.object(content.call).quality != .raw else {
                choices[slot].isBroken = true
                return
            }
            part(choices[slot].index, &output) {
                _ = answer.call(content.call, hasID: true, signature: content.signature, into: &$0)
            }
        case .image, .audio:
            guard !content.data.isEmpty else { return }
            part(choices[slot].index, &output) { answer.data(content.mime, content.data, into: &$0) }
        case .other:
            guard let value = content.value, GeminiPartKind.isKnown(value) else { return }
            part(choices[slot].index, &output) { $0.value(value) }
        default: break
        }
    }

    // MARK: - Endings

    private mutating func end(_ output: inout [UInt8]) {
        hasEnded = true
        if choices.isEmpty { choices.append(GeminiEncoderChoice(index: 0)) }
        // A clean end means that everything is complete, even what nobody closed.
        for slot in choices.indices {
            for part in choices[slot].openParts() { emit(part, slot, &output) }
            if let held = choices[slot].held { trailing(held, slot, &output) }
        }
        var writer = JSONWriter(appendingTo: output)
        output = []
        writer.bytes.append(contentsOf: "data: ".utf8)
        writer.beginObject()
        writer.key("candidates")
        writer.beginArray()
        for choice in choices { choice.writeEnd(into: &writer) }
        writer.endArray()
        if !usage.isEmpty {
            writer.key("usageMetadata")
            usage.writeGemini(into: &writer)
        }
        writer.bytes.append(contentsOf: tail)
        output = writer.bytes
    }

    private mutating func fail(_ error: CanonicalError, _ output: inout [UInt8]) {
        hasEnded = true
        var writer = JSONWriter(appendingTo: output)
        output = []
        writer.bytes.append(contentsOf: "data: ".utf8)
        GeminiErrors.writeDocument(error, into: &writer)
        writer.bytes.append(contentsOf: "\r\n\r\n".utf8)
        output = writer.bytes
    }
}

/// What the encoder knows of one answer.
struct GeminiEncoderChoice {
    let index: Int
    var parts: [Int: GeminiEncoderPart] = [:]
    var notes: [String] = []
    var finish: CanonicalFinish?
    /// The signature that the next call takes.
    var held: String?
    /// A call was no JSON and has been left out.
    var isBroken = false

    init(index: Int) {
        self.index = index
    }

    mutating func set(_ part: GeminiEncoderPart, _ ordinal: Int) {
        parts[ordinal] = part
    }

    func kind(_ ordinal: Int) -> PartKind? {
        parts[ordinal]?.kind
    }

    mutating func take(_ ordinal: Int) -> GeminiEncoderPart? {
        parts.removeValue(forKey: ordinal)
    }

    mutating func openParts() -> [GeminiEncoderPart] {
        defer { parts = [:] }
        return parts.sorted { $0.key < $1.key }.map(\.value)
    }

    /// The candidate of the last frame.
    func writeEnd(into writer: inout JSONWriter) {
        let isLength = finish?.reason == .length
        writer.beginObject()
        writer.key("content")
        writer.beginObject()
        writer.key("parts")
        writer.beginArray()
        writer.beginObject()
        writer.member("text", literal: "")
        writer.endObject()
        writer.endArray()
        writer.member("role", literal: "model")
        writer.endObject()
        writer.member("finishReason", isBroken && !isLength ? "MALFORMED_FUNCTION_CALL" : GeminiFormat.word(finish))
        writer.member("index", index)
        let notes = notes.compactMap { try? JSONValue(parsing: $0) }
        writer.member("citationMetadata", ifPresent: GeminiAnswerWriter.citations(notes))
        writer.endObject()
    }
}

/// What the encoder knows of one part.
struct GeminiEncoderPart {
    let kind: PartKind
    var call = CanonicalToolCall(id: "", name: "", arguments: "")
    var mime = ""
    var data = ""
    /// A part of this format that came whole.
    var value: JSONValue?
    var hasText = false
    /// The name that a provider gave its reasoning.
    var id: String?
    /// Of the thought that led to a call.
    var signature: String?

    init(kind: PartKind) {
        self.kind = kind
    }
}
