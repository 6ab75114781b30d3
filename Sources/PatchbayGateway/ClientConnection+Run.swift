import NIOCore
import PatchbayWire

/// A connection without a client, for a response in the background.
extension ClientConnection {
    /// The answer is complete: nobody but the store hears of it.
    func runEnded() {
        guard let run, phase != .closed else { return }
        // Who finds nobody at work any more finds what was kept.
        run.ended()
        loop.runs.remove(run.id, owner: run.owner)
        exchange.release()
        leaveRun()
    }

    /// Ends the request in progress. The response as it is then; nil if it is complete already.
    func cancelRun() -> [UInt8]? {
        guard let run, phase == .answering else { return nil }
        loop.noteTime()
        exchange.clientLeft()
        let document = run.cancelled()
        loop.runs.remove(run.id, owner: run.owner)
        leaveRun()
        return document
    }
}

// MARK: - Header fields

extension ClientConnection {
    /// The value of a header by its name in lower case, as bytes of the head; valid while the request is in progress.
    func headerText(_ name: StaticString) -> String? {
        headBytes.withUnsafeReadableBytes { bytes in
            head.fields.first(named: name, in: bytes).map { String(decoding: bytes[$0.range], as: UTF8.self) }
        }
    }
}
