import NIOCore
import PatchbayCore
import PatchbayHost
import PatchbayRouting
import PatchbayUpstream
import PatchbayWire

/// What an upstream answers: the head, then a whole document or a stream.
extension Exchange: UpstreamResponseReceiver {
    /// A document beyond this is no chat answer; refusing it bounds the memory of a request.
    static let maximumDocumentBytes = 67_108_864

    func upstreamDidReceiveHead(_ head: borrowing HTTPResponseHead, bytes: UnsafeRawBufferPointer) {
        loop.noteTime()
        timing?.attemptAnswered()
        attempt.status = head.status
        forward(head, bytes)
        let contentType = head.fields.first(.contentType)?.bytes(in: bytes)
        if let task = endpoint?.task, (200..<300).contains(head.status) {
            return beginTaskAnswer(task, head, contentType: contentType)
        }
        let isEventStream = contentType?.hasPrefixIgnoringCase("text/event-stream") ?? false
        guard (200..<300).contains(head.status) else {
            let end = head.fields.last.map { max($0.name.end, $0.value.end) } ?? 0
            attempt.headBytes = ByteBuffer(bytes: UnsafeRawBufferPointer(rebasing: bytes[..<end]))
            attempt.fields = head.fields
            attempt.mode = .collecting
            return
        }
        guard isEventStream else { return }
        if fields.stream { beginHolding() } else { beginFolding() }
    }

    /// Keeps the header lines that the client gets; everything else of the head is gone after this call.
    private func forward(_ head: borrowing HTTPResponseHead, _ bytes: UnsafeRawBufferPointer) {
        let sameFormat = attempt.isSameFormat
        for field in head.fields {
            let name = field.name.bytes(in: bytes)
            guard ForwardedFields.toClient(field, name: name) else { continue }
            // The limits that concern the client are those of its key.
            if key?.limiter != nil, RateLimitHeaders.isOne(name) { continue }
            if !sameFormat, field.known != .retryAfter { continue }
            if field.known == .contentType {
                // A document that the codec has read is JSON, whatever the upstream calls it.
                if (200..<300).contains(head.status), endpoint?.task?.answersAnyType != true { continue }
                attempt.hasContentType = true
            }
            attempt.forwarded.writeBytes(name)
            attempt.forwarded.writeStaticString(": ")
            attempt.forwarded.writeBytes(field.value.bytes(in: bytes))
            attempt.forwarded.writeStaticString("\r\n")
        }
    }

    func upstreamDidReceiveBody(_ bytes: ByteBuffer) {
        if attempt.mode != .collecting { loop.noteTime() }
        if attempt.mode == .sent {
            sniff(bytes)
            // The attempt may have failed meanwhile; these bytes are not the next one's.
            guard upstream != nil else { return }
        }
        switch attempt.mode {
        case .sent: break
        case .collecting: collect(bytes)
        case .holding, .passing, .folding: streamBytes(bytes)
        case .relaying: relay(bytes)
        }
    }

    func upstreamDidCompleteRead() {
        connection.flush()
    }

    func upstreamDidEnd() {
        loop.noteTime()
        upstream = nil
        switch attempt.mode {
        case .sent, .collecting: documentReceived()
        case .holding, .passing, .folding: streamEnded(.endOfStream)
        case .relaying: relayEnded()
        }
    }

    func upstreamDidFail(_ error: UpstreamError) {
        loop.noteTime()
        upstream = nil
        // An answer that its format calls whole does not become less for the way in which the connection ends.
        guard attempt.endedAt == nil, attempt.settledAt == 0 else { return streamEnded(.endOfStream) }
        attempt.isUnreachable = error.code.isUnreachable
        if case .loop = error.code { return attemptFailed(.loop(error.sentence)) }
        attemptFailed(.transport(TransportFault(error.code), sentence: error.sentence))
    }

    /// Decides by the first bytes whether an answer without a usable content type is a stream (formats.md E-9, E-10).
    private func sniff(_ bytes: ByteBuffer) {
        let first = bytes.readableBytesView.first { $0 != 0x20 && $0 != 0x0a && $0 != 0x0d && $0 != 0x09 }
        guard let first else { return }
        switch first {
        case UInt8(ascii: "[") where attempt.format == .geminiGenerate && fields.stream:
            attempt.arraySplitter = JSONArraySplitter()
            beginHolding()
        case UInt8(ascii: "{"), UInt8(ascii: "["), UInt8(ascii: "<"): attempt.mode = .collecting
        default:
            if fields.stream { return beginHolding() }
            if attempt.binding?.codec != nil { beginFolding() } else { attempt.mode = .collecting }
        }
    }

    private func collect(_ bytes: ByteBuffer) {
        if attempt.collected.readableBytes == 0 {
            attempt.collected = bytes
        } else {
            attempt.collected.writeImmutableBuffer(bytes)
        }
        if attempt.collected.readableBytes > Exchange.maximumDocumentBytes {
            dropUpstream()
            attemptFailed(.transport(.protocolViolation, sentence: "the upstream's answer is larger than 64 MiB"))
        }
    }

    /// A header field of the answer, in lower case names, as text.
    func answerField(_ known: HTTPKnownName) -> String? {
        guard let field = attempt.fields.first(where: { $0.known == known }) else { return nil }
        return attempt.headBytes.getString(
            at: attempt.headBytes.readerIndex + field.value.range.lowerBound,
            length: field.value.range.count)
    }

    // MARK: - Documents

    private func documentReceived() {
        if endpoint == .countTokens { return countReceived() }
        guard (200..<300).contains(attempt.status) else {
            return attemptFailed(.answer(sentence: "the upstream answered with status \(attempt.status)"))
        }
        if fields.stream, endpoint?.task == nil { return documentForStream() }
        do {
            var document = try answerDocument()
            if responses?.compaction != nil { document = try finalDocument(document) }
            if responses != nil { keepResponse(document.readableBytesView, isStream: false) }
            usage.merge(attempt.tap.usage)
            cancelRival()
            finishAttempt(fault: .none, reason: "")
            loop.health.recordSuccess(attempt.channel, of: snapshot.table, now: loop.now)
            firstTokenAt = loop.now
            settle(outcome: .completed, status: attempt.status, errorCode: "")
            sendDocument(document)
        } catch {
            if let disguised = attempt.tap.error { return attemptFailed(.streamError(disguised)) }
            attemptFailed(.answer(sentence: error.sentence))
        }
    }

    /// The body for the client, checked to be what the format promises, with the usage taken from it.
    private func answerDocument() throws(PluginError) -> ByteBuffer {
        guard let codec = attempt.binding?.codec else { return attempt.collected }
        if attempt.isSameFormat, canonical.isEmpty, losses == nil { return try ownAnswer(codec) }
        guard let clientFormat = endpoint?.format else { return attempt.collected }
        let parameters = codecParameters()
        let bytes = attempt.collected
        try bytes.withUnsafeReadableBytes { raw throws(PluginError) in
            try codec.responseTap(raw, parameters, into: &attempt.tap)
        }
        try checkDisguise()
        if attempt.isSameFormat { return restoringModel(bytes) }
        guard let clientCodec = snapshot.codecs[clientFormat] else { return bytes }
        var middle: [UInt8] = []
        try bytes.withUnsafeReadableBytes { raw throws(PluginError) in
            try codec.responseToCanonical(raw, parameters, into: &middle)
        }
        var converted: [UInt8] = []
        try stopped(middle).withBytes { raw throws(PluginError) in
            try clientCodec.responseFromCanonical(raw, parameters, into: &converted)
        }
        return ByteBuffer(bytes: converted)
    }

    private func checkDisguise() throws(PluginError) {
        guard let error = attempt.tap.error else { return }
        throw PluginError(.protocolViolation, "the answer is an error in disguise: \(error.message)")
    }

    /// ``answerDocument()`` in the client's own format, when no other attempt has converted the request.
    private func ownAnswer(_ codec: FormatCodec) throws(PluginError) -> ByteBuffer {
        try connection.headBytes.withUnsafeReadableBytes { head throws(PluginError) in
            try withModelBytes { requested throws(PluginError) in
                var views = CodecViews()
                views.requestedModel = requested
                views.upstreamModel = attempt.upstream?.upstreamModelName?.view ?? requested
                views.createdSeconds = startedAtUnix / 1000
                views.stream = fields.stream
                if dialect == .anthropic, let version = connection.head.fields.first(.anthropicVersion) {
                    views.dialect = version.bytes(in: head)
                }
                try tap(codec, &views)
            }
        }
        try checkDisguise()
        return restoringModel(attempt.collected)
    }

    private func tap(_ codec: FormatCodec, _ views: inout CodecViews) throws(PluginError) {
        let id = id
        try withUnsafeBytes(of: id) { bytes throws(PluginError) in
            views.requestID = UnsafeRawBufferPointer(rebasing: bytes[..<RequestID.count])
            try attempt.collected.withUnsafeReadableBytes { raw throws(PluginError) in
                try codec.responseTap(raw, views, into: &attempt.tap)
            }
        }
    }

    /// Puts the name that the client asked for back where the upstream wrote its own.
    private func restoringModel(_ bytes: ByteBuffer) -> ByteBuffer {
        guard attempt.renamesModel, endpoint?.task == nil || namesModel(bytes) else { return bytes }
        var patched: [UInt8] = []
        do {
            try bytes.withUnsafeReadableBytes {
                let member = attempt.format == .geminiGenerate ? "modelVersion" : "model"
                try JSONPatch.apply([.set(member, string: fields.model)], to: $0, into: &patched)
            }
            return ByteBuffer(bytes: patched)
        } catch {
            return bytes
        }
    }

    /// Whether the document has a member `model`; not every format's answers do.
    private func namesModel(_ document: ByteBuffer) -> Bool {
        document.withUnsafeReadableBytes { bytes in
            (try? JSONFieldScanner.scanTopLevel(bytes, names: ["model"]))?[0] != nil
        }
    }

    func sendDocument(_ document: ByteBuffer) {
        var document = document
        if responses != nil, let id = responses?.conversation {
            document = ByteBuffer(bytes: ConversationEcho.document(document.readableBytesView, id))
        }
        var bytes = connection.buffer(capacity: 768 + attempt.forwarded.readableBytes + document.readableBytes)
        writeAnswerHead(status: attempt.status, into: &bytes)
        connection.finishHead(&bytes, document: document)
        sentToClient += document.readableBytes
        state = .finished
        connection.write(consume bytes)
        connection.answered()
    }

    /// Status line, request id and the fields of the upstream that are passed on.
    func writeAnswerHead(status: Int, into bytes: inout ByteBuffer) {
        let capacity = 224 + attempt.forwarded.readableBytes + RateLimitHeaders.capacity
        HeadWriter.write(to: &bytes, capacity: capacity) { writer in
            ResponseHead.writeStatus(status, into: &writer)
            ResponseHead.writeRequestID(id, dialect: dialect, into: &writer)
            attempt.forwarded.withUnsafeReadableBytes { writer.write($0) }
            if !attempt.hasContentType { writer.write("content-type: application/json\r\n") }
            if let limiter = key?.limiter {
                RateLimitHeaders.write(limiter, dialect: dialect, now: loop.now, into: &writer)
            }
        }
        timing?.write(into: &bytes)
        if losses != nil, !warnings.isEmpty {
            ResponseHead.writeField("x-patchbay-warnings", warnings.joined(separator: ","), into: &bytes)
        }
    }
}

extension UpstreamError.Code {
    /// There was no connection, and to this origin there will be none for others either.
    fileprivate var isUnreachable: Bool {
        switch self {
        case .connect, .tls, .timeoutConnect, .denied, .loop, .resolve: true
        case .reset, .timeoutWrite, .timeoutFirstByte, .timeoutIdle, .protocol, .exhausted: false
        }
    }
}

extension TransportFault {
    init(_ code: UpstreamError.Code) {
        switch code {
        case .connect, .resolve, .exhausted: self = .connect
        case .tls: self = .tls
        case .reset: self = .reset
        case .timeoutConnect, .timeoutWrite, .timeoutFirstByte, .timeoutIdle: self = .timeout
        case .protocol: self = .protocolViolation
        case .denied, .loop: self = .denied
        }
    }
}
