import CanonicalChat
import PatchbayPlugin
import PatchbayWire

/// Error answers of the Chat Completions format.
enum ChatErrors {
    /// An error answer of any shape → canonical error.
    static func read(status: Int, _ body: UnsafeRawBufferPointer) -> CanonicalError {
        CanonicalError(format: ChatFormat.id, status: status, body: ErrorBody(body))
    }

    /// Canonical error → HTTP status and body.
    static func write(_ error: CanonicalError) -> (status: Int, body: [UInt8]) {
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("error")
        writeObject(error, into: &writer)
        writer.endObject()
        return (error.category.row.openAIStatus, writer.bytes)
    }

    /// The object that stands under `error`, in answers and in streams alike.
    static func writeObject(_ error: CanonicalError, into writer: inout JSONWriter) {
        let row = error.category.row
        let isOwn = error.upstreamFormat == ChatFormat.id
        writer.beginObject()
        writer.member("message", message(error))
        writer.member("type", isOwn ? error.type ?? row.openAIType : row.openAIType)
        writer.key("param")
        if let param = error.param { writer.string(param) } else { writer.null() }
        writer.key("code")
        if let code = (isOwn ? error.code : nil) ?? row.openAICode { writer.string(code) } else { writer.null() }
        writer.endObject()
    }

    private static func message(_ error: CanonicalError) -> String {
        guard error.category == .contextLength, error.message.range(of: "maximum context length") == nil else {
            return error.message
        }
        return ContextLengthMessage(error.message).openAI ?? error.message
    }
}
