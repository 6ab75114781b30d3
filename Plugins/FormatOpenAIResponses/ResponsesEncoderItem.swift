import CanonicalChat
import PatchbayPlugin
import PatchbayWire

/// An item of the response that an encoder builds. It stands at its `output_index`.
struct ResponsesEncoderItem {
    enum Kind {
        case message, reasoning, call, image, native
    }

    /// One content part of a message.
    struct Content {
        let isRefusal: Bool
        var text = ""
        var annotations: [JSONValue] = []
        var isClosed = false

        func write(into writer: inout JSONWriter, logprobs: JSONValue? = nil) {
            writer.beginObject()
            if isRefusal {
                writer.member("type", literal: "refusal")
                writer.member("refusal", text)
            } else {
                writer.member("type", literal: "output_text")
                writer.member("text", text)
                writer.member("annotations", .array(annotations))
                writer.member("logprobs", logprobs ?? .emptyArray)
            }
            writer.endObject()
        }
    }

    let kind: Kind
    let id: String
    var contents: [Content] = []
    /// Of a call.
    var callID = ""
    var name = ""
    var namespace: String?
    var isCustom = false
    /// The call came as free text, so that its arguments are not wrapped in JSON.
    var isText = false
    /// Text of the reasoning, arguments of the call, data of the image, or the item itself.
    var text = ""
    /// Sealed state of reasoning, as the client gets it.
    var sealed: String?
    /// The part of the events is closed; of a call the client does not know yet.
    var isClosed = false
    /// `response.output_item.done` has been written.
    var isDone = false

    init(_ kind: Kind, id: String) {
        self.kind = kind
        self.id = id
    }

    /// Whether a limit on the answer may have cut the call: arguments that no parser takes, and free text in any case,
    /// because nobody can tell.
    var isCut: Bool {
        guard kind == .call else { return false }
        return !isClosed || isText || !text.isEmpty && (try? JSONValue(parsing: text)) == nil
    }

    /// What the client gets as arguments or input.
    var callText: String {
        guard isCustom, !isText else { return text }
        return CustomToolInput.unwrapped(CanonicalToolCall(id: callID, name: name, arguments: text))
    }

    func write(status: ResponsesItemStatus, logprobs: JSONValue? = nil, into writer: inout JSONWriter) {
        switch kind {
        case .message:
            writer.beginObject()
            writer.member("id", id)
            writer.member("type", literal: "message")
            writer.member("status", literal: status.word)
            writer.member("role", literal: "assistant")
            writer.key("content")
            writer.beginArray()
            for content in contents { content.write(into: &writer, logprobs: logprobs) }
            writer.endArray()
            writer.endObject()
        case .reasoning: ResponsesItem.reasoning(id: id, text: text, sealed: sealed, into: &writer)
        case .call:
            ResponsesItem.call(
                id: id, callID: callID, name: name, text: callText, isCustom: isCustom, status: status,
                namespace: namespace, into: &writer)
        case .image: ResponsesItem.image(id: id, data: text, status: status, into: &writer)
        case .native: writer.raw(Array(text.utf8))
        }
    }
}

/// Where the events of a part go.
struct ResponsesEncoderPart {
    let kind: PartKind
    let id: String
    let name: String
    let extra: String
    /// Position of the item and, in a message, of the content; nil until there is something to say.
    var item: Int?
    var content = 0

    init(_ event: AnswerEvent) {
        kind = event.kind ?? .other
        id = event.id
        name = event.name
        extra = event.extra
    }
}
