import CanonicalChat
import PatchbayPlugin
import PatchbayWire

/// Error answers of the Messages format.
enum MessagesErrors {
    /// An error answer of any shape → canonical error.
    static func read(status: Int, _ body: UnsafeRawBufferPointer) -> CanonicalError {
        CanonicalError(format: MessagesFormat.id, status: status, body: ErrorBody(body))
    }

    /// Canonical error → HTTP status and body.
    static func write(_ error: CanonicalError) -> (status: Int, body: [UInt8]) {
        var writer = JSONWriter()
        writeDocument(error, into: &writer)
        return (error.category.row.anthropicStatus, writer.bytes)
    }

    /// The document of an answer and of an `error` event alike.
    static func writeDocument(_ error: CanonicalError, into writer: inout JSONWriter) {
        let row = error.category.row
        let isOwn = error.upstreamFormat == MessagesFormat.id
        writer.beginObject()
        writer.member("type", literal: "error")
        writer.key("error")
        writer.beginObject()
        writer.member("type", isOwn ? error.type ?? row.anthropicType : row.anthropicType)
        writer.member("message", message(error))
        writer.endObject()
        writer.member("request_id", ifPresent: isOwn ? error.requestID : nil)
        writer.endObject()
    }

    /// Agents repair themselves when they read the sentences of this format about an overlong prompt.
    private static func message(_ error: CanonicalError) -> String {
        guard error.category == .contextLength, error.message.range(of: "prompt is too long") == nil,
            error.message.range(of: "exceed context limit") == nil
        else { return error.message }
        return ContextLengthMessage(error.message).anthropic ?? "prompt is too long: \(error.message)"
    }
}
