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
        OpenAIErrorObject.answer(error, format: ChatFormat.id)
    }

    /// The object that stands under `error`, in answers and in streams alike.
    static func writeObject(_ error: CanonicalError, into writer: inout JSONWriter) {
        OpenAIErrorObject.write(error, format: ChatFormat.id, into: &writer)
    }
}
