import NIOCore
import PatchbayCore
import PatchbayHost
import PatchbayWire

/// Clients that send the body of Responses to the path of Chat Completions and want the answer of the path: Cursor does
/// for some of its models (peers.md section 7.1).
extension Exchange {
    /// Reads such a body as what it is. Every attempt is then written anew, and its answer in the format of the path.
    func readForeignShape() throws(GatewayError) {
        let hasMessages = body.withUnsafeReadableBytes { bytes in
            let found = try? JSONFieldScanner.scanTopLevel(bytes, names: ["messages"])
            return found?[0].map { $0.kind != .null } ?? false
        }
        // With both, the format of the path is what is meant.
        guard !hasMessages else { return }
        guard let codec = snapshot.codecs[.openAIResponses] else {
            throw .invalid("\"messages\" is missing", parameter: "messages")
        }
        let turn = try ResponsesTurn(scanning: body)
        guard !turn.isBackground else {
            throw .invalid("\"background\" means something to /v1/responses only", parameter: "background")
        }
        guard !turn.refersBack else {
            throw .invalid(
                "\"previous_response_id\" and references to items mean something to /v1/responses only",
                parameter: "previous_response_id")
        }
        do {
            try readCanonical(as: codec)
        } catch let error as PluginError {
            throw .invalid(error.sentence)
        } catch {
            throw .invalid("the request body cannot be read")
        }
        isForeignShape = true
    }

    /// What the path knows besides, whether usage is wanted in the stream, is said in the canonical words for it: the
    /// other format has none, and an upstream of it would refuse the member.
    private func readCanonical(as codec: FormatCodec) throws {
        let sent = body
        defer { body = sent }
        if fields.streamOptions != nil { body = try patched(body, JSONPatchOperation("stream_options", value: nil)) }
        let wantsUsage = fields.stream && clientAskedForUsage(in: sent)
        try readCanonical(with: codec)
        guard wantsUsage else { return }
        let operation = JSONPatchOperation("stream", "include_usage", value: Array("true".utf8))
        canonical = Array(try patched(ByteBuffer(bytes: canonical), operation).readableBytesView)
    }

    private func patched(_ document: ByteBuffer, _ operation: JSONPatchOperation) throws -> ByteBuffer {
        var bytes: [UInt8] = []
        try document.withUnsafeReadableBytes { try JSONPatch.apply([operation], to: $0, into: &bytes) }
        return ByteBuffer(bytes: bytes)
    }
}
