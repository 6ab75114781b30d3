internal import CPatchbay
internal import PatchbayCore

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

extension PluginInstance {
    /// Shapes a request. Runs on any thread, also on an event loop, and allocates nothing beyond what `draft` needs.
    ///
    /// - Throws: ``PluginError`` with a sentence; the channel is to be skipped. Code `denied` if the plugin chose an
    ///   origin that is neither the site's nor declared in its manifest.
    package func prepare(_ input: AttemptInput, into draft: RequestDraft) throws(PluginError) {
        draft.removeAll()
        guard let prepare = plugin.module.upstream?.prepare else {
            throw PluginError(.unsupported, "The plugin \(pluginID) is no platform adapter.")
        }
        var sentence = ByteSink(limit: 4096)
        let status = Self.withAttempt(input) { attempt in
            var builder = pb_request_builder(
                size: UInt32(MemoryLayout<pb_request_builder>.size), reserved: 0,
                ctx: Unmanaged.passUnretained(draft).toOpaque(), set_url: RequestBuilding.setURL,
                set_method: RequestBuilding.setMethod, set_header: RequestBuilding.setHeader,
                patch: RequestBuilding.patch)
            return sentence.withSink { prepare(handle, attempt, &builder, $0) }
        }
        guard status == Status.ok else {
            throw PluginError(status: status, sink: sentence, doing: "prepare the request", plugin: pluginID)
        }
        guard !draft.url.isEmpty else {
            throw PluginError(.internalDefect, "The plugin \(pluginID) prepared a request without a URL.")
        }
        try checkOrigin(of: draft, baseURL: input.baseURL)
    }

    /// Judges an outcome. Runs on any thread, also on an event loop.
    ///
    /// - Returns: nil if the plugin leaves the judgement to the host's own table.
    package func classify(_ input: OutcomeInput) -> Verdict? {
        guard let classify = plugin.module.upstream?.classify else { return nil }
        var verdict = pb_verdict()
        verdict.size = UInt32(MemoryLayout<pb_verdict>.size)
        var sentence = ByteSink(limit: 4096)
        let status = Self.withOutcome(input) { outcome in
            sentence.withSink { classify(handle, outcome, &verdict, $0) }
        }
        guard status == Status.ok, let fault = UInt8(exactly: verdict.fault).flatMap(Fault.init(rawValue:)) else {
            return nil
        }
        let retry = UInt8(exactly: verdict.retry).flatMap(RetryScope.init(rawValue:)) ?? .none
        return Verdict(
            fault: fault, retry: retry, cooldownMilliseconds: Int(clamping: verdict.cooldown_ms),
            retryAfterMilliseconds: Int(clamping: verdict.retry_after_ms),
            disablesCredential: verdict.flags & PB_VERDICT_DISABLE_CREDENTIAL != 0,
            wantsLogin: verdict.flags & PB_VERDICT_LOGIN_AGAIN != 0, reason: sentence.sentence ?? "")
    }

    // MARK: - Records

    /// What `ctx` of an attempt or an outcome points to.
    private struct HeaderFrame {
        unowned(unsafe) let source: any HeaderSource

        static func value(_ context: UnsafeMutableRawPointer?, _ name: pb_str) -> pb_str {
            guard let context else { return .absent }
            return pb_str(
                context.assumingMemoryBound(to: HeaderFrame.self).pointee.source.headerValue(named: name.bytes))
        }
    }

    private static func withFrame<Result>(
        _ headers: (any HeaderSource)?, _ body: (UnsafeMutableRawPointer?) -> Result
    ) -> Result {
        guard let headers else { return body(nil) }
        var frame = HeaderFrame(source: headers)
        return withExtendedLifetime(headers) {
            withUnsafeMutablePointer(to: &frame) { body(UnsafeMutableRawPointer($0)) }
        }
    }

    private static func withAttempt<Result>(
        _ input: AttemptInput, _ body: (UnsafePointer<pb_attempt>) -> Result
    ) -> Result {
        withFrame(input.headers) { context in
            var attempt = pb_attempt(
                size: UInt32(MemoryLayout<pb_attempt>.size), flags: input.isStream ? PB_ATTEMPT_STREAM : 0,
                format: pb_str(input.format), operation: pb_str(input.operation), base_url: pb_str(input.baseURL),
                requested_model: pb_str(input.requestedModel), upstream_model: pb_str(input.upstreamModel),
                credential_kind: pb_str(input.credentialKind), query: pb_str(input.query),
                body_size: UInt64(max(input.bodySize, 0)), ctx: context,
                header: { attempt, name in HeaderFrame.value(attempt?.pointee.ctx, name) })
            return withUnsafePointer(to: &attempt, body)
        }
    }

    private static func withOutcome<Result>(
        _ input: OutcomeInput, _ body: (UnsafePointer<pb_outcome>) -> Result
    ) -> Result {
        withFrame(input.headers) { context in
            let excerpt = UnsafeRawBufferPointer(rebasing: input.body.prefix(65_536))
            var outcome = pb_outcome(
                size: UInt32(MemoryLayout<pb_outcome>.size), flags: 0, http_status: UInt32(clamping: input.httpStatus),
                transport: input.transport.rawValue, format: pb_str(input.format), operation: pb_str(input.operation),
                body: input.body.baseAddress == nil ? .absent : pb_str(excerpt),
                bytes_to_client: UInt64(max(input.bytesToClient, 0)), ctx: context,
                header: { outcome, name in HeaderFrame.value(outcome?.pointee.ctx, name) })
            return withUnsafePointer(to: &outcome, body)
        }
    }

    // MARK: - Origin

    /// Credentials go to the site's own origin or to one that the manifest declares.
    private func checkOrigin(of draft: RequestDraft, baseURL: UnsafeRawBufferPointer) throws(PluginError) {
        if Self.isBelow(draft.bytes(of: draft.url), baseURL) { return }
        let text = draft.text(draft.url)
        let base = URLOrigin(String(decoding: baseURL, as: UTF8.self))
        guard let origin = URLOrigin(text) else {
            throw PluginError(.invalid, "The plugin \(pluginID) prepared a URL that is not absolute http or https.")
        }
        guard origin == base || origins.contains(origin) else {
            throw PluginError(
                .denied,
                "The plugin \(pluginID) wants to send to \(origin.scheme)://\(origin.host):\(origin.port), which is "
                    + "neither the site's origin nor declared in its manifest.")
        }
    }

    /// The usual case without allocation: the URL continues the base URL.
    private static func isBelow(_ url: UnsafeRawBufferPointer, _ base: UnsafeRawBufferPointer) -> Bool {
        guard base.count >= 8, url.count > base.count, let start = url.baseAddress, let baseStart = base.baseAddress,
            memcmp(start, baseStart, base.count) == 0
        else { return false }
        let following = url[base.count]
        return following == 0x2f || following == 0x3f
    }
}

/// The functions of `pb_request_builder`; its `ctx` is a ``RequestDraft``.
private enum RequestBuilding {
    private static func draft(_ builder: UnsafePointer<pb_request_builder>?) -> RequestDraft? {
        guard let context = builder?.pointee.ctx else { return nil }
        return Unmanaged<RequestDraft>.fromOpaque(context).takeUnretainedValue()
    }

    static let setURL: @convention(c) (UnsafePointer<pb_request_builder>?, pb_str) -> pb_status = {
        draft($0)?.setURL($1.bytes) ?? Status.invalid
    }
    static let setMethod: @convention(c) (UnsafePointer<pb_request_builder>?, pb_str) -> pb_status = {
        draft($0)?.setMethod($1.bytes) ?? Status.invalid
    }
    static let setHeader: @convention(c) (UnsafePointer<pb_request_builder>?, pb_str, pb_str) -> pb_status = {
        draft($0)?.setHeader($1.bytes, $2.bytes) ?? Status.invalid
    }
    static let patch: @convention(c) (UnsafePointer<pb_request_builder>?, pb_str, pb_str) -> pb_status = {
        draft($0)?.addPatch($1.bytes, $2.bytes) ?? Status.invalid
    }
}
