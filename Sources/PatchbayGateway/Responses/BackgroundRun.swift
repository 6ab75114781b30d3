import NIOCore
import PatchbayCore
import PatchbayStore
import PatchbayWire

/// A response that is made while no client waits: a request of its own, whose connection has no client, and whose
/// answer goes to the store. Confined to the loop of that connection.
final class BackgroundRun {
    let id: String
    let owner: String
    /// The response before it in the conversation.
    let previous: String?
    private let store: ResponseStore
    private let request: BackgroundDocument
    /// What the request adds to the conversation.
    private var input: [UInt8]
    /// The answer as it would have gone to a client.
    private(set) var answer = ByteBuffer()
    private(set) var isKept = false
    /// Clients can find the response.
    private var hasBegun = false
    /// Of a response that is streamed.
    let events: RunEvents?

    init(
        id: String, owner: String, turn: ResponsesTurn, body: ByteBuffer, created: Int64, store: ResponseStore,
        events: RunEvents?
    ) {
        self.id = id
        self.events = events
        self.owner = owner
        self.store = store
        previous = turn.previous
        request = BackgroundDocument(id: id, created: created, previous: turn.previous, body: body)
        input = body.withUnsafeReadableBytes { ResponsesConversation.input(of: $0) }
    }

    func write(_ bytes: ByteBuffer) {
        answer.writeImmutableBuffer(bytes)
    }

    /// The response as it is now.
    func document(status: String) -> [UInt8] { request.document(status: status, error: nil) }

    /// From now on clients find the response.
    func begun() {
        hasBegun = true
        var unfinished = stored(document(status: "in_progress"))
        let error = GatewayError(.shuttingDown, "the gateway ended before the response was complete", status: 503)
        unfinished.failed = request.document(status: "failed", error: error.responsesError)
        store.put(unfinished)
    }

    /// Keeps a response that is complete, under the id that the client knows.
    func keep(_ response: [UInt8], input: [UInt8]) {
        self.input = input
        var named: [UInt8] = []
        var operations = [
            JSONPatchOperation.set("id", string: id), JSONPatchOperation("background", value: Array("true".utf8)),
        ]
        // An upstream that got the whole conversation does not know that it is one.
        if let previous { operations.append(.set("previous_response_id", string: previous)) }
        do {
            try response.withUnsafeBytes { try JSONPatch.apply(operations, to: $0, into: &named) }
        } catch {
            return
        }
        settle(named)
    }

    /// The request has ended; what was not kept has failed. What was refused at once, the client is told itself.
    func ended() {
        guard hasBegun else { return }
        defer { keepEvents() }
        guard !isKept else { return }
        if let failed = events?.final { return settle(failed) }
        let failed = request.document(status: "failed", error: failure)
        settle(failed)
        if events?.isEmpty == true { events?.append("response.created", response: document(status: "in_progress")) }
        events?.append("response.failed", response: failed)
    }

    /// Later readers get the events with the numbers that they had.
    private func keepEvents() {
        guard let events else { return }
        events.end()
        if let all = events.all { store.put(events: all, of: id, owner: owner) }
    }

    /// The client wants no more of it.
    func cancelled() -> [UInt8] {
        let document = document(status: "cancelled")
        settle(document)
        events?.append("response.cancelled", response: document)
        keepEvents()
        return document
    }

    private func settle(_ document: [UInt8]) {
        isKept = true
        var kept = stored(document)
        kept.items = document.withUnsafeBytes { ResponsesConversation.outputIDs(of: $0) }
        store.put(kept)
    }

    private func stored(_ document: [UInt8]) -> StoredResponse {
        StoredResponse(id: id, owner: owner, previous: previous, channel: nil, input: input, response: document)
    }

    /// What the answer says, which is an error or a response that is none.
    private var failure: JSONValue {
        let text = answer.readableBytesView
        let unknown: JSONValue = ["code": "server_error", "message": "the request ended without a response"]
        guard let start = text.firstRange(of: Array("\r\n\r\n".utf8))?.upperBound else { return unknown }
        let body = Array(text[start...])
        guard let document = try? JSONValue(parsing: body), let error = document["error"]?.nonNull,
            let message = error["message"]?.stringValue
        else { return unknown }
        return ["code": .string(error["code"]?.stringValue ?? "server_error"), "message": .string(message)]
    }

    /// Whether the answer is there and is an error: it was refused at once.
    var isRefused: Bool {
        answer.readableBytes > 12 && !answer.readableBytesView.dropFirst(9).starts(with: "200".utf8)
    }
}

extension GatewayError {
    /// The `error` of a response.
    fileprivate var responsesError: JSONValue { ["code": "server_error", "message": .string(sentence)] }
}

/// A response without output, with what its request says (formats.md section 2.2).
struct BackgroundDocument {
    private let id: String
    private let created: Int64
    private let previous: String?
    /// Members that a response repeats, as they stand in the request.
    private var said: [(name: StaticString, value: [UInt8])] = []

    private static let repeated: [StaticString] = [
        "model", "instructions", "metadata", "temperature", "top_p", "max_output_tokens", "parallel_tool_calls",
        "tool_choice", "tools", "reasoning", "text", "truncation", "user", "service_tier",
    ]
    private static let defaults: [String: JSONValue] = [
        "instructions": .null, "metadata": .emptyObject, "temperature": .null, "top_p": .null,
        "parallel_tool_calls": true, "tool_choice": "auto", "tools": .emptyArray,
    ]

    init(id: String, created: Int64, previous: String?, body: ByteBuffer) {
        self.id = id
        self.created = created
        self.previous = previous
        body.withUnsafeReadableBytes { bytes in
            let found = (try? JSONFieldScanner.scanTopLevel(bytes, names: Self.repeated)) ?? []
            for (name, field) in zip(Self.repeated, found) {
                if let field, field.kind != .null {
                    said.append((name, Array(field.bytes(in: bytes))))
                } else if let value = Self.defaults["\(name)"] {
                    said.append((name, value.serialised()))
                }
            }
        }
    }

    func document(status: String, error: JSONValue?) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("id", id)
        writer.member("object", literal: "response")
        writer.member("created_at", Int(created))
        writer.member("status", status)
        writer.member("background", true)
        writer.member("error", error ?? .null)
        writer.nullMember("incomplete_details")
        writer.member("previous_response_id", previous.map { .string($0) } ?? .null)
        writer.member("output", .emptyArray)
        writer.nullMember("usage")
        for (name, value) in said {
            writer.key(name)
            value.withUnsafeBytes { writer.raw($0) }
        }
        writer.member("store", true)
        writer.endObject()
        return writer.bytes
    }
}
