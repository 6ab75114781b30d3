import NIOCore
import PatchbayCore
import PatchbayHost
import PatchbayRouting
import PatchbayTelemetry
import PatchbayUpstream
import PatchbayWire

/// Endpoints beside the conversations: what their requests are read by, and answers that are not JSON.
extension Exchange {
    /// What routing needs of the body of a task.
    func taskFields(_ task: TaskEndpoint) throws(GatewayError) -> RequestFields {
        try connection.headBytes.withUnsafeReadableBytes { bytes throws(GatewayError) in
            let type = connection.head.fields.first(.contentType)?.bytes(in: bytes)
            return try RequestFields(
                task: task, body: body, contentType: type ?? UnsafeRawBufferPointer(start: nil, count: 0),
                scanner: &loop.taskScanner)
        }
    }

    /// The endpoint of a path that the gateway does not know itself.
    var pluginEndpoint: Endpoint? {
        connection.headBytes.withUnsafeReadableBytes { bytes in
            snapshot.format(servedAt: UnsafeRawBufferPointer(rebasing: bytes[connection.head.path.range]))
                .map(Endpoint.plugin)
        }
    }

    /// What is asked of the upstream, for plugins.
    var operationName: UnsafeRawBufferPointer { Views.of((endpoint?.operation ?? .generate).name) }

    /// How an answer with a status of success to a task is read: by its content type, because upstreams answer a stream
    /// with a document, or JSON with sound, as their model can.
    func beginTaskAnswer(
        _ task: TaskEndpoint, _ head: borrowing HTTPResponseHead, contentType: UnsafeRawBufferPointer?
    ) {
        if contentType?.hasPrefixIgnoringCase("text/event-stream") == true { return beginHolding() }
        let isDocument =
            contentType?.hasPrefixIgnoringCase("application/json") == true
            || contentType?.hasPrefixIgnoringCase("text/") == true
        guard task == .speech, !isDocument else { return attempt.mode = .collecting }
        attempt.mode = .relaying
        if case .length(let length) = head.framing { attempt.relayLength = length }
    }

    /// The client's form with no more than another model name; files in it are not copied.
    func formRequest(
        _ form: FormFields, _ draft: RequestDraft, _ upstream: ChannelUpstream
    ) throws(ChannelUnusable) -> UpstreamRequest {
        guard attempt.isSameFormat else {
            throw ChannelUnusable(reason: "a form cannot be converted to \(attempt.format)")
        }
        guard draft.patches.isEmpty else {
            throw ChannelUnusable(reason: "the plugin wants to change members of a body that is no JSON")
        }
        var content = [body]
        if attempt.renamesModel {
            guard !attempt.upstreamModel.utf8.contains(where: { $0 < 0x20 }) else {
                throw ChannelUnusable(reason: "the upstream's name of the model has control characters")
            }
            content = form.renaming(body, to: attempt.upstreamModel)
        }
        let length = content.reduce(0) { $0 + $1.readableBytes }
        let head = try requestHead(draft, upstream, bodyBytes: length, isCopied: false)
        return UpstreamRequest(head: head, body: content.first, rest: Array(content.dropFirst()))
    }

    /// Whether a sign of life has a place in the answer: not in sound, and not before it is known that a task is
    /// answered by a stream.
    var mayShowLife: Bool { endpoint?.task == nil || attempt.mode == .passing }

    // MARK: - Sound

    /// Passes bytes on as they come; the first of them is the point of no return.
    func relay(_ bytes: ByteBuffer) {
        guard bytes.readableBytes > 0 else { return }
        if state == .waiting { beginRelay() }
        sentToClient += bytes.readableBytes
        if attempt.relayLength != nil || !connection.acceptsChunked { return connection.write(bytes) }
        var chunk = connection.buffer(capacity: bytes.readableBytes + 24)
        chunk.writeString(String(bytes.readableBytes, radix: 16))
        chunk.writeStaticString("\r\n")
        chunk.writeImmutableBuffer(bytes)
        chunk.writeStaticString("\r\n")
        connection.write(chunk)
    }

    private func beginRelay() {
        state = .streaming
        firstTokenAt = loop.now
        loop.metrics.streams(1)
        let isChunked = attempt.relayLength == nil && connection.acceptsChunked
        // Without a length or chunks the end of the connection is the end of the answer.
        if attempt.relayLength == nil, !connection.acceptsChunked { connection.closeAfterAnswer() }
        var head = connection.buffer(capacity: 512)
        writeAnswerHead(status: attempt.status, into: &head)
        if let length = attempt.relayLength {
            connection.finishHead(&head, length: length)
        } else {
            if isChunked { head.writeStaticString("transfer-encoding: chunked\r\n") }
            head.writeStaticString(connection.willKeepAlive ? "\r\n" : "connection: close\r\n\r\n")
        }
        connection.write(head)
        if !connection.isWritable { upstream?.pauseReading() }
    }

    /// The upstream has sent everything.
    func relayEnded() {
        guard state == .streaming else {
            return attemptFailed(.answer(sentence: "the upstream answered with an empty body"))
        }
        finishAttempt(fault: .none, reason: "")
        loop.health.recordSuccess(attempt.channel, of: snapshot.table, now: loop.now)
        settle(outcome: .completed, status: attempt.status, errorCode: "")
        if attempt.relayLength == nil, connection.acceptsChunked {
            var end = connection.buffer(capacity: 8)
            end.writeStaticString("0\r\n\r\n")
            connection.write(end)
        }
        closeStream()
        state = .finished
        connection.answered()
    }

    /// An answer of plain bytes has no form for an error: it stays incomplete, which every client notices.
    func abortRelay() {
        closeStream()
        connection.closeAfterAnswer()
        state = .finished
        connection.answered()
    }
}

extension Endpoint {
    /// What a request without a body lacks.
    var bodyDescription: String {
        switch self {
        case .task(.transcriptions), .task(.translations), .task(.imageEdits), .task(.imageVariations):
            "multipart/form-data"
        default: "a JSON object"
        }
    }
}

extension WireFormat {
    /// Whether streams of the format carry usage only if `stream_options` asks for it.
    var hasStreamOptions: Bool { self == .openAIChat || self == .openAICompletions }
}
