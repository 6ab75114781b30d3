import NIOCore
import PatchbayCore
import PatchbayHost
import PatchbayWire

/// Tokens of answers whose upstream does not report them.
extension Exchange {
    /// Fills in the counters that are missing, and marks them as estimated. Requests of which nothing was answered have
    /// none.
    func estimateMissingUsage(_ outcome: RequestOutcome) {
        switch outcome {
        case .completed: break
        case .truncated, .cancelled: guard attempt.tap.sawContent else { return }
        default: return
        }
        guard attempt.binding?.codec != nil, endpoint?.operation == .generate else { return }
        if usage.output == nil, let output = estimatedOutput() {
            usage.output = UInt64(clamping: output)
            usage.estimated = true
        }
        if usage.input == nil, let input = estimatedInput() {
            usage.input = UInt64(clamping: input)
            usage.estimated = true
        }
    }

    /// What the model got to read.
    func estimatedInput() -> Int? {
        makeCanonicalForBridge()
        return canonical.isEmpty ? nil : TokenEstimate.request(canonical)
    }

    private func estimatedOutput() -> Int? {
        if let tokens = attempt.answerTokens { return tokens }
        if attempt.tap.contentBytes > 0 { return max(1, attempt.tap.contentBytes / TokenEstimate.bytesPerToken) }
        if attempt.splitter != nil { return max(attempt.tap.sawContent ? 1 : 0, attempt.frameSizes.tokens) }
        guard let codec = attempt.binding?.codec, attempt.collected.readableBytes > 0 else { return nil }
        var middle: [UInt8] = []
        do throws(PluginError) {
            try attempt.collected.withUnsafeReadableBytes { raw throws(PluginError) in
                try codec.responseToCanonical(raw, codecParameters(), into: &middle)
            }
        } catch {
            return nil
        }
        return TokenEstimate.response(middle)
    }
}
