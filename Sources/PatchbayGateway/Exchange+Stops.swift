import NIOCore
import PatchbayCore
import PatchbayHost
import PatchbayWire

/// Stop sequences that the upstream's format cannot say: the gateway ends the answer itself (formats.md row R10).
extension Exchange {
    /// Takes a loss of stop sequences upon itself: what the upstream does not stop at, the gateway cuts.
    func takeOverStops() {
        guard let losses, losses.contains("sampling.stop") else { return }
        attempt.stops = canonicalStops()
        guard !attempt.stops.isEmpty else { return }
        losses.replace("sampling.stop", with: ConversionLoss(severity: .info, code: "sampling.stop", path: ""))
    }

    private func canonicalStops() -> [String] {
        canonical.withUnsafeBytes { bytes in
            var tape = JSONTape()
            guard (try? tape.parse(bytes)) != nil, let list = tape.member(tape.root, path: "sampling", "stop") else {
                return []
            }
            var stops: [String] = []
            for item in tape.elements(of: list) {
                if let text = tape.string(item), !text.isEmpty { stops.append(text) }
            }
            return stops
        }
    }

    /// What events go to: `consumer`, after the stop sequences that nobody else looks for.
    func stopping(_ consumer: EventConsumer?) -> EventConsumer? {
        guard !attempt.stops.isEmpty, let consumer else { return consumer }
        let cutter = StopCutter(attempt.stops, next: consumer)
        attempt.cutter = cutter
        return cutter
    }

    /// A canonical answer up to the first stop sequence.
    func stopped(_ canonical: [UInt8]) -> [UInt8] {
        attempt.stops.isEmpty ? canonical : StopCutter.cut(canonical, at: attempt.stops)
    }

    /// A stop sequence has come: the answer is complete, the upstream need not go on.
    func streamCut(_ output: [UInt8], _ deliver: ([UInt8]) -> Void) {
        attempt.tap.ended = true
        attempt.tap.clean = true
        attempt.tap.error = nil
        dropUpstream()
        deliver(output)
        if state == .streaming { finishStream() }
    }
}
