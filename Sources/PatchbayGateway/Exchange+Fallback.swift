import Logging
import NIOCore
import PatchbayCore
import PatchbayHost
import PatchbayRouting
import PatchbayWire

/// The second chance of a channel: another of its wire formats where one proves unsupported, another way of answering
/// where the upstream refuses the one that was asked for.
///
/// What was learned is kept per channel and model for half an hour; see ``HealthTable`` and ``LearnedTraits``.
extension Exchange {
    /// What is known of the model at this channel: its profile, and whether it is asked for a stream. That is as the
    /// client wants, unless the channel answers otherwise only.
    func applyTraits(of upstream: ChannelUpstream) {
        attempt.streams = fields.stream
        let declares = !snapshot.declaredOutputs.isEmpty
        guard !upstream.conversion.isEmpty || !loop.health.learned.isEmpty || declares else { return }
        guard endpoint?.operation == .generate else { return }
        var traits = upstream.conversion.traits(of: attempt.upstreamModel)
        if declares, let longest = snapshot.declaredOutputs[governed.route] {
            let declared = upstream.declaredConversion.traits(of: attempt.upstreamModel)
            traits = declared.completed(maxOutput: longest)
        }
        attempt.profile = traits.profile
        attempt.unwanted = traits.unwanted
        var streaming = traits.streaming
        if streaming == .either, !loop.health.learned.isEmpty {
            let channel = snapshot.table.channels[Int(attempt.channel)].id
            streaming = loop.health.learned.streaming(channel, model: attempt.upstreamModel, now: loop.now) ?? .either
        }
        switch streaming {
        case .either: break
        case .always: attempt.streams = true
        case .never: attempt.streams = false
        }
    }

    /// The verdict, corrected by what the refusal itself says of the endpoint.
    func corrected(_ verdict: Verdict, by evidence: AnswerEvidence) -> Verdict {
        var verdict = verdict
        switch verdict.fault {
        case .endpoint where evidence.isAboutModel:
            verdict.fault = .model
        case .model, .client, .site, .none:
            guard evidence.endpointIsUnsupported, !evidence.isAboutModel || attempt.status != 404, hasOtherFormat
            else { break }
            verdict.fault = .endpoint
            verdict.retry = .otherChannel
        default: break
        }
        return verdict
    }

    /// Whether the channel could take the request in another format. If it could not, what its endpoint lacks is the
    /// same as what the channel lacks.
    private var hasOtherFormat: Bool {
        guard let client = binding, let upstream = attempt.upstream else { return false }
        let usable = loop.health.usableFormats(
            attempt.channel, model: attempt.upstreamModel, of: snapshot.table, now: loop.now)
        return upstream.targets.contains { format in
            usable.contains(format.own) && client.sendable.contains(format.own) && !hasRefused(format.format)
        }
    }

    /// What a refusal says of the endpoint and the way of answering; nil if it is no refusal.
    func refusalEvidence(_ cause: AttemptFailureCause) -> AnswerEvidence? {
        guard case .answer = cause, attempt.status >= 400 else { return nil }
        return AnswerEvidence(
            status: attempt.status, body: attempt.collected.readableBytesView, model: attempt.upstreamModel,
            streamed: attempt.streams)
    }

    /// Whether the same channel is asked once more, because the failure was one of the endpoint or of the way of
    /// answering. The plan stands at the channel again then.
    func stayWithChannel(_ verdict: Verdict, _ evidence: AnswerEvidence?) -> Bool {
        // With a second attempt under way the plan has gone on, and that attempt is the second chance.
        guard rival == nil, planPosition > 0, plan[planPosition - 1] == governed.candidate else { return false }
        if let streaming = evidence?.streaming, endpoint?.operation == .generate {
            // Who refuses both ways has had its chance.
            guard turnedChannel != attempt.channel else { return false }
            turnedChannel = attempt.channel
            loop.health.learn(
                streaming, channel: attempt.channel, model: attempt.upstreamModel, of: snapshot.table, now: loop.now)
            planPosition -= 1
            return true
        }
        guard verdict.fault == .endpoint, let upstream = attempt.upstream, let client = binding,
            let next = try? chooseFormat(for: client, upstream: upstream), !hasRefused(next.format)
        else { return false }
        unsupported.append((channel: attempt.channel, format: attempt.format))
        planPosition -= 1
        loop.logger.info(
            "endpoint unsupported, another is tried",
            metadata: [
                "request_id": "\(requestID)", "channel": "\(snapshot.table.channels[Int(attempt.channel)].id)",
                "format": "\(attempt.format)",
            ])
        return true
    }

    /// Whether the channel has refused a request of this format before, the newest refusal included.
    private func hasRefused(_ format: WireFormat) -> Bool {
        format == attempt.format || unsupported.contains { $0.channel == attempt.channel && $0.format == format }
    }

    /// A channel has answered in one format after another had proved unsupported.
    func confirmFallback() {
        for item in unsupported where item.channel == attempt.channel && item.format != attempt.format {
            loop.health.confirmUnsupported(
                item.format, model: attempt.upstreamModel, channel: item.channel, of: snapshot.table, now: loop.now)
        }
        unsupported.removeAll()
    }

    // MARK: - Requests for the other kind of answer

    /// The changes that make the client's own body ask for the kind of answer that the channel can give.
    func streamOperations() -> [JSONPatchOperation] {
        // Where the body does not say it, the URL does; the platform has been told.
        guard Exchange.formatsWithStreamMember.contains(attempt.format.rawValue) else { return [] }
        var operations = [JSONPatchOperation("stream", value: Array("\(attempt.streams)".utf8))]
        if !attempt.streams, fields.streamOptions != nil {
            operations.append(JSONPatchOperation("stream_options", value: nil))
        }
        return operations
    }

    private static let formatsWithStreamMember: Set<String> = [
        "openai.chat", "openai.completions", "openai.responses", "anthropic.messages",
    ]

    /// The canonical request, asking for the kind of answer that the channel can give.
    func canonicalForChannel() -> [UInt8] {
        guard attempt.streams != fields.stream else { return canonical }
        var patched: [UInt8] = []
        do {
            let operation = JSONPatchOperation("stream", "on", value: Array("\(attempt.streams)".utf8))
            try canonical.withUnsafeBytes { try JSONPatch.apply([operation], to: $0, into: &patched) }
            return patched
        } catch {
            return canonical
        }
    }
}
