import NIOCore
import PatchbayCore
import PatchbayHost
import PatchbayRouting
import PatchbayWire

/// `/v1/responses/compact` where no channel of the route has it: the model is asked for a summary, which the client
/// gets sealed and which becomes a message again when it comes back (formats.md section 2.2).
extension Exchange {
    /// Why a channel of another format is passed over.
    static let cannotCompact = "the channel cannot compact conversations"

    /// What the client gets instead of the response that the model makes.
    struct EmulatedCompaction {
        var kept: [JSONValue]
    }

    /// Asks for a summary instead, if nothing but the lack of the endpoint was in the way. False if it was not, or if
    /// this cannot be done here.
    func emulatesCompaction() -> Bool {
        guard endpoint == .compaction, state == .waiting, loop.sealing != nil, !attempts.isEmpty,
            attempts.allSatisfy(lacksEndpoint),
            let request = body.withUnsafeReadableBytes({ CompactionRequest($0) })
        else { return false }
        if let refused = refusedLoss, refused <= .semantic {
            lastError = GatewayError(
                .unsupportedConversion,
                "no channel compacts conversations of this model, and in strict mode no summary takes its place",
                status: 400)
            return false
        }
        endpoint = .responses
        // The next request with this head is one for the endpoint that it names.
        knownSerial = -1
        body = ByteBuffer(bytes: request.body)
        responses = ResponsesTurn(compacting: EmulatedCompaction(kept: request.kept))
        canonical = []
        lossesOfReading = nil
        attempt = AttemptState()
        unsupported = []
        governed.chances = []
        lastError = nil
        do throws(GatewayError) {
            // The places of fields in the body are others now.
            adopt(try findRoute())
            switch try makePlan() {
            case .planned: nextAttempt()
            case .waiting: break
            case .unserved: throw unservedError
            }
        } catch {
            lastError = error
            answerLastError()
        }
        return true
    }

    /// Whether an attempt shows that its channel has no such endpoint.
    private func lacksEndpoint(_ attempt: AttemptRecord) -> Bool {
        attempt.fault == Fault.endpoint.name || attempt.reason == Exchange.cannotCompact
            || [404, 405, 501].contains(attempt.status)
    }

    /// Says in the answer that a summary stands for the conversation.
    func noteEmulatedCompaction() {
        losses = losses ?? LossLedger()
        losses?.append(ConversionLoss(severity: .semantic, code: "compaction.emulated", path: "/input"))
    }

    /// The document for the client; the response itself, unless it is a summary.
    func finalDocument(_ document: ByteBuffer) throws(PluginError) -> ByteBuffer {
        guard let compaction = responses?.compaction, let sealing = loop.sealing, let owner = key?.key.name else {
            return document
        }
        let response = Array(document.readableBytesView)
        guard let summary = CompactionAnswer.summary(of: response),
            let sealed = try? CompactionSeal(key: sealing, owner: owner).sealed(summary)
        else { throw PluginError(.protocolViolation, "the model has written no complete summary") }
        return ByteBuffer(
            bytes: CompactionAnswer.document(
                compaction.kept, sealed: sealed, response: response, requestID: requestID,
                created: startedAtUnix / 1000))
    }

    /// Puts messages in the place of compactions that this gateway has made.
    func openCompactions() throws(GatewayError) {
        guard let turn = responses, turn.hasCompaction || turn.refersBack || turn.conversation != nil,
            let sealing = loop.sealing, let owner = key?.key.name
        else { return }
        let seal = CompactionSeal(key: sealing, owner: owner)
        func opened(_ bytes: ByteBuffer) throws(GatewayError) -> ByteBuffer {
            let plain = try bytes.withUnsafeReadableBytes { raw throws(GatewayError) in try seal.opened(raw) }
            return plain.map { ByteBuffer(bytes: $0) } ?? bytes
        }
        body = try opened(body)
        if let portable = turn.portable { responses?.portable = try opened(portable) }
        if let original = turn.original { responses?.original = try opened(original) }
    }
}

extension ResponsesTurn {
    /// The request for a summary: nobody refers to it later.
    init(compacting compaction: Exchange.EmulatedCompaction) {
        keeps = false
        self.compaction = compaction
    }
}
