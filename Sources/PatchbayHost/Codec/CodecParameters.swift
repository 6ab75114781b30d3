internal import CPatchbay
internal import PatchbayCore
internal import Synchronization

/// Something that a conversion could not carry over.
package struct ConversionLoss: Sendable, Hashable {
    /// The numbers are those of `PB_LOSS_` in `patchbay/codec.h`.
    package enum Severity: UInt32, Sendable, Hashable, Comparable {
        case info = 1
        case degrade = 2
        case semantic = 3
        case fatal = 4

        package static func < (left: Severity, right: Severity) -> Bool { left.rawValue < right.rawValue }
    }

    package var severity: Severity
    /// A short stable word, such as `sampling.top_k`.
    package var code: String
    /// A JSON pointer into the source document.
    package var path: String

    package init(severity: Severity, code: String, path: String) {
        self.severity = severity
        self.code = code
        self.path = path
    }
}

/// The losses of one exchange. Not for use by two threads at once.
package final class LossLedger {
    package private(set) var losses: [ConversionLoss] = []
    /// Losses beyond this many are counted only.
    package static let limit = 64
    package private(set) var dropped = 0

    package init() {}

    package func append(_ loss: ConversionLoss) {
        guard !losses.contains(loss) else { return }
        if losses.count < Self.limit { losses.append(loss) } else { dropped += 1 }
    }

    package var worst: ConversionLoss.Severity? { losses.map(\.severity).max() }
}

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
    /// For answers: the canonical request that is answered; empty = absent.
    package var request: [UInt8] = []
    /// Collects losses; nil = they are not wanted.
    package var losses: LossLedger?

    package init() {}

    func withRecord<Result>(_ body: (UnsafePointer<pb_codec_parameters>) -> Result) -> Result {
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
                                    loss: losses == nil ? nil : Self.record)
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
        ledger.append(ConversionLoss(severity: severity, code: code.text, path: path.text))
    }
}
