import CanonicalChat
import PatchbayPlugin
import PatchbayWire

/// Chunks that are rarer than text and arguments.
extension ChatStreamEncoder {
    /// Signed reasoning: the whole entry at once, so that a client that merges entries gets it right.
    func detail(_ part: ChatEncoderPart, _ event: AnswerEvent, _ choice: Int, _ output: inout [UInt8]) {
        var reasoning = CanonicalReasoning(
            text: part.text, opaque: event.opaqueValue, redacted: part.kind == .reasoningRedacted)
        reasoning.id = part.callID.isEmpty ? nil : part.callID
        chunk(choice, &output) { writer in
            writer.key("reasoning_details")
            writer.beginArray()
            ChatReasoningDetail.write(reasoning, index: part.detail, into: &writer)
            writer.endArray()
        }
    }

    func audio(_ event: AnswerEvent, _ choice: Int, _ output: inout [UInt8]) {
        chunk(choice, &output) { writer in
            writer.key("audio")
            writer.beginObject()
            writer.member(event.field == .data ? "data" : "transcript", event.text)
            writer.endObject()
        }
    }

    /// A call with free text comes in one piece, because the text may be wrapped in JSON until it is complete.
    func customCall(_ part: ChatEncoderPart, _ choice: Int, _ output: inout [UInt8]) {
        let call = CanonicalToolCall(
            id: part.callID, name: part.callName, arguments: part.text, kind: part.isText ? .custom : .function)
        chunk(choice, &output) { writer in
            writer.key("tool_calls")
            writer.beginArray()
            writer.beginObject()
            writer.member("index", part.call)
            writer.member("id", part.callID)
            writer.member("type", literal: "custom")
            writer.key("custom")
            writer.beginObject()
            writer.member("name", part.callName)
            writer.member("input", CustomToolInput.unwrapped(call))
            writer.endObject()
            writer.endObject()
            writer.endArray()
        }
    }

    func image(_ part: ChatEncoderPart, _ choice: Int, _ output: inout [UInt8]) {
        chunk(choice, &output) { writer in
            writer.key("images")
            writer.beginArray()
            writer.beginObject()
            writer.member("type", literal: "image_url")
            writer.key("image_url")
            writer.beginObject()
            writer.member("url", "data:\(part.mime);base64,\(part.text)")
            writer.endObject()
            writer.endObject()
            writer.endArray()
        }
    }
}
