import CPatchbay

/// One attempt of a proxied request, before it is sent. Valid until `prepare` returns; never store it.
public struct Attempt {
    let record: UnsafePointer<pb_attempt>

    /// Wire format of the body to be sent, such as `openai.chat`.
    public var format: ByteView { ByteView(record.pointee.format) }
    /// What is asked of it: `generate`, `count_tokens`, `embed`, `models` …
    public var operation: ByteView { ByteView(record.pointee.operation) }
    /// Of the site, without a trailing slash.
    public var baseURL: ByteView { ByteView(record.pointee.base_url) }
    /// What the client asked for.
    public var requestedModel: ByteView { ByteView(record.pointee.requested_model) }
    /// What this channel calls it.
    public var upstreamModel: ByteView { ByteView(record.pointee.upstream_model) }
    /// `api_key`, `access_token`, `session` …; the host fills in `${secret:NAME}` for the names of the kind.
    public var credentialKind: ByteView { ByteView(record.pointee.credential_kind) }
    /// Query of the client's request without `?`; may be absent.
    public var query: ByteView { ByteView(record.pointee.query) }
    /// Size of the body in bytes.
    public var bodySize: Int { Int(clamping: record.pointee.body_size) }
    /// The caller asked for a stream.
    public var isStream: Bool { record.pointee.flags & UInt32(PB_ATTEMPT_STREAM) != 0 }

    /// A header of the client's request (name in lower case), or the absent view. The values of a header that is there
    /// several times are joined by commas.
    public func header(_ name: StaticString) -> ByteView {
        guard let header = record.pointee.header else { return .absent }
        return name.withUTF8Buffer { ByteView(header(record, pb_str($0))) }
    }
}
