import CPatchbay

/// What a conversion needs besides the document. Valid until the function that received it returns.
public struct ConversionParameters {
    let record: UnsafePointer<pb_codec_parameters>

    /// The exchange is a stream.
    public var isStream: Bool { has(PB_CODEC_STREAM) }
    /// Decoder: only start, usage, finish, error and end are wanted; the host forwards the bytes themselves.
    public var isTap: Bool { has(PB_CODEC_TAP) }
    /// A loss of ``LossSeverity/semantic`` or worse will be refused; the codec may throw
    /// ``PluginError/Code/unsupported``.
    public var isStrict: Bool { has(PB_CODEC_STRICT) }
    /// Name the client used.
    public var requestedModel: ByteView { ByteView(record.pointee.requested_model) }
    /// Name this channel uses.
    public var upstreamModel: ByteView { ByteView(record.pointee.upstream_model) }
    /// Version of the format where it has several; may be absent.
    public var dialect: ByteView { ByteView(record.pointee.dialect) }
    /// Unique per request; the base of every id that the codec mints.
    public var requestID: ByteView { ByteView(record.pointee.request_id) }
    /// Seconds since 1970, for documents that carry a time.
    public var createdSeconds: UInt64 { record.pointee.created_s }
    /// Capability profile of the upstream model; may be absent.
    public var profileJSON: ByteView { ByteView(record.pointee.profile_json) }
    /// For answers: the canonical request that is answered; may be absent.
    public var requestJSON: ByteView { ByteView(record.pointee.request_json) }

    /// Records that something could not be carried over.
    ///
    /// - Parameters:
    ///   - code: a short stable word such as `sampling.top_k`.
    ///   - path: a JSON pointer into the source document.
    public func recordLoss(_ severity: LossSeverity, _ code: String, path: String) {
        guard let loss = record.pointee.loss else { return }
        withView(code) { code in withView(path) { loss(record, severity.rawValue, code, $0) } }
    }

    private func has(_ flag: some BinaryInteger) -> Bool { record.pointee.flags & UInt32(flag) != 0 }
}
