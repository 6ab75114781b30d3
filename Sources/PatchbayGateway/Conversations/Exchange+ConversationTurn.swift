import Logging
import NIOCore
import PatchbayCore
import PatchbayStore
import PatchbayWire

/// Requests for a response that belongs to a conversation: what was said in it stands before their items, and what they
/// and their answer say is added when the answer is there.
extension Exchange {
    func beginResponse(in conversation: String, _ turn: ResponsesTurn) throws(GatewayError) {
        guard let owner = key?.key.name, let store = loop.responses else {
            throw .conversationNotFound(conversation, parameter: "conversation")
        }
        let sent = Array(body.readableBytesView)
        let references = turn.references
        typealias Answer = @Sendable (Result<ResponsesConversation.Outcome?, StoreError>) -> Void
        ask(
            for: "conversations",
            { (answer: @escaping Answer) in
                store.recall(conversation: conversation, items: references, owner: owner) { result in
                    answer(
                        result.map { found in
                            found.map { ResponsesConversation.outcome($0, references, body: sent) }
                        })
                }
            }
        ) { [self] outcome throws(GatewayError) in
            switch outcome {
            case nil, .previousMissing?: throw .conversationNotFound(conversation, parameter: "conversation")
            case .itemMissing(let id)?: throw .itemNotFound(id)
            case .full?: throw .conversationTooLarge
            case .composed(let composed)?: take(composed)
            }
            try goOn()
        }
    }

    /// Adds what the request and its answer say. It is on its way to the store before the client can ask for it.
    func append(input: [UInt8], response: [UInt8], to conversation: String, owner: String, in store: ResponseStore) {
        let output = response.withUnsafeBytes { raw in
            (try? JSONFieldScanner.scanTopLevel(raw, names: ["output"]))?[0].map { Array($0.span.bytes(in: raw)) }
        }
        let items =
            Self.items(of: input, id: requestID) + Self.items(of: output ?? [], id: requestID + "_answer")
        guard !store.append(items, to: conversation, owner: owner) else { return }
        loop.logger.warning("an answer is missing in its conversation, the store is behind")
    }

    private static func items(of list: [UInt8], id: String) -> [ConversationItem] {
        let values = (try? JSONValue(parsing: list))?.arrayValue ?? []
        return values.enumerated().compactMap { index, value in
            guard let members = value.objectValue else { return nil }
            let name = ResponsesInputPage.id(of: members, or: "\(id)_\(index)")
            return ConversationItem(id: name, item: value.serialised())
        }
    }
}

/// The member by which a response names its conversation. Upstreams do not know of it.
enum ConversationEcho {
    static func operation(_ id: String, in parent: String? = nil) -> JSONPatchOperation {
        let value = JSONValue.object(["id": .string(id)]).serialised()
        return parent.map { JSONPatchOperation($0, "conversation", value: value) }
            ?? JSONPatchOperation("conversation", value: value)
    }

    /// The document of a response with its conversation; as it was, if it is no JSON object.
    static func document(_ response: some Collection<UInt8>, _ id: String) -> [UInt8] {
        let response = Array(response)
        var named: [UInt8] = []
        do {
            try response.withUnsafeBytes { try JSONPatch.apply([operation(id)], to: $0, into: &named) }
            return named
        } catch {
            return response
        }
    }

    /// Whole frames of a stream; those with a response get its conversation.
    static func frames(_ frames: [UInt8], _ id: String) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(frames.count + 256)
        frames.withUnsafeBytes { raw in
            var splitter = SSEFrameSplitter(maxFrameBytes: 65 << 20)
            var position = 0
            while let frame = try? splitter.next(in: raw, at: &position) {
                if !append(frame, id, to: &output) { output.append(contentsOf: frame.raw) }
            }
            if let rest = splitter.finish() { output.append(contentsOf: rest.raw) }
        }
        return output
    }

    private static func append(_ frame: SSEFrame, _ id: String, to output: inout [UInt8]) -> Bool {
        guard let data = frame.data, let found = try? JSONFieldScanner.scanTopLevel(data, names: ["response"]),
            found[0]?.kind == .object
        else { return false }
        var named: [UInt8] = []
        do {
            try JSONPatch.apply([operation(id, in: "response")], to: data, into: &named)
        } catch {
            return false
        }
        StreamEdit.append(frame, with: named, to: &output)
        return true
    }
}
