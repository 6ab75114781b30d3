import NIOCore
import PatchbayCore
import PatchbayHost
import PatchbayRouting
import PatchbayTelemetry
import PatchbayUpstream
import PatchbayWire

/// Streams: every frame is looked at, few are changed, and only whole frames reach the client.
extension Exchange {
    /// So much of a stream is held back while its first good event is awaited.
    private static let maximumHeldBytes = 262_144
    /// So many frames without an error show that an answer is under way, where the codec tells no more than that.
    private static let goodFramesToCommit = 8

    /// The answer is a stream: opens the state machines that read it and, for another format, write it anew.
    func beginHolding() {
        attempt.mode = .holding
        attempt.headAt = loop.now
        // Images come in one event; what is too large for a document is too large here.
        if attempt.arraySplitter == nil {
            attempt.splitter = SSEFrameSplitter(maxFrameBytes: Exchange.maximumDocumentBytes)
        }
        guard let codec = snapshot.codecs[attempt.format], let clientFormat = endpoint?.format else { return }
        let isSame = attempt.isSameFormat
        do {
            if let continuation { return try joinStream(continuation, codec) }
            attempt.decoder = try codec.openDecoder(codecParameters(tap: isSame))
            attempt.tap.isOnlyTapped = isSame
            if isSame { return try watchFrames(codec) }
            let writer = try snapshot.codecs[clientFormat]?.openEncoder(codecParameters())
            attempt.encoder = stopping(watched(writer))
        } catch {
            dropUpstream()
            attemptFailed(.transport(.protocolViolation, sentence: error.sentence))
        }
    }

    func streamBytes(_ bytes: ByteBuffer) {
        guard attempt.endedAt == nil else { return }
        if attempt.arraySplitter != nil { return arrayBytes(bytes) }
        var output = loop.takeStreamOutput()
        defer { loop.reuseStreamOutput(&output) }
        do {
            try bytes.withUnsafeReadableBytes { raw throws(SSEError) in
                var position = 0
                while true {
                    takeKnownFrames(raw, at: &position, into: &output)
                    guard let frame = try attempt.splitter?.next(in: raw, at: &position) else { break }
                    let before = output.count
                    take(frame, into: &output)
                    learn(from: frame, written: output[before...])
                }
            }
        } catch {
            dropUpstream()
            // What is known as delivered has to be.
            if attempt.delivery != nil, attempt.mode == .passing { write(chunk: output) }
            return attemptFailed(
                .transport(.protocolViolation, sentence: "the upstream's stream is malformed: \(error.message)"))
        }
        if attempt.cutter?.isCut == true { return streamCut(output, deliver) }
        deliver(output)
    }

    /// Hands one frame to the decoder and adds what the client gets of it to `output`.
    func take(_ frame: SSEFrame, into output: inout [UInt8]) {
        // Whatever an upstream sends behind its last word or an error is no part of the answer.
        guard !attempt.tap.ended, attempt.tap.error == nil else { return }
        if let data = frame.data {
            if let decoder = attempt.decoder {
                decode(frame, data, decoder, into: &output)
            } else {
                attempt.tap.sawContent = true
            }
            if attempt.stripsUsage, StreamEdit.isUsageOnly(data) { return }
        }
        guard attempt.encoder == nil else { return }
        // Google's client fails on anything that is not data, comments included (formats.md section 1.3).
        if frame.data == nil, dialect == .gemini { return }
        attempt.frameSizes.add(frame.raw.count)
        if responses != nil { noteItem(frame) }
        if attempt.tap.error != nil {
            let isShown = showsError(frame)
            // Somebody may go on: the error waits until it is known that nobody does.
            if let delivery = attempt.delivery { return delivery.hold(isShown ? frame : nil) }
            attempt.errorIsShown = isShown
            guard isShown else { return }
        }
        attempt.delivery?.note(frame)
        if attempt.renamesModel, StreamEdit.appendRenamed(frame, to: fields.model, into: &output) { return }
        output.append(contentsOf: frame.raw)
    }

    private func decode(
        _ frame: SSEFrame, _ data: UnsafeRawBufferPointer, _ decoder: StreamDecoder, into output: inout [UInt8]
    ) {
        let event = frame.event ?? UnsafeRawBufferPointer(start: nil, count: 0)
        let frame = StreamFrame(event: event, data: data)
        do {
            if attempt.encoder == nil {
                try decoder.frame(frame, tap: &attempt.tap)
            } else {
                try decoder.frame(frame, to: attempt.encoder, output: &output, tap: &attempt.tap)
            }
            if attempt.tap.events > 0 { attempt.goodFrames += 1 }
            if attempt.tap.error != nil { attempt.errorIsShown = attempt.encoder != nil && attempt.delivery == nil }
        } catch {
            attempt.tap.error = StreamErrorInfo(category: .upstreamInvalid, message: error.sentence)
        }
    }

    /// Lets the decoder say what the end of the transport means.
    private func finishDecoder(_ reason: StreamEnd, into output: inout [UInt8]) {
        do {
            try attempt.decoder?.finish(reason, to: attempt.encoder, output: &output, tap: &attempt.tap)
        } catch {
            attempt.tap.clean = false
        }
    }

    /// The same where nothing is written.
    func finishDecoder(_ reason: StreamEnd) {
        var output: [UInt8] = []
        finishDecoder(reason, into: &output)
    }

    /// Sends what came out of one read, or goes on holding it.
    func deliver(_ output: [UInt8]) {
        attempt.settledAt = attempt.tap.isSettled ? loop.now : 0
        if let error = attempt.tap.error, state == .waiting {
            dropUpstream()
            return attemptFailed(.streamError(error))
        }
        if attempt.tap.ended, !attempt.tap.clean, attempt.tap.error == nil {
            dropUpstream()
            return attemptFailed(.truncated)
        }
        if attempt.mode == .folding { return foldProgressed() }
        if attempt.mode == .holding {
            attempt.collected.writeBytes(output)
            let isGood =
                attempt.tap.sawContent || attempt.tap.finished || attempt.tap.ended
                || (attempt.encoder == nil && attempt.goodFrames >= Exchange.goodFramesToCommit)
            guard isGood || attempt.collected.readableBytes > Exchange.maximumHeldBytes else { return }
            commit()
        } else if let error = attempt.tap.error {
            streamBroke(error, output)
        } else if attempt.tap.ended {
            streamComplete(output)
        } else if !output.isEmpty {
            write(chunk: output)
        }
    }

    /// The point of no return: the head and everything held so far go out in one write.
    func commit() {
        cancelRival()
        attempt.mode = .passing
        state = .streaming
        firstTokenAt = firstTokenAt ?? loop.now
        loop.metrics.streams(1)
        if let continuation { noteContinued(continuation) }
        var head = connection.buffer(capacity: 512 + attempt.collected.readableBytes)
        writeStreamHead(into: &head)
        let held = Array(attempt.collected.readableBytesView)
        attempt.collected = ByteBuffer()
        let isWhole = attempt.tap.ended
        if isWhole {
            if responses != nil { keepResponse(held, isStream: true) }
            recordCompleted()
        }
        append(chunk: held, to: &head)
        if isWhole { appendTerminator(to: &head) }
        connection.write(head)
        if isWhole { attempt.endedAt = loop.now }
        if !connection.isWritable { upstream?.pauseReading() }
    }

    /// Nothing if a sign of life has needed the head already.
    func writeStreamHead(into head: inout ByteBuffer) {
        guard !silence.isHeadSent else { return }
        silence.isHeadSent = true
        if !connection.acceptsChunked { connection.closeAfterAnswer() }
        ResponseHead.writeStatus(200, into: &head)
        ResponseHead.writeRequestID(requestID, dialect: dialect, into: &head)
        head.writeStaticString(
            arrayFraming == nil ? "content-type: text/event-stream\r\n" : "content-type: application/json\r\n")
        head.writeStaticString("cache-control: no-cache\r\nx-accel-buffering: no\r\n")
        writeRateLimits(into: &head)
        timing?.write(into: &head)
        if !warnings.isEmpty {
            ResponseHead.writeField("x-patchbay-warnings", warnings.joined(separator: ","), into: &head)
        }
        if connection.acceptsChunked { head.writeStaticString("transfer-encoding: chunked\r\n") }
        head.writeStaticString(connection.willKeepAlive ? "\r\n" : "connection: close\r\n\r\n")
    }

    func append(chunk: [UInt8], to buffer: inout ByteBuffer) {
        var identified = continuation?.identified(chunk) ?? chunk
        if responses != nil, let id = responses?.conversation { identified = ConversationEcho.frames(identified, id) }
        let chunk = arrayFraming?.elements(of: identified) ?? identified
        guard !chunk.isEmpty else { return }
        sentToClient += chunk.count
        if let events = connection.run?.events { return events.append(chunk) }
        if connection.acceptsChunked { buffer.writeChunk(chunk) } else { buffer.writeBytes(chunk) }
    }

    func write(chunk: [UInt8]) {
        guard !chunk.isEmpty else { return }
        var buffer = connection.buffer(capacity: chunk.count + 24)
        append(chunk: chunk, to: &buffer)
        connection.write(buffer)
    }

    // MARK: - Ends

    /// The protocol's own end has been read. The ledger knows before the client does, so that a crash in between
    /// leaves a record without an answer, never an answer without a record. The client does not wait for the
    /// upstream's transport.
    private func streamComplete(_ output: [UInt8]) {
        if responses != nil { keepResponse(output, isStream: true) }
        recordCompleted()
        var buffer = connection.buffer(capacity: output.count + 32)
        append(chunk: output, to: &buffer)
        appendTerminator(to: &buffer)
        connection.write(buffer)
        attempt.endedAt = loop.now
    }

    private func appendTerminator(to buffer: inout ByteBuffer) {
        if let end = arrayFraming?.end {
            arrayFraming = nil
            append(chunk: end, to: &buffer)
        }
        if connection.acceptsChunked { buffer.writeStaticString("0\r\n\r\n") }
    }

    private func recordCompleted() {
        usage.merge(attempt.tap.usage)
        finishAttempt(fault: .none, reason: "")
        loop.health.recordSuccess(attempt.channel, of: snapshot.table, now: loop.now)
        settle(outcome: .completed, status: 200, errorCode: "")
    }

    /// The upstream reported an error after the stream had begun. Its own frame is part of `output` if a client of this
    /// dialect understands it; if not, one that it does understand follows.
    private func streamBroke(_ error: StreamErrorInfo, _ output: [UInt8]) {
        dropUpstream()
        if attempt.delivery != nil {
            write(chunk: output)
            return attemptFailed(.streamError(error))
        }
        usage.merge(attempt.tap.usage)
        penalise(judge(.streamError(error)), reason: error.message)
        settle(outcome: .truncated, status: 200, errorCode: GatewayError.Code.streamTruncated.rawValue)
        write(chunk: output)
        if !attempt.errorIsShown {
            let sentence = "the upstream's stream broke off: \(error.message)"
            return breakStream(GatewayError(.streamTruncated, sentence, status: 502))
        }
        closeStream()
        endConnection()
    }

    /// The transport has ended, one way or another.
    func streamEnded(_ reason: StreamEnd) {
        if attempt.endedAt != nil { return finishStream() }
        var output: [UInt8] = []
        if let frame = attempt.splitter?.finish() {
            // What stands behind the last blank line is a frame only if the stream ended in peace.
            if reason == .endOfStream { take(frame, into: &output) }
            if attempt.encoder == nil, !output.isEmpty { output.append(contentsOf: "\n\n".utf8) }
        }
        if attempt.cutter?.isCut == true { return streamCut(output, deliver) }
        if attempt.mode == .folding { return foldEnded(reason) }
        if attempt.mode == .holding {
            let wasHeld = attempt.collected.readableBytes > 0 || !output.isEmpty
            finishDecoder(reason, into: &output)
            guard wasHeld, attempt.tap.clean, attempt.tap.error == nil else { return attemptFailed(.truncated) }
            attempt.collected.writeBytes(output)
            commit()
            return finishStream()
        }
        finishDecoder(reason, into: &output)
        let isClean = attempt.decoder == nil || (attempt.tap.clean && attempt.tap.error == nil)
        guard isClean else {
            if attempt.delivery != nil { write(chunk: output) }
            return attemptFailed(.truncated)
        }
        streamComplete(output)
        finishStream()
    }

    /// Both the client and the upstream are done with the stream.
    func finishStream() {
        closeStream()
        state = .finished
        connection.answered()
    }

    /// The upstream has said everything but keeps the connection open (formats.md E-42).
    func stopWaitingForTransport(now: Int64) {
        guard let endedAt = attempt.endedAt, now - endedAt > 500.milliseconds else { return }
        dropUpstream()
        finishStream()
    }

    /// The answer is whole, its format has no end but that of the connection, and the upstream keeps the connection
    /// open. What may still come are counters, which are not waited for any longer.
    ///
    /// - Returns: Whether the answer has been ended.
    func endSettled(now: Int64) -> Bool {
        guard attempt.settledAt > 0, now - attempt.settledAt > Exchange.settledPatience else { return false }
        dropUpstream()
        streamEnded(.endOfStream)
        return true
    }

    private static let settledPatience = 1_000.milliseconds

    /// Ends a stream that broke: what was sent stays, the error frame says so, and no terminator of the format follows.
    func breakStream(_ error: GatewayError) {
        if attempt.mode == .relaying { return abortRelay() }
        write(chunk: streamFrame(error))
        closeStream()
        endConnection()
    }

    /// The last bytes of a stream that no upstream has sent.
    func finishFollowedStream() {
        var buffer = connection.buffer(capacity: 8)
        appendTerminator(to: &buffer)
        connection.write(buffer)
        state = .finished
        connection.answered()
    }

    func endConnection() {
        var buffer = connection.buffer(capacity: 8)
        appendTerminator(to: &buffer)
        connection.write(buffer)
        connection.closeAfterAnswer()
        state = .finished
        connection.answered()
    }

    func closeStream() {
        if state == .streaming { loop.metrics.streams(-1) }
        attempt.decoder = nil
        attempt.encoder = nil
    }
}
