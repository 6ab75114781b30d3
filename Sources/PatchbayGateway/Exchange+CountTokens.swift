import Logging
import NIOCore
import PatchbayCore
import PatchbayHost
import PatchbayRouting
import PatchbayWire

/// `POST /v1/messages/count_tokens`: asked of an upstream that can count, else estimated.
///
/// Nothing is generated and nothing is charged, so there is no record in the ledger. An estimate says so among the
/// warnings; the body has nothing but the number, because that is all the format allows.
extension Exchange {
    /// Plans only channels that speak the client's own format; the others cannot count for it.
    func countTokens() throws(GatewayError) {
        let route = try findRoute()
        guard let binding else { return }
        adopt(route)
        // A number is never streamed, whatever the body says.
        fields.stream = false
        let outcome = Router.plan(
            route, in: snapshot.table, formats: binding.own, health: loop.health, now: startedAt,
            random: &loop.random, into: &plan)
        planPosition = 0
        state = .waiting
        guard outcome == .ready, !binding.own.isEmpty else { return answerEstimatedCount() }
        nextAttempt()
    }

    /// The answer of the upstream that counts; anything but a number is replaced by an estimate.
    func countReceived() {
        let isCount = attempt.collected.withUnsafeReadableBytes { bytes in
            let found = try? JSONFieldScanner.scanTopLevel(bytes, names: ["input_tokens"])
            return found?[0]?.kind == .number
        }
        guard (200..<300).contains(attempt.status), isCount else { return countFailed() }
        finishAttempt(fault: .none, reason: "")
        sendDocument(attempt.collected)
    }

    /// A mistake of the client is the client's; whatever else went wrong, the count is estimated. Nobody rests for it:
    /// sites that generate well often cannot count.
    func countFailed() {
        finishAttempt(fault: .endpoint, reason: "the upstream does not count tokens")
        if attempt.status == 400 || attempt.status == 413, attempt.collected.readableBytes > 0,
            judge(.answer(sentence: "")).fault == .client
        {
            return sendErrorDocument(attempt.collected, status: attempt.status)
        }
        answerEstimatedCount()
    }

    func answerEstimatedCount() {
        guard let count = estimatedInput() else {
            return answerLocally(readingError(), beforeBody: false)
        }
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("input_tokens")
        writer.number(count)
        writer.endObject()
        answer(writer.bytes, warning: "usage.estimated;info")
    }

    /// Why the client's request cannot be read.
    private func readingError() -> GatewayError {
        guard let codec = binding?.codec else {
            return GatewayError(.notImplemented, "no plugin can read this request to count its tokens", status: 501)
        }
        do throws(PluginError) {
            try readCanonical(with: codec)
        } catch {
            return .invalid(error.sentence)
        }
        return .invalid("the request has nothing to count")
    }
}
