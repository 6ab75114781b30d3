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

    /// Whether a part of reasoning reaches the client. Signatures without text stay at the provider that reads them
    /// unless they are Google's.
    func shows(_ reasoning: CanonicalReasoning) -> Bool {
        if reasoning.text.isEmpty, let opaque = reasoning.opaque, GeminiSignature.isOwn(opaque) { return true }
        return showsReasoning
    }

    func text(_ text: String, into writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("text", text)
        writer.endObject()
    }

    func reasoning(_ reasoning: CanonicalReasoning, into writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("text", showsReasoning ? reasoning.text : "")
        let isOwn = reasoning.opaque.map(GeminiSignature.isOwn) ?? false
        if !(isOwn && reasoning.text.isEmpty) { writer.member("thought", true) }
        if let opaque = reasoning.opaque { writer.member("thoughtSignature", GeminiSignature.write(opaque)) }
        writer.endObject()
    }

    /// The signature of a reasoning part whose text the client has already.
    func signature(_ opaque: CanonicalOpaque, hasText: Bool, into writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("text", literal: "")
        if hasText || !GeminiSignature.isOwn(opaque) { writer.member("thought", true) }
        writer.member("thoughtSignature", GeminiSignature.write(opaque))
        writer.endObject()
    }

    /// False if the arguments are no JSON: half a call must not be executed.
    func call(_ call: CanonicalToolCall, hasID: Bool, into writer: inout JSONWriter) -> Bool {
        let (arguments, quality) = ToolArguments.object(call)
        guard quality != .raw else { return false }
        writer.beginObject()
        writer.key("functionCall")
        writer.beginObject()
        if hasID { writer.member("id", call.id) }
        writer.member("name", call.name)
        writer.member("args", arguments)
        writer.endObject()
        if let opaque = call.opaque { writer.member("thoughtSignature", GeminiSignature.write(opaque)) }
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
