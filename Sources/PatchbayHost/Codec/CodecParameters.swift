internal import CPatchbay
internal import PatchbayCore
internal import Synchronization

/// What a conversion needs besides the document.
package struct CodecParameters {
    /// The exchange is a stream.
    package var stream = false
    /// Decoder: only what accounting needs is wanted; the bytes themselves are forwarded by the host.
    package var tap = false
    /// A semantic loss will be refused, so the codec may stop early.
    package var strict = false
    package var requestedModel = ""
    package var upstreamModel = ""
    /// Version of the format where it has several; nil = absent.
    package var dialect: String?
    /// Unique per request; the base of every id that the codec mints.
    package var requestID = ""
    /// Seconds since 1970.
    package var createdSeconds: Int64 = 0
    /// Capability profile of the upstream model, JSON; empty = absent.
    package var profile: [UInt8] = []
    /// For answers: the canonical request that is answered, with `turns` empty; empty = absent.
    package var request: [UInt8] = []
    /// Collects losses; nil = they are not wanted.
    package var losses: LossLedger?

    package init() {}

    /// - Parameter error: where functions without an error argument of their own write a sentence.
    func withRecord<Result>(
        error: UnsafePointer<pb_sink>? = nil, _ body: (UnsafePointer<pb_codec_parameters>) -> Result
    ) -> Result {
        var requested = requestedModel
        var upstream = upstreamModel
        var dialect = dialect ?? ""
        var requestID = requestID
        return requested.withUTF8 { requested in
            upstream.withUTF8 { upstream in
                dialect.withUTF8 { dialect in
                    requestID.withUTF8 { requestID in
                        profile.withUnsafeBytes { profile in
                            request.withUnsafeBytes { request in
                                var record = pb_codec_parameters(
                                    size: UInt32(MemoryLayout<pb_codec_parameters>.size), flags: flags,
                                    requested_model: Self.view(requested), upstream_model: Self.view(upstream),
                                    dialect: Self.view(dialect), request_id: Self.view(requestID),
                                    created_s: UInt64(max(createdSeconds, 0)), profile_json: Self.view(profile),
                                    request_json: Self.view(request), ctx: context,
                                    loss: losses == nil ? nil : Self.record, error: error)
                                return withUnsafePointer(to: &record, body)
                            }
                        }
                    }
                }
            }
        }
    }

    private var flags: UInt32 {
        (stream ? PB_CODEC_STREAM : 0) | (tap ? PB_CODEC_TAP : 0) | (strict ? PB_CODEC_STRICT : 0)
    }

    private var context: UnsafeMutableRawPointer? {
        losses.map { Unmanaged.passUnretained($0).toOpaque() }
    }

    private static func view(_ bytes: UnsafeBufferPointer<UInt8>) -> pb_str {
        view(UnsafeRawBufferPointer(bytes))
    }

    private static func view(_ bytes: UnsafeRawBufferPointer) -> pb_str {
        bytes.isEmpty ? .absent : pb_str(bytes)
    }

    private static let record: @convention(c) (UnsafePointer<pb_codec_parameters>?, UInt32, pb_str, pb_str) -> Void = {
        parameters, severity, code, path in
        guard let context = parameters?.pointee.ctx else { return }
        let ledger = Unmanaged<LossLedger>.fromOpaque(context).takeUnretainedValue()
        let severity = ConversionLoss.Severity(rawValue: severity) ?? .semantic
        ledger.append(
            ConversionLoss(
                severity: severity, code: ConversionLoss.code(code.bytes), path: ConversionLoss.path(path.bytes)))
    }
}
