internal import CPatchbay

/// ``CodecParameters`` of a call for which nothing has to be converted, as views: they are valid during the call, and
/// nothing is copied for it. Empty views are absent.
package struct CodecViews {
    /// The exchange is a stream.
    package var stream = false
    package var requestedModel = UnsafeRawBufferPointer(start: nil, count: 0)
    package var upstreamModel = UnsafeRawBufferPointer(start: nil, count: 0)
    /// Version of the format where it has several.
    package var dialect = UnsafeRawBufferPointer(start: nil, count: 0)
    package var requestID = UnsafeRawBufferPointer(start: nil, count: 0)
    /// Seconds since 1970.
    package var createdSeconds: Int64 = 0

    package init() {}

    var record: pb_codec_parameters {
        pb_codec_parameters(
            size: UInt32(MemoryLayout<pb_codec_parameters>.size), flags: stream ? PB_CODEC_STREAM : 0,
            requested_model: Self.view(requestedModel), upstream_model: Self.view(upstreamModel),
            dialect: Self.view(dialect), request_id: Self.view(requestID), created_s: UInt64(max(createdSeconds, 0)),
            profile_json: .absent, request_json: .absent, ctx: nil, loss: nil, error: nil)
    }

    private static func view(_ bytes: UnsafeRawBufferPointer) -> pb_str {
        bytes.isEmpty ? .absent : pb_str(bytes)
    }
}
