import NIOCore
import PatchbayCore
import PatchbayStore
import PatchbayWire

/// Requests that name files which the gateway keeps: before anything else happens to them, the contents take the place
/// of the names, so that every upstream, of every format, gets what it could have been sent at once.
extension Exchange {
    /// Whether the request names such files; it goes on by itself when they have been read.
    func waitsForFiles(_ files: FileStore) throws(GatewayError) -> Bool {
        guard let format = endpoint?.filesFormat, let owner = key?.key.name else { return false }
        let bodies = fileBodies
        guard bodies.contains(where: { $0.withUnsafeReadableBytes(FileReferences.mayBe) }) else { return false }
        let limit = snapshot.policies.ceiling.body
        ask(
            for: "files",
            { answer in
                files.use(
                    owner: owner,
                    { reader throws(StoreError) in
                        try FileInlining.outcome(
                            bodies.map { Array($0.readableBytesView) }, format: format, limit: limit, reader: reader)
                    }, answer)
            },
            then: { [self] (outcome: FileInlining.Outcome) throws(GatewayError) in
                switch outcome {
                case .refused(let error): throw error
                case .bodies(let bodies): take(bodies)
                }
                if responses == nil { try dispatch() } else { try answerResponse() }
            })
        return true
    }

    /// The body, and what stands for it where the conversation is kept elsewhere.
    private var fileBodies: [ByteBuffer] {
        [body] + (responses.map { [$0.original, $0.portable].compactMap { $0 } } ?? [])
    }

    private func take(_ bodies: [[UInt8]?]) {
        guard let changed = bodies.first else { return }
        if let turn = responses, turn.input == nil {
            // What is kept of the conversation goes on naming its files.
            let source = turn.original ?? body
            responses?.input = source.withUnsafeReadableBytes { ResponsesConversation.input(of: $0) }
        }
        if let changed { body = ByteBuffer(bytes: changed) }
        var rest = bodies.dropFirst()
        if responses?.original != nil, let original = rest.popFirst() ?? nil {
            responses?.original = ByteBuffer(bytes: original)
        }
        if responses?.portable != nil, let portable = rest.popFirst() ?? nil {
            responses?.portable = ByteBuffer(bytes: portable)
        }
    }
}

extension Endpoint {
    /// The format in which a request may name files; nil if it cannot.
    var filesFormat: WireFormat? {
        switch self {
        case .inputTokens: .openAIResponses
        default: format
        }
    }
}
