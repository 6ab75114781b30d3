import Logging
import NIOCore
import PatchbayCore
import PatchbayHost
import PatchbayRouting
import PatchbayUpstream
import PatchbayWire

/// Sending the request to one channel after the other.
extension Exchange {
    private static let maximumAttempts = 4

    /// Sends the next attempt of the plan, or answers the error of the last one.
    func nextAttempt() {
        while planPosition < plan.count, attempts.count < Exchange.maximumAttempts {
            let candidate = snapshot.table.candidates[Int(plan[planPosition])]
            planPosition += 1
            attempt = AttemptState()
            attempt.channel = candidate.channel
            attempt.price = candidate.price
            attempt.startedAt = loop.now
            do {
                let request = try prepareAttempt()
                send(request)
                return
            } catch let error as GatewayError {
                // The request itself cannot be brought into the channel's format.
                noteUnsent(fault: .client, reason: error.sentence)
                lastError = error
            } catch {
                noteUnsent(fault: .site, reason: "\(error)")
                lastError = GatewayError(.upstreamFailed, "the channel could not be prepared: \(error)", status: 502)
            }
        }
        answerLastError()
    }

    /// A channel that could not even be asked.
    private func noteUnsent(fault: Fault, reason: String) {
        attempts.append(attemptRecord(fault: fault, reason: reason))
        loop.logger.warning(
            "attempt not sent",
            metadata: [
                "request_id": "\(requestID)", "channel": "\(snapshot.table.channels[Int(attempt.channel)].id)",
                "reason": "\(reason)",
            ])
    }

    private func send(_ request: OutgoingRequest) {
        guard let origin = attempt.upstream?.origin else { return }
        attempt.isOpen = true
        loop.health.attemptStarted(attempt.channel, of: snapshot.table)
        upstream = loop.pool.send(
            origin: origin, request: request.head, content: request.content, isHead: false,
            timeouts: UpstreamTimeouts(
                connect: loop.timeouts.connect, firstByte: loop.timeouts.firstByte, idle: loop.timeouts.idle),
            receiver: self)
    }

    // MARK: - Building the request

    private func prepareAttempt() throws -> OutgoingRequest {
        let upstream = snapshot.upstreams[Int(attempt.channel)]
        attempt.upstream = upstream
        attempt.upstreamModel = upstream.upstreamModel ?? fields.model
        guard let clientFormat = endpoint?.format else { throw ChannelUnusable(reason: "the endpoint has no format") }
        guard let instance = upstream.instance else {
            throw ChannelUnusable(reason: "no plugin serves the platform \"\(upstream.site.platform)\"")
        }
        guard upstream.origin != nil else { throw ChannelUnusable(reason: "the base URL of the site is not usable") }
        attempt.format = try chooseFormat(for: clientFormat, upstream: upstream)
        attempt.renamesModel = attempt.upstreamModel != fields.model
        try prepare(instance, upstream)
        let draft = loop.draft
        if let form = fields.form { return try formRequest(form, draft, upstream) }
        let body = try attempt.format == clientFormat ? patchedBody(draft) : convertedBody(draft, from: clientFormat)
        return try requestBuffer(draft: draft, upstream: upstream, body: body)
    }

    /// The client's own format if the channel speaks it and it has not proved unsupported there, else the first other.
    private func chooseFormat(for client: WireFormat, upstream: ChannelUpstream) throws -> WireFormat {
        let usable = loop.health.usableFormats(attempt.channel, now: loop.now)
            .intersection(snapshot.formats(for: client, endpoint?.operation ?? .generate))
        let own = snapshot.table.formatSet([client])
        // A format that no site speaks has an empty set, which every set contains.
        if !own.isEmpty, usable.contains(own) { return client }
        for format in upstream.formats
        where snapshot.codecs[format] != nil && usable.contains(snapshot.table.formatSet([format])) {
            return format
        }
        throw ChannelUnusable(reason: "the channel speaks no format that this request can be sent in")
    }

    /// Lets the platform plugin shape the request into the loop's draft.
    private func prepare(_ instance: PluginInstance, _ upstream: ChannelUpstream) throws {
        let head = connection.head
        try connection.headBytes.withUnsafeReadableBytes { bytes in
            let headers = HeaderView(fields: head.fields, bytes: bytes)
            try Views.with(attempt.format.rawValue, fields.model, attempt.upstreamModel) { format, requested, model in
                var input = AttemptInput(
                    format: format, operation: operationName, baseURL: upstream.baseURL.view,
                    requestedModel: requested, upstreamModel: model, credentialKind: upstream.credentialKind.view)
                input.isStream = fields.stream
                input.bodySize = body.readableBytes
                input.headers = headers
                if let query = head.query { input.query = query.bytes(in: bytes) }
                try instance.prepare(input, into: loop.draft)
            }
        }
    }

    // MARK: - Bodies

    /// The client's own bytes with as few changes as the channel needs, and every other byte untouched.
    private func patchedBody(_ draft: RequestDraft) throws -> ByteBuffer {
        var operations: [JSONPatchOperation] = []
        if attempt.renamesModel {
            operations.append(.set("model", string: attempt.upstreamModel))
        }
        if fields.stream, attempt.format.hasStreamOptions, !clientAskedForUsage {
            attempt.stripsUsage = true
            operations.append(JSONPatchOperation("stream_options", "include_usage", value: Array("true".utf8)))
        }
        operations += try draft.patchOperations()
        if operations.isEmpty { return body }
        var patched: [UInt8] = []
        patched.reserveCapacity(body.readableBytes + 128)
        try body.withUnsafeReadableBytes { try JSONPatch.apply(operations, to: $0, into: &patched) }
        return ByteBuffer(bytes: patched)
    }

    /// Whether the chunk with the usage belongs to the answer that the client expects.
    var clientAskedForUsage: Bool {
        guard let span = fields.streamOptions else { return false }
        return body.withUnsafeReadableBytes { bytes in
            let options = span.bytes(in: bytes)
            guard let found = try? JSONFieldScanner.scanTopLevel(options, names: ["include_usage"]) else {
                return false
            }
            return found[0]?.kind == .true
        }
    }

    private func convertedBody(_ draft: RequestDraft, from client: WireFormat) throws -> ByteBuffer {
        guard let decoder = snapshot.codecs[client], let encoder = snapshot.codecs[attempt.format] else {
            throw ChannelUnusable(reason: "no plugin converts \(client) to \(attempt.format)")
        }
        if canonical.isEmpty {
            losses = LossLedger()
            do throws(PluginError) {
                try body.withUnsafeReadableBytes { raw throws(PluginError) in
                    try decoder.requestToCanonical(raw, codecParameters(), into: &canonical)
                }
            } catch {
                throw GatewayError.invalid(error.sentence)
            }
        }
        var converted: [UInt8] = []
        do throws(PluginError) {
            try canonical.withBytes { raw throws(PluginError) in
                try encoder.requestFromCanonical(raw, codecParameters(), into: &converted)
            }
        } catch {
            throw GatewayError(.unsupportedConversion, error.sentence, status: 400)
        }
        guard !draft.patches.isEmpty else { return ByteBuffer(bytes: converted) }
        var patched: [UInt8] = []
        try converted.withUnsafeBytes { try JSONPatch.apply(draft.patchOperations(), to: $0, into: &patched) }
        return ByteBuffer(bytes: patched)
    }

    /// What the codecs need besides the document.
    func codecParameters(tap: Bool = false) -> CodecParameters {
        var parameters = CodecParameters()
        parameters.stream = fields.stream
        parameters.tap = tap
        parameters.requestedModel = fields.model
        parameters.upstreamModel = attempt.upstreamModel
        parameters.dialect = dialectVersion
        parameters.requestID = requestID
        parameters.createdSeconds = startedAtUnix / 1000
        parameters.request = canonical
        parameters.losses = losses
        return parameters
    }

    /// The version of the format that the client speaks, where the format has several.
    private var dialectVersion: String? {
        dialect == .anthropic ? connection.headerText("anthropic-version") : nil
    }

    // MARK: - Head and body as one buffer

    private func requestBuffer(
        draft: RequestDraft, upstream: ChannelUpstream, body: ByteBuffer
    ) throws -> OutgoingRequest {
        let isLong = body.readableBytes > OutgoingRequest.longestCopy
        var request = try requestHead(
            draft: draft, upstream: upstream, length: body.readableBytes, reserving: isLong ? 0 : body.readableBytes)
        if isLong { return OutgoingRequest(head: request, content: [body]) }
        request.writeImmutableBuffer(body)
        return OutgoingRequest(head: request)
    }

    /// Everything in front of a body of `length` bytes.
    func requestHead(
        draft: RequestDraft, upstream: ChannelUpstream, length: Int, reserving room: Int
    ) throws -> ByteBuffer {
        var request = connection.buffer(capacity: 512 + connection.headBytes.readableBytes + room)
        if draft.method.isEmpty {
            request.writeStaticString("POST ")
        } else {
            draft.withBytes(of: draft.method) { _ = request.writeBytes($0) }
            request.writeStaticString(" ")
        }
        try writeTarget(draft, upstream, into: &request)
        request.writeStaticString(" HTTP/1.1\r\nhost: ")
        request.writeBytes(upstream.hostField)
        request.writeStaticString("\r\n")
        writeForwardedFields(draft: draft, upstream: upstream, into: &request)
        for header in upstream.siteHeaders where !header.name.withUnsafeBytes({ draft.hasHeader($0) }) {
            request.writeField(header.name, header.value)
        }
        for header in draft.headers {
            guard let value = header.value else { continue }
            draft.withBytes(of: header.name) { _ = request.writeBytes($0) }
            request.writeStaticString(": ")
            try write(draft, value, hasSecret: header.hasSecret, escaping: .none, upstream, into: &request)
            request.writeStaticString("\r\n")
        }
        request.writeStaticString("accept-encoding: identity\r\ncontent-length: ")
        request.writeDecimal(length)
        request.writeStaticString("\r\n\r\n")
        return request
    }

    /// The path and query of the URL that the plugin made; the host has checked its origin.
    private func writeTarget(_ draft: RequestDraft, _ upstream: ChannelUpstream, into request: inout ByteBuffer) throws
    {
        let target: Range<Int>? = draft.withBytes(of: draft.url) { url in
            guard let (origin, target, needsSlash) = UpstreamURL.split(url), origin == upstream.origin else {
                return nil
            }
            if needsSlash { request.writeStaticString("/") }
            return target
        }
        guard let target else {
            throw ChannelUnusable(reason: "the plugin gave a URL outside the origin of the site")
        }
        let start = draft.url.lowerBound
        let span = start + target.lowerBound..<start + target.upperBound
        try write(draft, span, hasSecret: true, escaping: .url, upstream, into: &request)
    }

    private func write(
        _ draft: RequestDraft, _ span: Range<Int>, hasSecret: Bool, escaping: SecretTemplate.Escaping,
        _ upstream: ChannelUpstream, into request: inout ByteBuffer
    ) throws {
        try draft.withBytes(of: span) { bytes in
            guard hasSecret, SecretTemplate.hasPlaceholder(bytes) else {
                request.writeBytes(bytes)
                return
            }
            var expanded: [UInt8] = []
            do throws(SecretTemplate.Failure) {
                try SecretTemplate.expand(bytes, escaping: escaping, into: &expanded) { upstream.secrets[$0] }
            } catch {
                throw ChannelUnusable(reason: error.sentence)
            }
            guard !expanded.contains(where: { $0 < 0x20 && $0 != 0x09 || $0 == 0x7f }) else {
                throw ChannelUnusable(reason: "a secret of the account has control characters")
            }
            request.writeBytes(expanded)
        }
    }

    /// The client's headers that mean something to an upstream. Credentials, hop-by-hop fields and what identifies the
    /// client's own account elsewhere stay here; to another format only what every format understands goes along.
    private func writeForwardedFields(draft: RequestDraft, upstream: ChannelUpstream, into request: inout ByteBuffer) {
        let sameFormat = attempt.format == endpoint?.format
        connection.headBytes.withUnsafeReadableBytes { bytes in
            let hopByHop = connection.head.fields.first(.connection)?.bytes(in: bytes)
            for field in connection.head.fields {
                let name = UnsafeRawBufferPointer(rebasing: bytes[field.name.range])
                guard ForwardedFields.toUpstream(field, name: name, sameFormat: sameFormat) else { continue }
                if let hopByHop, ForwardedFields.isListed(name, in: hopByHop) { continue }
                if draft.hasHeader(name) || upstream.hasSiteHeader(name) { continue }
                request.writeBytes(name)
                request.writeStaticString(": ")
                request.writeBytes(bytes[field.value.range])
                request.writeStaticString("\r\n")
            }
        }
    }
}

/// A channel that cannot be asked, through no fault of the client.
struct ChannelUnusable: Error, CustomStringConvertible {
    var reason: String
    var description: String { reason }
}

extension ByteBuffer {
    mutating func writeField(_ name: [UInt8], _ value: [UInt8]) {
        writeBytes(name)
        writeStaticString(": ")
        writeBytes(value)
        writeStaticString("\r\n")
    }
}
