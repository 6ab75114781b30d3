import NIOCore
import PatchbayCore
import PatchbayHost
import PatchbayWire

/// Members of bodies that an upstream refuses and that are left out for it (`sites[].conversion.drop`): servers of the
/// same format that know fewer words than the vendor (formats.md E-45, E-75).
extension Exchange {
    /// The body without them. What was there and goes is a loss, which strict requests are refused for.
    func withoutUnwanted(_ body: ByteBuffer) throws -> ByteBuffer {
        let sent = try body.withUnsafeReadableBytes { raw throws(JSONError) in try JSONValue(parsing: raw) }
        let present = attempt.unwanted.filter { sent[$0] != nil }
        guard !present.isEmpty else { return body }
        if let refused = refusedLoss, refused <= .degrade {
            throw GatewayError(
                .unsupportedConversion, "the upstream does not take \"\(present[0])\"; leave it out", status: 400,
                parameter: present[0])
        }
        losses = losses ?? LossLedger()
        for name in present {
            losses?.append(ConversionLoss(severity: .degrade, code: "dropped.\(name)", path: "/\(name)"))
        }
        var rest: [UInt8] = []
        let operations = present.map { JSONPatchOperation($0, value: nil) }
        try body.withUnsafeReadableBytes { try JSONPatch.apply(operations, to: $0, into: &rest) }
        return ByteBuffer(bytes: rest)
    }
}
