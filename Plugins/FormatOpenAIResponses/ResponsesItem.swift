import CanonicalChat
import PatchbayPlugin
import PatchbayWire

/// How far an item has come.
enum ResponsesItemStatus {
    case inProgress, completed, incomplete

    var word: StaticString {
        switch self {
        case .inProgress: "in_progress"
        case .completed: "completed"
        case .incomplete: "incomplete"
        }
    }
}

/// Items of this format, written anew.
enum ResponsesItem {
    static func reasoning(id: String, text: String, sealed: String?, into writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("id", id)
        writer.member("type", literal: "reasoning")
        writer.key("summary")
        writer.beginArray()
        if !text.isEmpty { summaryPart(text, into: &writer) }
        writer.endArray()
        writer.member("encrypted_content", ifPresent: sealed)
        writer.endObject()
    }

    static func summaryPart(_ text: String, into writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("type", literal: "summary_text")
        writer.member("text", text)
        writer.endObject()
    }

    /// A call of a function, or of a tool that takes free text.
    ///
    /// - Parameters:
    ///   - id: nil in requests, where the server would look it up.
    ///   - namespace: the group the client declared the function in.
    static func call(
        id: String?, callID: String, name: String, text: String, isCustom: Bool, status: ResponsesItemStatus?,
        namespace: String? = nil, into writer: inout JSONWriter
    ) {
        writer.beginObject()
        writer.member("id", ifPresent: id)
        writer.member("type", literal: isCustom ? "custom_tool_call" : "function_call")
        // Calls of free-text tools have no status in the format.
        if let status, !isCustom { writer.member("status", literal: status.word) }
        writer.member("call_id", callID)
        writer.member("name", name)
        writer.member("namespace", ifPresent: namespace)
        if isCustom {
            writer.member("input", text)
        } else {
            // A call without arguments is one with an empty object, but not before it is complete.
            writer.member("arguments", text.isEmpty && status != .inProgress ? "{}" : text)
        }
        writer.endObject()
    }

    static func image(id: String, data: String, status: ResponsesItemStatus, into writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("id", id)
        writer.member("type", literal: "image_generation_call")
        writer.member("status", literal: status.word)
        writer.key("result")
        if data.isEmpty { writer.null() } else { writer.string(data) }
        writer.endObject()
    }
}

/// Items that came in this format, written back as they came.
enum ResponsesOwnItems {
    /// Writes the items that parts of one turn, or of one answer, were read from.
    static func write(
        _ parts: [CanonicalPart], into writer: inout JSONWriter, losing context: inout ConversionContext, _ path: String
    ) {
        var index = 0
        while index < parts.count {
            let part = parts[index]
            if part.isMessageContent {
                var end = index + 1
                while end < parts.count, parts[end].isMessageContent, parts[end].own?["$message"] == nil { end += 1 }
                message(Array(parts[index..<end]), into: &writer)
                index = end
                continue
            }
            switch part.content {
            case .reasoning(let value): reasoning(value, part, into: &writer, losing: &context, path)
            case .toolCall(let call): self.call(call, part, into: &writer)
            case .media(let media): image(media, part, into: &writer)
            case .other(let value): writer.value(value)
            case .text, .refusal, .toolResult: break
            }
            index += 1
        }
    }

    private static func message(_ parts: [CanonicalPart], into writer: inout JSONWriter) {
        let note = parts[0].own?["$message"]?.objectValue ?? ["type": "message"]
        writer.beginObject()
        writer.member("role", literal: "assistant")
        extras(note, into: &writer)
        switch note["$form"]?.stringValue {
        case "null"?: writer.nullMember("content")
        case "string"?: writer.member("content", parts[0].anyText ?? "")
        default:
            writer.key("content")
            writer.beginArray()
            if note["$empty"] == nil { for part in parts { content(part, into: &writer) } }
            writer.endArray()
        }
        writer.endObject()
    }

    private static func content(_ part: CanonicalPart, into writer: inout JSONWriter) {
        if case .other(let value) = part.content { return writer.value(value) }
        writer.beginObject()
        if case .refusal(let text) = part.content {
            writer.member("type", literal: "refusal")
            writer.member("refusal", text)
        } else {
            writer.member("type", literal: "output_text")
            writer.member("text", part.anyText ?? "")
            let annotations = part.annotations.compactMap(ResponsesAnnotation.write)
            if !annotations.isEmpty { writer.member("annotations", .array(annotations)) }
        }
        if let cache = part.cache { writer.member("prompt_cache_breakpoint", cache.value) }
        if let own = part.own { extras(own, into: &writer) }
        writer.endObject()
    }

    private static func reasoning(
        _ reasoning: CanonicalReasoning, _ part: CanonicalPart, into writer: inout JSONWriter,
        losing context: inout ConversionContext, _ path: String
    ) {
        // State that another provider sealed makes the server refuse the whole request.
        if let opaque = reasoning.opaque, !ResponsesFormat.accepts(opaque) {
            return context.lose(.info, "reasoning.history", at: path)
        }
        writer.beginObject()
        writer.member("id", ifPresent: reasoning.id)
        writer.member("type", literal: "reasoning")
        if let own = part.own { extras(own, into: &writer) }
        writer.member("encrypted_content", ifPresent: reasoning.opaque?.data)
        writer.endObject()
    }

    private static func call(_ call: CanonicalToolCall, _ part: CanonicalPart, into writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("type", call.kind == .custom ? "custom_tool_call" : "function_call")
        writer.member("call_id", call.id)
        writer.member("name", part.own?["$name"]?.stringValue ?? call.name)
        writer.member(call.kind == .custom ? "input" : "arguments", call.arguments)
        if let own = part.own { extras(own, into: &writer) }
        writer.endObject()
    }

    private static func image(_ media: CanonicalMedia, _ part: CanonicalPart, into writer: inout JSONWriter) {
        guard case .base64(_, let data) = media.source, let own = part.own else { return }
        writer.beginObject()
        extras(own, into: &writer)
        writer.member("result", data)
        writer.endObject()
    }

    private static func extras(_ members: JSONObject, into writer: inout JSONWriter) {
        for member in members where !member.key.hasPrefix("$") {
            writer.key(member.key)
            writer.value(member.value)
        }
    }
}

extension CanonicalPart {
    /// Whether the part stands in a message, and not as an item of its own.
    fileprivate var isMessageContent: Bool {
        switch content {
        case .text, .refusal: true
        default: own?["$part"] != nil
        }
    }
}
