import Logging
import NIOCore
import PatchbayCore
import PatchbayHost
import PatchbayRouting
import PatchbayUpstream
import PatchbayWire

/// Sending the request to one channel after the other.
extension Exchange {
    /// Sends the next attempt of the plan, or answers the error of the last one.
    func nextAttempt() {
        if continueWithRival() { return }
        while true {
            switch nextTurn() {
            case .ask(let slot):
                if begin(slot) { return }
            case .waiting: return
            case .exhausted: return answerLastError()
            }
        }
    }

    /// Sends the request to one channel, whose places are held. False, with the places given back, if it cannot be.
    func begin(_ slot: CandidateSlot) -> Bool {
        if attempt.slot != nil { attempt = AttemptState() }
        attempt.slot = slot
        attempt.startedAt = loop.now
        // While the gateway waited by itself it owed no sign of life: the answer may still be an error with its status.
        if !silence.isHeadSent { silence.since = loop.now }
        do {
            try send(prepareAttempt(), to: slot)
            return true
        } catch let error as GatewayError {
            // The request itself cannot be brought into the channel's format.
            noteUnsent(fault: .client, reason: error.sentence)
            lastError = lastError ?? error
        } catch {
            noteUnsent(fault: .site, reason: "\(error)")
            lastError =
                lastError
                ?? GatewayError(.upstreamFailed, "the channel could not be prepared: \(error)", status: 502)
        }
        return false
    }

    /// A channel that could not even be asked.
    private func noteUnsent(fault: Fault, reason: String) {
        leavePlaces()
        attempts.append(attemptRecord(fault: fault, reason: reason))
        loop.logger.warning(
            "attempt not sent",
            metadata: [
                "request_id": "\(requestID)", "channel": "\(snapshot.table.channels[Int(attempt.channel)].id)",
                "reason": "\(reason)",
            ])
    }

    private func send(_ request: consuming UpstreamRequest, to slot: CandidateSlot) throws {
        guard let destination = slot.destination else {
            throw ChannelUnusable(reason: "the base URL of the site is not usable")
        }
        attempt.isOpen = true
        timing?.attemptSent()
        loop.health.attemptStarted(attempt.channel, of: snapshot.table)
        if slot.isHedged, fields.stream, continuation == nil { attempt.leg = HedgeLeg(self) }
        upstream = loop.pool.send(
            request, to: destination, timeouts: slot.timeouts, receiver: attempt.leg ?? self)
    }

    // MARK: - Building the request

    private func prepareAttempt() throws -> UpstreamRequest {
        guard let upstream = attempt.upstream, let client = binding else {
            throw ChannelUnusable(reason: "the endpoint has no format")
        }
        attempt.upstreamModel = upstream.upstreamModel ?? fields.model
        guard let instance = upstream.instance else {
            throw ChannelUnusable(reason: "no plugin serves the platform \"\(upstream.site.platform)\"")
        }
        let format = try chooseFormat(for: client, upstream: upstream)
        attempt.binding = format
        attempt.isSameFormat = format === client
        if endpoint == .countTokens, !attempt.isSameFormat {
            throw ChannelUnusable(reason: "only a channel that speaks the client's own format counts for it")
        }
        attempt.renamesModel = upstream.upstreamModel != nil && attempt.upstreamModel != fields.model
        losses = nil
        applyTraits(of: upstream)
        let known = try keptHead(instance, upstream, format)
        let draft = loop.draft
        if let form = fields.form { return try formRequest(form, draft, upstream) }
        let isOwn = attempt.isSameFormat && !dropsReasoning && !isForeignShape
        var body = try isOwn ? patchedBody(draft) : convertedBody(draft, from: client)
        if !attempt.unwanted.isEmpty { body = try withoutUnwanted(body) }
        if responses?.compaction != nil { noteEmulatedCompaction() }
        if let known { return upstreamRequest(known, body: try continued(body)) }
        return try upstreamRequest(draft: draft, upstream: upstream, body: continued(body))
    }

    /// The client's own format if the channel speaks it and it has not proved unsupported there, else the first other.
    func chooseFormat(for client: FormatBinding, upstream: ChannelUpstream) throws(ChannelUnusable) -> FormatBinding {
        let usable = loop.health.usableFormats(
            attempt.channel, model: attempt.upstreamModel, of: snapshot.table, now: loop.now)
        if continuation != nil {
            return try chooseContinuableFormat(for: client, upstream: upstream, usable: usable)
        }
        // A format that no site speaks has an empty set, which every set contains.
        if !client.own.isEmpty, usable.contains(client.own) { return client }
        guard endpoint != .compaction else { throw ChannelUnusable(reason: Exchange.cannotCompact) }
        // What no plugin reads cannot be brought into another format.
        guard client.codec != nil else {
            throw ChannelUnusable(reason: "the channel does not speak \(client.format)")
        }
        for format in upstream.targets where usable.contains(format.own) && client.sendable.contains(format.own) {
            return format
        }
        throw ChannelUnusable(reason: "the channel speaks no format that this request can be sent in")
    }

    /// Lets the platform plugin shape the request into the loop's draft.
    func prepare(
        _ instance: PluginInstance, _ upstream: ChannelUpstream, _ format: FormatBinding
    ) throws(PluginError) {
        try asking(format) { question throws(PluginError) in
            var input = AttemptInput(
                format: format.name.view, operation: question.operation, baseURL: upstream.baseURL.view,
                requestedModel: question.model, upstreamModel: upstream.upstreamModelName?.view ?? question.model,
                credentialKind: upstream.credentialKind.view)
            input.isStream = question.isStream
            input.bodySize = body.readableBytes
            input.headers = loop.headers
            input.query = question.query
            try instance.prepare(input, into: loop.draft)
        }
    }

    /// Calls `body` with what the plugin is told of the request, while the client's headers can be asked for.
    func asking<Result, Failure: Error>(
        _ format: FormatBinding, _ body: (PreparedHead.Question) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let head = connection.head
        let result: Swift.Result<Result, Failure> = connection.headBytes.withUnsafeReadableBytes { bytes in
            withModelBytes { requested in
                loop.headers.showing(head.fields, bytes, joinsRepeated: true) {
                    // Clients of Gemini may have their key in the query.
                    let query = dialect == .gemini ? nil : head.query?.bytes(in: bytes)
                    let question = PreparedHead.Question(
                        format: format, operation: operationName, isStream: attempt.streams, model: requested,
                        query: query ?? UnsafeRawBufferPointer(start: nil, count: 0))
                    do throws(Failure) { return .success(try body(question)) } catch { return .failure(error) }
                }
            }
        }
        return try result.get()
    }

    // MARK: - Bodies

    /// The client's own bytes with as few changes as the channel needs, and every other byte untouched.
    private func patchedBody(_ draft: RequestDraft) throws -> ByteBuffer {
        let addsUsage = attempt.streams && attempt.format.hasStreamOptions && !clientAskedForUsage
        let asksOtherwise = attempt.streams != fields.stream
        let source = ownFormatBody
        if !attempt.renamesModel, !addsUsage, !asksOtherwise, draft.patches.isEmpty { return source }
        var operations: [JSONPatchOperation] = []
        if case .gemini(let method) = endpoint {
            if attempt.renamesModel, method.namesModelInBody { return try renamedBody(method, draft) }
        } else if attempt.renamesModel {
            operations.append(.set("model", string: attempt.upstreamModel))
        }
        if asksOtherwise { operations += streamOperations() }
        if addsUsage {
            attempt.stripsUsage = true
            operations.append(JSONPatchOperation("stream_options", "include_usage", value: Array("true".utf8)))
        }
        operations += try draft.patchOperations()
        if operations.isEmpty { return source }
        var patched: [UInt8] = []
        patched.reserveCapacity(source.readableBytes + 128)
        try source.withUnsafeReadableBytes { try JSONPatch.apply(operations, to: $0, into: &patched) }
        return ByteBuffer(bytes: patched)
    }

    /// Whether the chunk with the usage belongs to the answer that the client expects.
    var clientAskedForUsage: Bool { clientAskedForUsage(in: body) }

    /// - Parameter body: that was scanned.
    func clientAskedForUsage(in body: ByteBuffer) -> Bool {
        guard let span = fields.streamOptions else { return false }
        return body.withUnsafeReadableBytes { bytes in
            let options = span.bytes(in: bytes)
            guard let found = try? JSONFieldScanner.scanTopLevel(options, names: ["include_usage"]) else {
                return false
            }
            return found[0]?.kind == .true
        }
    }

    private func convertedBody(_ draft: RequestDraft, from client: FormatBinding) throws -> ByteBuffer {
        guard let decoder = client.codec, let encoder = attempt.binding?.codec else {
            throw ChannelUnusable(reason: "no plugin converts \(client.format) to \(attempt.format)")
        }
        try refuseUnportable()
        let refusedLoss = refusedLoss
        do throws(PluginError) {
            try readCanonical(with: decoder)
        } catch {
            throw GatewayError.invalid(error.sentence)
        }
        losses = LossLedger(continuing: lossesOfReading)
        var converted: [UInt8] = []
        do throws(PluginError) {
            var parameters = codecParameters(isAnswer: false)
            parameters.stream = attempt.streams
            parameters.strict = refusedLoss != nil
            try canonicalForChannel().withBytes { raw throws(PluginError) in
                try encoder.requestFromCanonical(raw, parameters, into: &converted)
            }
        } catch {
            throw GatewayError(.unsupportedConversion, error.sentence, status: 400)
        }
        takeOverStops()
        try checkLosses(refusedLoss, from: client.format)
        if isForeignShape || responses != nil && !attempt.isSameFormat { try refuseFatalLoss() }
        var operations = try draft.patchOperations()
        if responses?.original != nil, attempt.isSameFormat { operations.append(.withoutPrevious) }
        guard !operations.isEmpty else { return ByteBuffer(bytes: converted) }
        var patched: [UInt8] = []
        try converted.withUnsafeBytes { try JSONPatch.apply(operations, to: $0, into: &patched) }
        return ByteBuffer(bytes: patched)
    }

    /// What the codecs need besides the document.
    func codecParameters(tap: Bool = false, isAnswer: Bool = true) -> CodecParameters {
        var parameters = CodecParameters()
        parameters.stream = fields.stream
        parameters.tap = tap
        parameters.requestedModel = fields.model
        parameters.upstreamModel = attempt.upstreamModel
        parameters.dialect = dialectVersion
        parameters.requestID = requestID
        parameters.createdSeconds = startedAtUnix / 1000
        if isAnswer { parameters.request = answeredRequest() }
        parameters.profile = attempt.profile
        parameters.losses = losses
        return parameters
    }

    /// The version of the format that the client speaks, where the format has several.
    private var dialectVersion: String? {
        dialect == .anthropic ? connection.headerText("anthropic-version") : nil
    }
}
