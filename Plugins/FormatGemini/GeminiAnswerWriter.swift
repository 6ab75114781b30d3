import CanonicalChat
import PatchbayPlugin
import PatchbayWire

/// Writes the parts of answers, complete and streamed alike.
struct GeminiAnswerWriter {
    let context: ConversionContext
    let showsReasoning: Bool

    init(_ context: ConversionContext) {
        self.context = context
        showsReasoning = GeminiFormat.showsReasoning(context.request)
    }

    /// How a part of reasoning reaches the client: as a part of its own, on the call that comes next, or not at all.
    ///
    /// What is without text belongs to the next call. Sealed reasoning of which the client wants no text goes the same
    /// way; a signature of Claude's means nothing without the text.
    func isHeld(_ reasoning: CanonicalReasoning) -> Bool {
        guard let opaque = reasoning.opaque else { return false }
        return reasoning.isBareSignature || (!showsReasoning && opaque.kind == "encrypted_content")
    }

    func text(_ text: String, into writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("text", text)
        writer.endObject()
    }

    /// A thought with its signature; the signature alone, if the client has the text already.
    func reasoning(_ reasoning: CanonicalReasoning, into writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("text", reasoning.text)
        writer.member("thought", true)
        writer.member("thoughtSignature", ifPresent: reasoning.wireSignature)
        writer.endObject()
    }

    /// A signature that no call has taken.
    func trailing(_ signature: String, into writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("text", literal: "")
        writer.member("thoughtSignature", signature)
        writer.endObject()
    }

    /// False if the arguments are no JSON: half a call must not be executed.
    func call(_ call: CanonicalToolCall, hasID: Bool, signature: String?, into writer: inout JSONWriter) -> Bool {
        let (arguments, quality) = ToolArguments.object(call)
        guard quality != .raw else { return false }
        writer.beginObject()
        writer.key("functionCall")
        writer.beginObject()
        if hasID { writer.member("id", call.id) }
        writer.member("name", call.name)
        writer.member("args", arguments)
        writer.endObject()
        writer.member("thoughtSignature", ifPresent: signature)
        writer.endObject()
        return true
    }

    func data(_ mime: String, _ data: String, into writer: inout JSONWriter) {
        writer.beginObject()
        writer.key("inlineData")
        writer.beginObject()
        writer.member("mimeType", mime)
        writer.member("data", data)
        writer.endObject()
        writer.endObject()
    }

    /// `citationMetadata` for sources that another format named; nil if there are none.
    static func citations(_ annotations: [JSONValue]) -> JSONValue? {
        let entries = annotations.compactMap { annotation -> JSONValue? in
            guard let url = annotation["url"]?.nonNull else { return nil }
            var members: JSONObject = [:]
            members.setIfPresent("startIndex", annotation["start"]?.nonNull)
            members.setIfPresent("endIndex", annotation["end"]?.nonNull)
            members.append("uri", url)
            members.setIfPresent("title", annotation["title"]?.nonNull)
            return .object(members)
        }
        return entries.isEmpty ? nil : ["citations": .array(entries)]
    }
}
