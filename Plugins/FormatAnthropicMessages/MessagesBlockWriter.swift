import CanonicalChat
import PatchbayPlugin
import PatchbayWire

/// Writes the frames of content blocks and counts them.
struct MessagesBlockWriter {
    private var index = -1
    /// The beginning of a delta frame of the open block, up to the type of the delta.
    private var deltaHead: [UInt8] = []
    /// The same, up to the text of the delta that the block is made of.
    private var mainHead: [UInt8] = []

    static func ping(_ output: inout [UInt8]) {
        output.append(contentsOf: "event: ping\ndata: {\"type\":\"ping\"}\n\n".utf8)
    }

    /// Writes a frame whose members after `type` come from `body`.
    static func frame(_ type: StaticString, _ output: inout [UInt8], _ body: (inout JSONWriter) -> Void) {
        output.append(contentsOf: "event: ".utf8)
        output.append(contentsOf: UnsafeBufferPointer(start: type.utf8Start, count: type.utf8CodeUnitCount))
        output.append(contentsOf: "\ndata: ".utf8)
        var writer = JSONWriter(appendingTo: output)
        output = []
        writer.beginObject()
        writer.member("type", literal: type)
        body(&writer)
        writer.endObject()
        writer.bytes.append(contentsOf: "\n\n".utf8)
        output = writer.bytes
    }

    mutating func start(_ part: MessagesEncoderPart, _ output: inout [UInt8]) {
        index += 1
        deltaHead = Array("event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":".utf8)
        deltaHead += Array("\(index),\"delta\":{\"type\":\"".utf8)
        switch part.kind {
        case .toolCall: mainHead = deltaHead + Array("input_json_delta\",\"partial_json\":".utf8)
        case .reasoning: mainHead = deltaHead + Array("thinking_delta\",\"thinking\":".utf8)
        default: mainHead = deltaHead + Array("text_delta\",\"text\":".utf8)
        }
        if part.kind == .reasoningRedacted { return }
        Self.frame("content_block_start", &output) { writer in
            writer.member("index", index)
            writer.key("content_block")
            if let block = part.block { return writer.value(block) }
            writer.beginObject()
            switch part.kind {
            case .toolCall:
                writer.member("type", literal: "tool_use")
                writer.member("id", part.id)
                writer.member("name", part.name)
                writer.member("input", .emptyObject)
            case .reasoning:
                writer.member("type", literal: "thinking")
                writer.member("thinking", literal: "")
                writer.member("signature", literal: "")
            default:
                writer.member("type", literal: "text")
                writer.member("text", literal: "")
            }
            writer.endObject()
        }
    }

    /// Writes one delta of the open block.
    func delta(_ event: AnswerEvent, kind: PartKind, _ output: inout [UInt8]) {
        switch (kind, event.field) {
        case (.text, .text?), (.refusal, .text?): append(mainHead, event.text, &output)
        case (.reasoning, .text?): append(mainHead, event.text, &output)
        case (.reasoning, .opaque?):
            append(deltaHead + Array("signature_delta\",\"signature\":".utf8), event.text, &output)
        case (.reasoningRedacted, .opaque?): redacted(event.text, &output)
        case (.toolCall, .arguments?): arguments(event.text, &output)
        case (.text, nil) where event.type == .partNote: citation(event, &output)
        default: break
        }
    }

    /// Of the open block, which has to be that of a call.
    func arguments(_ text: String, _ output: inout [UInt8]) {
        append(mainHead, text, &output)
    }

    private func append(_ head: [UInt8], _ text: String, _ output: inout [UInt8]) {
        output.append(contentsOf: head)
        var writer = JSONWriter(appendingTo: output)
        output = []
        writer.string(text)
        writer.bytes.append(contentsOf: "}}\n\n".utf8)
        output = writer.bytes
    }

    /// Hidden reasoning comes whole, in the start of its block.
    private func redacted(_ data: String, _ output: inout [UInt8]) {
        Self.frame("content_block_start", &output) { writer in
            writer.member("index", index)
            writer.member("content_block", ["type": "redacted_thinking", "data": .string(data)])
        }
    }

    private func citation(_ event: AnswerEvent, _ output: inout [UInt8]) {
        guard let note = try? JSONValue(parsing: event.extra), let citation = MessagesAnnotation.write(note) else {
            return
        }
        Self.frame("content_block_delta", &output) { writer in
            writer.member("index", index)
            writer.member("delta", ["type": "citations_delta", "citation": citation])
        }
    }

    func stop(_ output: inout [UInt8]) {
        Self.frame("content_block_stop", &output) { $0.member("index", index) }
    }
}
