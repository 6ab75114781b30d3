import PatchbayPlugin
package import PatchbayWire

/// The error object of the OpenAI API, which all of its formats share.
package enum OpenAIErrorObject {
    /// Canonical error → HTTP status and body.
    ///
    /// - Parameter format: the format that is written: what an upstream of the same format said is repeated.
    package static func answer(_ error: CanonicalError, format: String) -> (status: Int, body: [UInt8]) {
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("error")
        write(error, format: format, into: &writer)
        writer.endObject()
        return (error.category.row.openAIStatus, writer.bytes)
    }

    /// A frame of a stream that says the error; no terminator may follow it.
    package static func frame(_ error: CanonicalError, format: String, into output: inout [UInt8]) {
        output.append(contentsOf: "data: ".utf8)
        output.append(contentsOf: answer(error, format: format).body)
        output.append(contentsOf: "\n\n".utf8)
    }

    /// The object that stands under `error`, in answers and in streams alike.
    package static func write(_ error: CanonicalError, format: String, into writer: inout JSONWriter) {
        let row = error.category.row
        let isOwn = error.upstreamFormat == format
        writer.beginObject()
        writer.member("message", message(error))
        writer.member("type", isOwn ? error.type ?? row.openAIType : row.openAIType)
        writer.key("param")
        if let param = error.param { writer.string(param) } else { writer.null() }
        writer.key("code")
        if let code = (isOwn ? error.code : nil) ?? row.openAICode { writer.string(code) } else { writer.null() }
        writer.endObject()
    }

    /// The sentence, in the words that agents look for when the conversation is too long.
    package static func message(_ error: CanonicalError) -> String {
        guard error.category == .contextLength, error.message.range(of: "maximum context length") == nil else {
            return error.message
        }
        return ContextLengthMessage(error.message).openAI ?? error.message
    }
}
