import CanonicalChat
import PatchbayPlugin
import PatchbayWire

/// Turns events into the bytes of a Completions stream. Text is all that it can say.
struct CompletionsStreamEncoder {
    private let context: ConversionContext
    private var finishes: [(choice: Int, finish: CanonicalFinish)] = []
    /// Choice and ordinal of the parts whose text is shown.
    private var shown: Set<[Int]> = []
    private var usage = TokenCounts()
    private var hasBegun = false
    private var hasEnded = false
    /// Everything of a chunk up to its choice, and what follows it.
    private var head: [UInt8] = []
    private let tail: [UInt8]

    init(_ context: ConversionContext) {
        self.context = context
        tail = Array((context.request.includeUsage == true ? "],\"usage\":null}\n\n" : "]}\n\n").utf8)
        render(id: "", model: "")
    }

    mutating func encode(_ event: AnswerEvent, into output: inout [UInt8]) {
        guard !hasEnded else { return }
        switch event.type {
        case .start:
            usage.merge(event.usage)
            render(id: event.id, model: event.name)
        case .partOpen:
            if event.kind == .text || event.kind == .refusal { shown.insert([event.choice, event.part]) }
        case .partDelta:
            guard event.field == .text, !event.text.isEmpty, shown.contains([event.choice, event.part]) else { return }
            chunk(event.choice, text: event.text, into: &output)
        case .finish: finishes.append((event.choice, event.finishValue))
        case .usage: usage.merge(event.usage)
        case .error: fail(event.errorValue, &output)
        case .ping: if hasBegun { output.append(contentsOf: CompletionsFormat.heartbeat.description.utf8) }
        case .end: if event.clean { end(&output) } else { fail(StreamFault.error(.cut), &output) }
        case .partNote, .partClose, .native, .other: break
        }
    }

    /// Renders what is the same in all chunks.
    private mutating func render(id: String, model: String) {
        var writer = JSONWriter(appendingTo: Array("data: ".utf8))
        writer.beginObject()
        writer.member("id", CompletionsFormat.answerID(id, requestID: context.requestID))
        writer.member("object", literal: "text_completion")
        writer.member("created", context.created)
        writer.member("model", context.answerModel(model))
        writer.key("choices")
        head = writer.bytes
    }

    private mutating func chunk(
        _ choice: Int, text: String, finish: StaticString? = nil, into output: inout [UInt8]
    ) {
        hasBegun = true
        output.append(contentsOf: head)
        output.append(UInt8(ascii: "["))
        var writer = JSONWriter(appendingTo: output)
        output = []
        writer.beginDocument()
        writer.beginObject()
        writer.member("text", text)
        writer.member("index", choice)
        writer.nullMember("logprobs")
        if let finish { writer.member("finish_reason", literal: finish) } else { writer.nullMember("finish_reason") }
        writer.endObject()
        writer.bytes.append(contentsOf: tail)
        output = writer.bytes
    }

    /// Of text that is shown, which makes a chunk for each delta.
    func sides(choice: Int, part: Int, _ field: PartField) -> FrameSides? {
        guard hasBegun, !hasEnded, case .text = field, shown.contains([choice, part]) else { return nil }
        var output: [UInt8] = []
        var copy = self
        copy.chunk(choice, text: FrameSides.marker, into: &output)
        return FrameSides(around: output)
    }

    private mutating func end(_ output: inout [UInt8]) {
        hasEnded = true
        if finishes.isEmpty { finishes.append((0, CanonicalFinish(.stop))) }
        for (choice, finish) in finishes {
            chunk(choice, text: "", finish: CompletionsFormat.word(finish.reason), into: &output)
        }
        if context.request.includeUsage == true, !usage.isEmpty {
            usage.appendChatChunk(head: head, into: &output)
        }
        output.append(contentsOf: "data: [DONE]\n\n".utf8)
    }

    private mutating func fail(_ error: CanonicalError, _ output: inout [UInt8]) {
        hasEnded = true
        OpenAIErrorObject.frame(error, format: CompletionsFormat.id, into: &output)
    }
}
