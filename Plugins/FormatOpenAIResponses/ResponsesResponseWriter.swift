import CanonicalChat
import PatchbayPlugin
import PatchbayWire

/// Turns a canonical response into a complete response of this format.
enum ResponsesResponseWriter {
    static func write(_ response: CanonicalResponse, context: inout ConversionContext) -> [UInt8] {
        guard response.native?.format != ResponsesFormat.id else { return writeOwn(response, &context) }
        if response.choices.count > 1 { context.lose(.semantic, "choices", at: "/choices/1") }
        // A document is what the stream of the same answer adds up to.
        var encoder = ResponsesStreamEncoder(context, isSilent: true)
        var nothing: [UInt8] = []
        for event in response.events() { encoder.encode(event, into: &nothing) }
        return encoder.document(
            logprobs: response.choices.first?.logprobs?["content"], serviceTier: response.serviceTier)
    }

    /// A response that came in this format, with everything it said.
    private static func writeOwn(_ response: CanonicalResponse, _ context: inout ConversionContext) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("id", ResponsesFormat.answerID(response.id, requestID: context.requestID))
        writer.member("created_at", response.created ?? context.created)
        writer.member("model", context.answerModel(response.model))
        for member in response.native?.members ?? JSONObject() {
            writer.key(member.key)
            writer.value(member.value)
        }
        writer.key("output")
        writer.beginArray()
        ResponsesOwnItems.write(
            response.choices.first?.parts ?? [], into: &writer, losing: &context, "/choices/0")
        writer.endArray()
        writer.endObject()
        return writer.bytes
    }
}
