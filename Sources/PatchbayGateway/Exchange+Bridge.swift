import NIOCore
import PatchbayCore
import PatchbayHost
import PatchbayRouting
import PatchbayTelemetry
import PatchbayUpstream
import PatchbayWire

/// Between streams and documents: an answer of the kind that the client did not ask for becomes the one it did.
///
/// Neither direction sends anything before the whole answer is known to be good, so that every failure can still be
/// given to the next channel and a cut stream never becomes a document (formats.md section 5.5).
extension Exchange {
    // MARK: - A stream for a client that wants a document

    /// The answer is a stream though the client wants a document: its events are folded into one.
    func beginFolding() {
        attempt.mode = .folding
        attempt.splitter = SSEFrameSplitter(maxFrameBytes: Exchange.maximumDocumentBytes)
        dropForwardedContentType()
        guard let codec = attempt.binding?.codec, binding?.codec != nil else {
            dropUpstream()
            return attemptFailed(.answer(sentence: "the upstream answered a request for a document with a stream"))
        }
        makeCanonicalForBridge()
        do {
            attempt.decoder = try codec.openDecoder(codecParameters())
            let fold = AnswerFold()
            attempt.fold = fold
            attempt.encoder = stopping(fold)
        } catch {
            dropUpstream()
            attemptFailed(.transport(.protocolViolation, sentence: error.sentence))
        }
    }

    /// Looks at the tap after each read of a stream that is folded.
    func foldProgressed() {
        if firstTokenAt == nil, attempt.tap.sawContent { firstTokenAt = loop.now }
        if attempt.tap.ended { foldComplete() }
    }

    /// The transport of a folded stream has ended; only a stream that its protocol ended as well is an answer.
    func foldEnded(_ reason: StreamEnd) {
        finishDecoder(reason)
        if let error = attempt.tap.error { return attemptFailed(.streamError(error)) }
        guard attempt.tap.clean else { return attemptFailed(.truncated) }
        foldComplete()
    }

    private func foldComplete() {
        do {
            var document = try foldedDocument()
            if responses?.compaction != nil { document = try finalDocument(document) }
            if responses != nil { keepResponse(document.readableBytesView, isStream: false) }
            usage.merge(attempt.tap.usage)
            finishAttempt(fault: .none, reason: "")
            loop.health.recordSuccess(attempt.channel, of: snapshot.table, now: loop.now)
            firstTokenAt = firstTokenAt ?? loop.now
            settle(outcome: .completed, status: attempt.status, errorCode: "")
            guard upstream != nil else { return sendDocument(document) }
            sendDocumentBeforeTransportEnds(document)
        } catch {
            dropUpstream()
            attemptFailed(.answer(sentence: error.sentence))
        }
    }

    private func foldedDocument() throws(PluginError) -> ByteBuffer {
        guard let fold = attempt.fold, let codec = binding?.codec else {
            throw PluginError(.protocolViolation, "the stream was not folded")
        }
        attempt.encoder = nil
        attempt.fold = nil
        let middle = fold.document()
        var converted: [UInt8] = []
        try middle.withBytes { raw throws(PluginError) in
            try codec.responseFromCanonical(raw, codecParameters(), into: &converted)
        }
        return ByteBuffer(bytes: converted)
    }

    /// Answers when the protocol has said its last word, and gives the transport a moment to end as well, so that its
    /// connection can be used again.
    private func sendDocumentBeforeTransportEnds(_ document: ByteBuffer) {
        var bytes = connection.buffer(capacity: 512 + document.readableBytes)
        writeAnswerHead(status: attempt.status, into: &bytes)
        connection.finishHead(&bytes, length: document.readableBytes)
        bytes.writeImmutableBuffer(document)
        sentToClient += document.readableBytes
        state = .streaming
        loop.metrics.streams(1)
        attempt.endedAt = loop.now
        connection.write(bytes)
        connection.flush()
    }

    /// The upstream's word for its stream is not the client's for a document.
    private func dropForwardedContentType() {
        guard attempt.hasContentType else { return }
        attempt.hasContentType = false
        var kept = ByteBuffer()
        var line = attempt.forwarded.readableBytesView[...]
        while let end = line.firstIndex(of: UInt8(ascii: "\n")) {
            let field = line[...end]
            if !Array(field.prefix(13)).withBytes({ $0.equalsIgnoringCase(Views.of("content-type:")) }) {
                kept.writeBytes(field)
            }
            line = line[(end + 1)...]
        }
        attempt.forwarded = kept
    }

    // MARK: - A document for a client that wants a stream

    /// The answer is a document though the client wants a stream: it is checked, then written as one.
    func documentForStream() {
        if continuation != nil { return attemptFailed(.answer(sentence: "the answer is no stream to go on with")) }
        do {
            let stream = try unfoldedStream()
            attempt.collected = ByteBuffer(bytes: stream)
            attempt.tap.ended = true
            attempt.tap.clean = true
            commit()
            finishStream()
        } catch {
            if let disguised = attempt.tap.error { return attemptFailed(.streamError(disguised)) }
            attemptFailed(.answer(sentence: error.sentence))
        }
    }

    private func unfoldedStream() throws(PluginError) -> [UInt8] {
        guard let codec = attempt.binding?.codec, let clientCodec = binding?.codec else {
            throw PluginError(.protocolViolation, "the upstream answered a streaming request with a document")
        }
        makeCanonicalForBridge()
        let parameters = codecParameters()
        let bytes = attempt.collected
        var middle: [UInt8] = []
        try bytes.withUnsafeReadableBytes { raw throws(PluginError) in
            try codec.responseTap(raw, parameters, into: &attempt.tap)
            if let error = attempt.tap.error {
                throw PluginError(.protocolViolation, "the answer is an error in disguise: \(error.message)")
            }
            try codec.responseToCanonical(raw, parameters, into: &middle)
        }
        if attempt.tap.usage.output == nil { attempt.answerTokens = TokenEstimate.response(middle) }
        var output: [UInt8] = []
        let encoder = try clientCodec.openEncoder(parameters)
        try stopped(middle).withBytes { raw throws(PluginError) in try encoder.unfold(raw, output: &output) }
        return output
    }

    // MARK: - What the conversion knows of the request

    /// In the client's own format nobody has read the request yet. An answer that is written anew has to know what was
    /// asked for (usage in the stream, names of tools); a request that cannot be read is answered without.
    func makeCanonicalForBridge() {
        guard let codec = binding?.codec else { return }
        try? readCanonical(with: codec)
    }

    /// Makes ``canonical`` of the body unless an attempt has done so, and keeps what that lost.
    func readCanonical(with codec: FormatCodec) throws(PluginError) {
        guard canonical.isEmpty else { return }
        let ledger = LossLedger()
        var parameters = codecParameters(isAnswer: false)
        parameters.losses = ledger
        var made: [UInt8] = []
        try body.withUnsafeReadableBytes { raw throws(PluginError) in
            try codec.requestToCanonical(raw, parameters, into: &made)
        }
        canonical = made
        lossesOfReading = ledger
    }

    /// The canonical request as those see it who convert its answer: without its turns, which may be long and say
    /// nothing of the answer. Empty if no canonical form was made.
    func answeredRequest() -> [UInt8] {
        if let answered { return answered }
        var shortened: [UInt8] = []
        canonical.withUnsafeBytes { bytes in
            let found = try? JSONFieldScanner.scanTopLevel(bytes, names: ["turns"])
            guard let turns = found?.first ?? nil else { return shortened.append(contentsOf: bytes) }
            Array("[]".utf8).withUnsafeBytes { JSONPatch.replace(turns.span, with: $0, in: bytes, into: &shortened) }
        }
        answered = shortened
        return shortened
    }
}
