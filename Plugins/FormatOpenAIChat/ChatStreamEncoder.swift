import CanonicalChat
import PatchbayPlugin
import PatchbayWire

/// Turns events into the bytes of a Chat Completions stream.
struct ChatStreamEncoder {
    let context: ConversionContext
    private var choices: [ChatEncoderChoice] = []
    private var usage = TokenCounts()
    /// Everything of a chunk up to the index of its choice, and what follows the choice's delta.
    private var head: [UInt8] = []
    private var tail: [UInt8] = []
    private var hasEnded = false

    init(_ context: ConversionContext) {
        self.context = context
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
        case .ping:
            // Before the first chunk the answer may still become an error with a status of its own.
            if !choices.isEmpty { output.append(contentsOf: ": ka\n\n".utf8) }
        case .end:
            if event.clean { end(&output) } else { fail(StreamFault.error(.cut), &output) }
        case .native where event.name == "canon" && event.id == "logprobs": logprobs(event, &output)
        case .native, .other: break
        }
    }

    // MARK: - Frames

    /// Renders what is the same in all chunks, so that a delta costs little more than its text.
    private mutating func render(id: String, model: String) {
        var writer = JSONWriter(appendingTo: Array("data: ".utf8))
        writer.beginObject()
        writer.member("id", ChatFormat.answerID(id, requestID: context.requestID))
        writer.member("object", literal: "chat.completion.chunk")
        writer.member("created", context.created)
        writer.member("model", context.answerModel(model))
        writer.key("choices")
        head = writer.bytes
        tail = Array((context.request.includeUsage == true ? #"}],"usage":null}"# : "}]}").utf8) + Array("\n\n".utf8)
    }

    /// Writes a chunk with one choice whose delta `body` fills.
    func chunk(
        _ choice: Int, finish: StaticString? = nil, logprobs: String? = nil, _ output: inout [UInt8],
        _ body: (inout JSONWriter) -> Void
    ) {
        output.append(contentsOf: head)
        output.append(contentsOf: "[{\"index\":".utf8)
        var writer = JSONWriter(appendingTo: output)
        output = []
        writer.number(choice)
        writer.bytes.append(contentsOf: ",\"delta\":".utf8)
        writer.beginDocument()
        writer.beginObject()
        body(&writer)
        writer.endObject()
        if let logprobs { writer.member("logprobs", (try? JSONValue(parsing: logprobs)) ?? .null) }
        if let finish {
            writer.member("finish_reason", literal: finish)
        } else {
            writer.bytes.append(contentsOf: ",\"finish_reason\":null".utf8)
        }
        writer.bytes.append(contentsOf: tail)
        output = writer.bytes
    }

    /// Probabilities of tokens in a chunk of their own; accumulators join the lists of all chunks.
    private mutating func logprobs(_ event: AnswerEvent, _ output: inout [UInt8]) {
        let slot = slot(event.choice)
        announce(slot, forCall: false, &output)
        chunk(choices[slot].index, logprobs: event.extra, &output) { _ in }
    }

    // MARK: - Parts

    private mutating func slot(_ index: Int) -> Int {
        if let position = choices.firstIndex(where: { $0.index == index }) { return position }
        choices.append(ChatEncoderChoice(index: index))
        return choices.count - 1
    }

    /// The first chunk of a choice names the role.
    private mutating func announce(_ slot: Int, forCall: Bool, _ output: inout [UInt8]) {
        guard !choices[slot].isAnnounced else { return }
        choices[slot].isAnnounced = true
        // Every chunk but the announcements comes behind one.
        if head.isEmpty { render(id: "", model: "") }
        chunk(choices[slot].index, &output) { writer in
            writer.member("role", literal: "assistant")
            if forCall { writer.nullMember("content") } else { writer.member("content", literal: "") }
            writer.nullMember("refusal")
        }
    }

    private mutating func open(_ event: AnswerEvent, _ output: inout [UInt8]) {
        let slot = slot(event.choice)
        let kind = event.kind ?? .other
        // Without an entry in the table its deltas are skipped as well.
        if context.request.hidesReasoning, kind == .reasoning || kind == .reasoningRedacted { return }
        announce(slot, forCall: kind == .toolCall, &output)
        var part = ChatEncoderPart(kind: kind)
        if kind == .toolCall {
            part.call = choices[slot].callCount
            choices[slot].callCount += 1
            part.callID = event.id
            part.callName = event.name
            part.signature = choices[slot].held
            choices[slot].held = nil
            part.isText = event.extra.hasPrefix(#"{"kind":"custom""#)
            part.isCustom = part.isText || context.request.customTools.contains(event.name)
        } else if kind == .image {
            part.mime = (try? JSONValue(parsing: event.extra))?["mime"]?.stringValue ?? "image/png"
        } else if kind == .reasoning || kind == .reasoningRedacted {
            part.detail = choices[slot].detailCount
            part.callID = event.id
            choices[slot].detailCount += 1
        }
        choices[slot].set(part, event.part)
        if kind == .toolCall, !part.isCustom { startCall(part, choices[slot].index, &output) }
    }

    private func startCall(_ part: ChatEncoderPart, _ choice: Int, _ output: inout [UInt8]) {
        chunk(choice, &output) { writer in
            if context.request.legacyFunctions {
                writer.key("function_call")
                writer.beginObject()
                writer.member("name", part.callName)
                writer.member("arguments", literal: "")
                return writer.endObject()
            }
            writer.key("tool_calls")
            writer.beginArray()
            writer.beginObject()
            writer.member("index", part.call)
            writer.member("id", part.callID)
            writer.member("type", literal: "function")
            writer.key("function")
            writer.beginObject()
            writer.member("name", part.callName)
            writer.member("arguments", literal: "")
            writer.endObject()
            ChatThoughtSignature.write(part.signature, into: &writer)
            writer.endObject()
            writer.endArray()
        }
    }

    private mutating func delta(_ event: AnswerEvent, _ output: inout [UInt8]) {
        let slot = slot(event.choice)
        if event.field == .opaque, let signature = ChatThoughtSignature.bare(event, choices[slot].part(event.part)) {
            choices[slot].held = signature
            return
        }
        guard let part = choices[slot].part(event.part), !event.text.isEmpty else { return }
        let choice = choices[slot].index
        switch (part.kind, event.field) {
        case (.text, .text?): chunk(choice, &output) { $0.member("content", event.text) }
        case (.refusal, .text?):
            choices[slot].hasRefusal = true
            chunk(choice, &output) { $0.member("refusal", event.text) }
        case (.reasoning, .text?):
            choices[slot].parts[event.part]?.text += event.text
            chunk(choice, &output) { $0.member("reasoning_content", event.text) }
        case (.reasoning, .opaque?), (.reasoningRedacted, .opaque?): detail(part, event, choice, &output)
        case (.toolCall, .arguments?):
            if part.isCustom {
                choices[slot].parts[event.part]?.text += event.text
            } else {
                choices[slot].parts[event.part]?.hasArguments = true
                arguments(event.text, part, choice, &output)
            }
        case (.image, .data?): choices[slot].parts[event.part]?.text += event.text
        case (.audio, .data?), (.audio, .transcript?): audio(event, choice, &output)
        default: break
        }
        if part.kind == .text { choices[slot].hasText = true }
    }

    private func arguments(_ text: String, _ part: ChatEncoderPart, _ choice: Int, _ output: inout [UInt8]) {
        chunk(choice, &output) { writer in
            if context.request.legacyFunctions {
                writer.key("function_call")
                writer.beginObject()
                writer.member("arguments", text)
                return writer.endObject()
            }
            writer.key("tool_calls")
            writer.beginArray()
            writer.beginObject()
            writer.member("index", part.call)
            writer.key("function")
            writer.beginObject()
            writer.member("arguments", text)
            writer.endObject()
            writer.endObject()
            writer.endArray()
        }
    }

    private mutating func close(_ event: AnswerEvent, _ output: inout [UInt8]) {
        let slot = slot(event.choice)
        guard let part = choices[slot].part(event.part) else { return }
        let choice = choices[slot].index
        if part.kind == .toolCall {
            if part.isCustom {
                customCall(part, choice, &output)
            } else if !part.hasArguments {
                arguments("{}", part, choice, &output)
            }
        } else if part.kind == .image, !part.text.isEmpty {
            image(part, choice, &output)
        }
        let notes = choices[slot].notes.compactMap { (try? JSONValue(parsing: $0)).flatMap(ChatAnnotation.write) }
        choices[slot].notes = []
        if !notes.isEmpty { chunk(choice, &output) { $0.member("annotations", .array(notes)) } }
    }

    /// Of deltas that only lead to a chunk. Reasoning is kept as well, for its signature.
    func sides(choice: Int, part ordinal: Int, _ field: PartField) -> FrameSides? {
        guard !hasEnded, let state = choices.first(where: { $0.index == choice }), let part = state.part(ordinal) else {
            return nil
        }
        var output: [UInt8] = []
        switch (part.kind, field) {
        case (.text, .text) where state.hasText: chunk(choice, &output) { $0.member("content", FrameSides.marker) }
        case (.refusal, .text) where state.hasRefusal:
            chunk(choice, &output) { $0.member("refusal", FrameSides.marker) }
        case (.toolCall, .arguments) where !part.isCustom && part.hasArguments:
            arguments(FrameSides.marker, part, choice, &output)
        default: return nil
        }
        return FrameSides(around: output)
    }

    // MARK: - Endings

    private mutating func end(_ output: inout [UInt8]) {
        hasEnded = true
        if choices.isEmpty { choices.append(ChatEncoderChoice(index: 0)) }
        for slot in choices.indices {
            announce(slot, forCall: false, &output)
            finish(choices[slot], &output)
        }
        if context.request.includeUsage == true, !usage.isEmpty {
            usage.appendChatChunk(head: head, into: &output)
        }
        output.append(contentsOf: "data: [DONE]\n\n".utf8)
    }

    private func finish(_ choice: ChatEncoderChoice, _ output: inout [UInt8]) {
        var reason = choice.finish?.reason ?? .stop
        if reason == .refusal, !choice.hasRefusal {
            if choice.hasText {
                chunk(choice.index, &output) { $0.member("refusal", literal: ChatFormat.refusalNotice) }
            } else {
                reason = .contentFilter
            }
        }
        let word = ChatFormat.word(reason, hasToolCall: choice.callCount > 0, legacy: context.request.legacyFunctions)
        chunk(choice.index, finish: word, &output) { _ in }
    }

    private mutating func fail(_ error: CanonicalError, _ output: inout [UInt8]) {
        hasEnded = true
        var writer = JSONWriter(appendingTo: output)
        output = []
        writer.bytes.append(contentsOf: "data: ".utf8)
        writer.beginObject()
        writer.key("error")
        ChatErrors.writeObject(error, into: &writer)
        writer.endObject()
        writer.bytes.append(contentsOf: "\n\n".utf8)
        output = writer.bytes
    }
}
