import Logging
import NIOCore
import PatchbayCore
import PatchbayStore

/// Questions to what the gateway keeps. The stores answer on threads of their own; nothing here waits for them.
extension Exchange {
    /// Asks a store and goes on here with its answer, unless the client has left meanwhile.
    ///
    /// - Parameters:
    ///   - kept: What the store keeps, in the plural.
    ///   - then: called on the event loop of the exchange.
    func ask<Value: Sendable>(
        for kept: StaticString, _ question: (@escaping @Sendable (Result<Value, StoreError>) -> Void) -> Void,
        then: @escaping (Value) throws(GatewayError) -> Void
    ) {
        state = .looking
        lookup += 1
        lookedAt = loop.now
        let mine = lookup
        let eventLoop = loop.eventLoop
        let here = NIOLoopBound((exchange: self, then: then), eventLoop: eventLoop)
        question { result in
            eventLoop.execute {
                let (exchange, then) = here.value
                guard exchange.state == .looking, exchange.lookup == mine else { return }
                exchange.looked(kept, result, then)
            }
        }
    }

    private func looked<Value>(
        _ kept: StaticString, _ result: Result<Value, StoreError>, _ then: (Value) throws(GatewayError) -> Void
    ) {
        state = .receiving
        loop.noteTime()
        do throws(GatewayError) {
            // The configuration may have changed meanwhile, and who asks may have been locked out.
            try adoptSnapshotWithBody()
            switch result {
            case .success(let value): try then(value)
            case .failure(let error):
                loop.logger.warning(
                    "what is kept cannot be read", metadata: ["kept": "\(kept)", "reason": "\(error.sentence)"])
                throw GatewayError(
                    .storeUnavailable, "the \(kept) that this gateway keeps cannot be used at the moment", status: 503)
            }
        } catch {
            answerLocally(error, beforeBody: false)
        }
    }
}
