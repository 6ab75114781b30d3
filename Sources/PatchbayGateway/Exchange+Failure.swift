import Logging
import NIOCore
import PatchbayCore
import PatchbayHost
import PatchbayRouting
import PatchbayWire

/// Failed attempts: whose fault it is, who rests for it, and what comes next.
extension Exchange {
    func attemptFailed(_ cause: AttemptFailureCause) {
        attempt.decoder = nil
        attempt.encoder = nil
        if endpoint == .countTokens, state == .waiting { return countFailed() }
        let evidence = refusalEvidence(cause)
        let verdict = evidence.map { corrected(judge(cause), by: $0) } ?? judge(cause)
        let reason = verdict.reason.isEmpty ? cause.sentence : verdict.reason
        // That all of a request took too long is no proof against the channel it had come to.
        if case .timeout = cause {
            finishAttempt(fault: verdict.fault, reason: reason)
        } else {
            penalise(verdict, reason: reason)
        }
        let isStandInUnable = verdict.fault == .client && isStandInUnable(cause)
        if !isStandInUnable {
            lastError = FailureAnswer.error(
                for: verdict, cause: cause, status: attempt.status, retryAfter: retryAfterSeconds(verdict),
                dialect: dialect)
        }
        loop.logger.info(
            "attempt failed",
            metadata: [
                "request_id": "\(requestID)", "channel": "\(snapshot.table.channels[Int(attempt.channel)].id)",
                "status": "\(attempt.status)", "fault": "\(verdict.fault.name)", "reason": "\(reason)",
            ])
        guard state == .waiting else { return streamBrokeOff(verdict, cause) }
        if continuation != nil { return continuationFailed(verdict, cause) }
        if case .answer = cause, retriesWithConversation() || retriesWithoutReasoning() {
            // The same channel again, after another one that may be under way beside it.
            plan.insert(governed.candidate, at: planPosition)
            return nextAttempt()
        }
        // The time of the whole request is over, not that of one attempt.
        if case .timeout = cause { return answerLastError() }
        if stayWithChannel(verdict, evidence) { return nextAttempt() }
        if isStandInUnable { return nextAttempt() }
        if verdict.retry == .none || verdict.fault == .client {
            if verdict.fault == .client { return answerClientFault(cause) }
            return answerLastError()
        }
        retry(after: verdict, cause)
    }

    // MARK: - Judgement

    /// What the platform plugin says, or the host's own table where it has no opinion.
    func judge(_ cause: AttemptFailureCause) -> Verdict {
        switch cause {
        case .streamError(let error): return DefaultVerdict.streamError(error.category)
        case .truncated: return DefaultVerdict.truncated
        case .timeout: return DefaultVerdict.transport(.timeout)
        case .loop: return DefaultVerdict.loop
        case .answer, .transport: break
        }
        if attempt.status == 508 { return DefaultVerdict.loop }
        if var judged = classify(cause.transport), judged.fault != .none {
            if judged.retryAfterMilliseconds == 0 { judged.retryAfterMilliseconds = askedWait() }
            return judged
        }
        if let transport = cause.transport { return DefaultVerdict.transport(transport) }
        return DefaultVerdict.answer(status: attempt.status, retryAfter: askedWait())
    }

    private func classify(_ transport: TransportFault?) -> Verdict? {
        guard let instance = attempt.upstream?.instance else { return nil }
        return attempt.headBytes.withUnsafeReadableBytes { head in
            attempt.collected.withUnsafeReadableBytes { body in
                loop.headers.showing(attempt.fields, head) {
                    var input = OutcomeInput(
                        httpStatus: attempt.status, transport: transport ?? .none,
                        format: attempt.binding?.name.view ?? Views.of(""), operation: operationName)
                    input.body = body
                    // What another attempt may go on from is as good as unsent.
                    if attempt.delivery == nil, continuation == nil { input.bytesToClient = sentToClient }
                    input.headers = loop.headers
                    return instance.classify(input)
                }
            }
        }
    }

    func penalise(_ verdict: Verdict, reason: String) {
        finishAttempt(fault: verdict.fault, reason: reason)
        // That a site does not compact is no proof against the format.
        if endpoint == .compaction, verdict.fault == .endpoint { return }
        let failure = AttemptFailure(
            fault: verdict.fault, connectLevel: attempt.isUnreachable,
            cooldownMilliseconds: UInt64(max(0, verdict.cooldownMilliseconds)),
            retryAfterMilliseconds: UInt64(max(0, verdict.retryAfterMilliseconds)),
            disablesCredential: verdict.disablesCredential, format: attempt.format, model: attempt.upstreamModel,
            reason: reason)
        loop.health.recordFailure(failure, channel: attempt.channel, of: snapshot.table, now: loop.now)
    }

    private func retryAfterSeconds(_ verdict: Verdict) -> Int? {
        guard verdict.retryAfterMilliseconds > 0 else { return nil }
        return Int(clamping: (verdict.retryAfterMilliseconds + 999) / 1000)
    }

    // MARK: - Answers

    /// After the commit point nothing is begun again: the client is told in its own dialect.
    func breakCommittedStream(_ cause: AttemptFailureCause) {
        usage.merge(attempt.tap.usage)
        let error = truncation(cause)
        settle(outcome: .truncated, status: 200, errorCode: error.code.rawValue)
        breakStream(error)
    }

    func truncation(_ cause: AttemptFailureCause) -> GatewayError {
        GatewayError(.streamTruncated, "the upstream's stream broke off: \(cause.sentence)", status: 502)
    }

    func answerLastError() {
        if let continuation { return endBrokenStream(continuation) }
        if endpoint == .countTokens { return answerEstimatedCount() }
        if endpoint == .compaction, emulatesCompaction() { return }
        let error =
            lastError
            ?? GatewayError(
                .noChannel, "no channel for the model \"\(fields.model)\" could be asked", status: 503, retryAfter: 5)
        settle(outcome: .failed, status: error.status, errorCode: error.code.rawValue)
        if silence.isHeadSent { return breakStream(error) }
        answerLocally(error, beforeBody: false)
    }

    /// The client's own mistake. In the same format the upstream's words go through untouched, because agents recover
    /// by reading them (peers.md section 7.1); otherwise they are translated.
    private func answerClientFault(_ cause: AttemptFailureCause) {
        guard case .answer = cause, attempt.status >= 400, attempt.collected.readableBytes > 0 else {
            return answerLastError()
        }
        if attempt.isSameFormat {
            settle(outcome: .failed, status: attempt.status, errorCode: GatewayError.Code.invalidRequest.rawValue)
            return sendErrorDocument(attempt.collected, status: attempt.status)
        }
        guard let clientFormat = endpoint?.format, let upstreamCodec = snapshot.codecs[attempt.format],
            let clientCodec = snapshot.codecs[clientFormat]
        else { return answerLastError() }
        do {
            var middle: [UInt8] = []
            try attempt.collected.withUnsafeReadableBytes { raw throws(PluginError) in
                try upstreamCodec.errorToCanonical(
                    status: attempt.status, raw, codecParameters(), into: &middle)
            }
            let converted = try middle.withBytes { raw throws(PluginError) in
                try clientCodec.errorFromCanonical(raw, codecParameters())
            }
            settle(outcome: .failed, status: converted.status, errorCode: GatewayError.Code.invalidRequest.rawValue)
            sendErrorDocument(ByteBuffer(bytes: converted.body), status: converted.status)
        } catch {
            answerLastError()
        }
    }

    func sendErrorDocument(_ document: ByteBuffer, status: Int) {
        if silence.isHeadSent { return breakStream(document: document) }
        var bytes = connection.buffer(capacity: 512 + document.readableBytes)
        writeAnswerHead(status: status, into: &bytes)
        bytes.writeStaticString("x-should-retry: false\r\n")
        connection.finishHead(&bytes, length: document.readableBytes)
        bytes.writeImmutableBuffer(document)
        state = .finished
        connection.write(bytes)
        connection.answered()
    }
}

extension AttemptFailureCause {
    var sentence: String {
        switch self {
        case .answer(let sentence), .transport(_, let sentence), .timeout(let sentence), .loop(let sentence): sentence
        case .streamError(let error):
            error.message.isEmpty ? "the upstream reported an error in its stream" : error.message
        case .truncated: "the stream ended before its format says so"
        }
    }

    var transport: TransportFault? {
        if case .transport(let fault, _) = self { fault } else { nil }
    }
}
