import NIOCore
import PatchbayHost
import PatchbayWire

/// One more try without sealed reasoning that the upstream cannot open (formats.md section 3.6, E-59 and E-69).
///
/// Such state is bound to a provider, an account or a model. A conversation that was routed elsewhere, or that was
/// begun elsewhere, brings state along that makes the upstream refuse the whole request.
extension Exchange {
    /// Whether the attempt failed for that reason and the request goes out again without the reasoning.
    func retriesWithoutReasoning() -> Bool {
        guard !dropsReasoning, state == .waiting, mayAskAgain, [400, 404, 422].contains(attempt.status),
            isReasoningRefused(),
            let client = endpoint?.format, let decoder = snapshot.codecs[client], snapshot.codecs[attempt.format] != nil
        else { return false }
        do throws(PluginError) {
            try readCanonical(with: decoder)
        } catch {
            return false
        }
        guard let stripped = SealedReasoning.stripped(canonical) else { return false }
        canonical = stripped
        dropsReasoning = true
        lossesOfReading = lossesOfReading ?? LossLedger()
        lossesOfReading?.append(ConversionLoss(severity: .semantic, code: "reasoning.refused", path: "/turns"))
        return true
    }

    private func isReasoningRefused() -> Bool {
        guard let codec = snapshot.codecs[attempt.format] else { return false }
        var middle: [UInt8] = []
        let read: Void? = try? attempt.collected.withUnsafeReadableBytes { raw in
            try codec.errorToCanonical(status: attempt.status, raw, codecParameters(), into: &middle)
        }
        guard read != nil, let error = try? JSONValue(parsing: middle) else { return false }
        return error["category"] == "invalid_reasoning_state"
    }
}

/// Takes reasoning that a provider sealed out of a canonical request.
enum SealedReasoning {
    /// The request without it; nil if it has none.
    static func stripped(_ canonical: [UInt8]) -> [UInt8]? {
        guard var document = try? JSONValue(parsing: canonical), let turns = document["turns"]?.arrayValue else {
            return nil
        }
        var isChanged = false
        document["turns"] = .array(
            turns.map { turn in
                guard let parts = turn["parts"]?.arrayValue, parts.contains(where: isSealed) else { return turn }
                isChanged = true
                var turn = turn
                turn["parts"] = .array(parts.filter { !isSealed($0) })
                return turn
            })
        return isChanged ? document.serialised() : nil
    }

    private static func isSealed(_ part: JSONValue) -> Bool {
        part["k"] == "reasoning_redacted" || part["k"] == "reasoning" && part["opaque"] != nil
    }
}
