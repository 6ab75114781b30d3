import Logging
import NIOCore
import PatchbayCore
import PatchbayHost
import PatchbayRouting
import PatchbayTelemetry
import PatchbayWire

/// Continuation: when a stream breaks off after text was delivered, the request goes to the next channel of the plan
/// once more, with the text as the beginning of the answer, and what comes back follows in the same stream.
///
/// The exchange waits then as it did before the first byte, except that the head of the answer is out. Off unless the
/// policy says otherwise (`retry.continue_cut_streams`); a request that does not use it holds nothing for it.
extension Exchange {
    /// Formats whose streams can be written on from any point: each event stands for itself.
    private static let restorable: Set<String> = [
        "openai.chat", "openai.completions", "anthropic.messages", "gemini.generate",
    ]

    // MARK: - Watching

    private var watchesDelivery: Bool {
        governed.policy.retry.continuesCutStreams && fields.stream && endpoint?.operation == .generate
    }

    /// The writer of a stream, behind somebody who watches what it writes where the policy wants that.
    func watched(_ writer: EventConsumer?) -> EventConsumer? {
        guard watchesDelivery, let writer else { return writer }
        let stream = ContinuedStream(next: writer)
        attempt.delivery = StreamDelivery(stream)
        return stream
    }

    /// Watches a stream whose own frames are passed on.
    func watchFrames(_ codec: FormatCodec) throws(PluginError) {
        guard watchesDelivery, attempt.arraySplitter == nil, Self.restorable.contains(attempt.format.rawValue),
            !splitsThoughts
        else { return }
        attempt.delivery = StreamDelivery(ContinuedStream(), decoder: try codec.openDecoder(codecParameters()))
    }

    /// The reader would take for reasoning, and hold back, what the client gets as text.
    private var splitsThoughts: Bool {
        !attempt.profile.isEmpty && (try? JSONValue(parsing: attempt.profile))?["think_tags"]?.boolValue == true
    }

    /// Opens what reads the stream of an attempt that goes on with the answer of another.
    func joinStream(_ continuation: StreamContinuation, _ codec: FormatCodec) throws(PluginError) {
        attempt.decoder = try codec.openDecoder(codecParameters())
        attempt.delivery = StreamDelivery(continuation.stream)
        attempt.encoder = stopping(continuation.stream)
    }

    // MARK: - A break

    /// The stream that the client receives has broken off, and its attempt is in the books. Another attempt goes on, or
    /// the client is told.
    func streamBrokeOff(_ verdict: Verdict, _ cause: AttemptFailureCause) {
        guard let delivery = attempt.delivery else { return breakCommittedStream(cause) }
        guard continues(delivery, after: verdict, cause) else {
            guard case .streamError(let error) = cause, let frame = delivery.failure(error) else {
                return breakCommittedStream(cause)
            }
            usage.merge(attempt.tap.usage)
            settle(outcome: .truncated, status: 200, errorCode: GatewayError.Code.streamTruncated.rawValue)
            write(chunk: frame)
            closeStream()
            return endConnection()
        }
        loop.metrics.streams(-1)
        state = .waiting
        retry(after: verdict, cause)
    }

    private func continues(_ delivery: StreamDelivery, after verdict: Verdict, _ cause: AttemptFailureCause) -> Bool {
        // What the client or the content is at fault for is routed around by nobody.
        guard attempt.mode == .passing, verdict.retry != .none, verdict.fault != .client, mayAskAgain else {
            return false
        }
        if case .timeout = cause { return false }
        if let obstacle = delivery.isKnown ? delivery.stream.delivered.obstacle : .otherContent {
            noteObstacle(obstacle.rawValue)
            return false
        }
        let own = usageSoFar(of: delivery.stream)
        let error = truncation(cause)
        if let continuation {
            continuation.error = error
            continuation.usage = continuation.usage.adding(own)
            continuation.broken = attempts.count - 1
            continuation.characters = delivery.stream.delivered.characters
        } else {
            let begun = StreamContinuation(delivery.stream, error: error, usage: own, broken: attempts.count - 1)
            guard delivery.stream.isWritten || restoreWriter(begun) else { return false }
            continuation = begun
        }
        delivery.stream.goOn(after: continuation?.usage ?? own)
        return true
    }

    private func noteObstacle(_ sentence: String) {
        loop.logger.info(
            "stream not continued", metadata: ["request_id": "\(requestID)", "reason": "\(sentence)"])
    }

    /// Makes a writer of the client's format that goes on where the upstream's own frames ended.
    private func restoreWriter(_ continuation: StreamContinuation) -> Bool {
        makeCanonicalForBridge()
        guard let codec = binding?.codec else { return false }
        let delivered = continuation.stream.delivered
        var parameters = codecParameters()
        // The names that the client has seen are those of the upstream, unless they were changed on the way.
        if !attempt.renamesModel, !delivered.model.isEmpty {
            parameters.requestedModel = String(decoding: delivered.model, as: UTF8.self)
        }
        do throws(PluginError) {
            let writer = try codec.openEncoder(parameters)
            let written = continuation.stream.restore(into: writer)
            if !delivered.id.isEmpty, !Self.names(delivered.id, in: written) {
                continuation.id = String(decoding: delivered.id, as: UTF8.self)
            }
            return true
        } catch {
            noteObstacle(error.sentence)
            return false
        }
    }

    private static func names(_ id: [UInt8], in written: [UInt8]) -> Bool {
        let first = id.first
        return written.indices.contains { written[$0] == first && written[$0...].starts(with: id) }
    }

    /// What the attempt has used: what its upstream reported before the break, and at least what has arrived.
    private func usageSoFar(of stream: ContinuedStream) -> TokenUsage {
        var used = attempt.tap.usage
        if used.input == nil, let input = estimatedInput() {
            used.input = UInt64(clamping: input)
            used.estimated = true
        }
        let before = continuation?.usage.output ?? 0
        let delivered = UInt64(clamping: tokens(stream.delivered.text[...]))
        let written = delivered > before ? delivered - before : 0
        if used.output ?? 0 < written {
            used.output = written
            used.estimated = true
        }
        return used
    }

    private func tokens(_ text: ArraySlice<UInt8>) -> Int {
        text.withUnsafeBytes { TokenEstimate.tokens($0) }
    }

    // MARK: - Going on

    /// The format in which the channel can be asked to go on: the client's own if possible.
    func chooseContinuableFormat(
        for client: FormatBinding, upstream: ChannelUpstream, usable: FormatSet
    ) throws(ChannelUnusable) -> FormatBinding {
        let profile = upstream.conversion.traits(of: attempt.upstreamModel).profile
        var obstacle = PrefilledRequest.Obstacle.format
        let own = !client.own.isEmpty && usable.contains(client.own) ? [client] : []
        let others = upstream.targets.filter { usable.contains($0.own) && client.sendable.contains($0.own) }
        for format in own + (client.codec == nil ? [] : others) {
            do throws(PrefilledRequest.Obstacle) {
                _ = try PrefilledRequest(format: format.format, profile: profile)
                return format
            } catch {
                obstacle = error == .format ? obstacle : error
            }
        }
        throw ChannelUnusable(reason: "it cannot go on with the answer: \(obstacle.rawValue)")
    }

    /// The body of the attempt: with the text that the client has in it, where the attempt is to go on with that.
    func continued(_ body: ByteBuffer) throws -> ByteBuffer {
        guard let continuation else { return body }
        let delivered = continuation.stream.delivered
        do throws(PrefilledRequest.Obstacle) {
            let request = try PrefilledRequest(format: attempt.format, profile: attempt.profile)
            let bytes = try body.withUnsafeReadableBytes { raw throws(PrefilledRequest.Obstacle) in
                try request.body(
                    from: raw, beginning: delivered.beginning, tokens: tokens(delivered.text[...]))
            }
            return ByteBuffer(bytes: bytes)
        } catch {
            throw ChannelUnusable(reason: "it cannot go on with the answer: \(error.rawValue)")
        }
    }

    /// An attempt that was to go on has failed before it had anything to add. The request was good enough for the
    /// channel that began; what this one refuses is the beginning, and the next one may take it.
    func continuationFailed(_ verdict: Verdict, _ cause: AttemptFailureCause) {
        if case .timeout = cause { return answerLastError() }
        if verdict.retry == .none || verdict.fault == .client { return nextAttempt() }
        retry(after: verdict, cause)
    }

    /// The first content of the continuation has come.
    func noteContinued(_ continuation: StreamContinuation) {
        continuation.wasContinued = true
        let channel = snapshot.table.channels[Int(attempt.channel)].id
        if attempts.indices.contains(continuation.broken) {
            attempts[continuation.broken].reason += "; continued at character \(continuation.characters) by \(channel)"
        }
        if let site = attempt.upstream?.site.name { loop.metrics.limits.continued(site: site) }
        loop.logger.info(
            "stream continued",
            metadata: [
                "request_id": "\(requestID)", "channel": "\(channel)",
                "character": "\(continuation.characters)",
            ])
    }

    /// Nobody goes on: the client is told why the stream broke off.
    func endBrokenStream(_ continuation: StreamContinuation) {
        settle(outcome: .truncated, status: 200, errorCode: continuation.error.code.rawValue)
        breakStream(continuation.error)
    }
}
