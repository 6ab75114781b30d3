import PatchbayStore
import PatchbayWire

/// Puts a conversation of kept responses together again. Works on the thread of the store, never on an event loop.
enum ResponsesConversation {
    struct Composed: Sendable {
        /// The request with the whole conversation in it.
        var body: [UInt8]
        /// The same without what only one upstream could look up: its response and reasoning that is not sealed.
        var portable: [UInt8]
        /// The only party that knows everything the request refers to.
        var channel: String?
        /// What the request adds to the conversation, with what it only named; nil if it named nothing.
        var input: [UInt8]?
        /// All items, where they are those of a conversation with an id of its own.
        var whole: [UInt8]?
    }

    enum Outcome: Sendable {
        case composed(Composed)
        case previousMissing
        case itemMissing(String)
        /// The conversation takes nothing more.
        case full
    }

    /// What a request means together with what was kept. A document that cannot be read is as good as gone.
    static func outcome(
        _ recalled: RecalledResponses, previous: String?, _ references: [String], body: [UInt8]
    ) -> Outcome {
        if previous != nil, recalled.conversation.isEmpty { return .previousMissing }
        // Nobody knows yet what a response says that is still being made.
        if recalled.conversation.last?.isUnfinished == true { return .previousMissing }
        do throws(JSONError) {
            let named = try items(of: recalled.holders)
            if let missing = references.first(where: { named[$0] == nil }) { return .itemMissing(missing) }
            return .composed(try compose(recalled, named, body: body))
        } catch {
            return .previousMissing
        }
    }

    private static func compose(
        _ recalled: RecalledResponses, _ named: [String: JSONValue], body: [UInt8]
    ) throws(JSONError) -> Composed {
        var items: [JSONValue] = []
        for response in recalled.conversation {
            items += try JSONValue(parsing: response.input).arrayValue ?? []
            items += (try JSONValue(parsing: response.response)["output"]?.arrayValue ?? []).map(said)
        }
        let added = newItems(try JSONValue(parsing: body)["input"]).map { item in
            reference(item).flatMap { named[$0] }.map(said) ?? item
        }
        items += added
        let portable = items.filter { $0["type"] != "reasoning" || $0["encrypted_content"]?.stringValue != nil }
        return Composed(
            body: try patched(body, [.input(items)]),
            portable: try patched(body, [.input(portable), .withoutPrevious]), channel: channel(of: recalled),
            input: named.isEmpty ? nil : JSONValue.array(added).serialised())
    }

    private static func channel(of recalled: RecalledResponses) -> String? {
        let parties = (recalled.conversation.suffix(1) + recalled.holders).map(\.channel)
        guard let first = parties.first, parties.allSatisfy({ $0 == first }) else { return nil }
        return first
    }

    /// The items of kept responses by their ids.
    static func items(of holders: [StoredResponse]) throws(JSONError) -> [String: JSONValue] {
        var named: [String: JSONValue] = [:]
        for response in holders {
            for item in try JSONValue(parsing: response.response)["output"]?.arrayValue ?? [] {
                if let id = item["id"]?.stringValue { named[id] = item }
            }
        }
        return named
    }

    /// The id of an item that is only named.
    static func reference(_ item: JSONValue) -> String? {
        switch item["type"]?.nonNull {
        case "item_reference"?: item["id"]?.stringValue
        case nil: item["role"]?.nonNull == nil ? item["id"]?.stringValue : nil
        default: nil
        }
    }

    /// An item of an answer as input of another request. A server would look ids up; those of reasoning belong to its
    /// sealed state.
    static func said(_ item: JSONValue) -> JSONValue {
        guard case .object(var members) = item else { return item }
        switch item["type"]?.stringValue {
        case "function_call"?, "custom_tool_call"?: members.remove("id")
        case "message"?:
            members.remove("id")
            // Parts of an answer are input only together with its id; its words are in any case.
            guard item["role"] == "assistant", let text = words(of: item) else { break }
            members.remove("status")
            members["content"] = .string(text)
        default: break
        }
        return .object(members)
    }

    /// What a message of the model says; nil if it says nothing, or more than words.
    private static func words(of message: JSONValue) -> String? {
        var text = ""
        for part in message["content"]?.arrayValue ?? [] {
            switch part["type"]?.stringValue {
            case "output_text"?: text += part["text"]?.stringValue ?? ""
            case "refusal"?: text += part["refusal"]?.stringValue ?? ""
            default: return nil
            }
        }
        return text.isEmpty ? nil : text
    }

    static func newItems(_ input: JSONValue?) -> [JSONValue] {
        switch input {
        case .string(let text)?: [["type": "message", "role": "user", "content": .string(text)]]
        case .array(let items)?: items
        default: []
        }
    }

    static func patched(
        _ body: [UInt8], _ operations: [JSONPatchOperation]
    ) throws(JSONError) -> [UInt8] {
        var output: [UInt8] = []
        try body.withBytes { (raw) throws(JSONError) in try JSONPatch.apply(operations, to: raw, into: &output) }
        return output
    }

    /// The items that a request adds to the conversation, as an array.
    static func input(of body: UnsafeRawBufferPointer) -> [UInt8] {
        guard let found = try? JSONFieldScanner.scanTopLevel(body, names: ["input"]), let input = found[0] else {
            return Array("[]".utf8)
        }
        switch input.kind {
        case .array: return Array(input.span.bytes(in: body))
        case .string:
            return Array("[{\"type\":\"message\",\"role\":\"user\",\"content\":".utf8)
                + Array(input.span.bytes(in: body)) + Array("}]".utf8)
        default: return Array("[]".utf8)
        }
    }

    /// Ids of the items in the output of a response.
    static func outputIDs(of response: UnsafeRawBufferPointer) -> [String] {
        guard let output = (try? JSONFieldScanner.scanTopLevel(response, names: ["output"]))?[0] else { return [] }
        let items = output.span.bytes(in: response)
        var ids: [String] = []
        try? JSONWalk.elementMembers(of: items) { _, member in
            guard member.isNamed("id"), let id = member.field.string(in: items) else { return }
            ids.append(id)
        } end: { _ in
        }
        return ids
    }

    /// Ids of the items that the input of a request names without saying them, and whether some of its items stand for
    /// a conversation.
    static func references(in input: UnsafeRawBufferPointer) -> (ids: [String], hasCompaction: Bool) {
        var ids: [String] = []
        var hasCompaction = false
        var id: JSONField?
        var isReference = true
        try? JSONWalk.elementMembers(of: input) { _, member in
            if member.isNamed("id") {
                id = member.field
            } else if member.isNamed("type"), member.field.kind != .null {
                let type = member.field.string(in: input)
                isReference = isReference && type == "item_reference"
                hasCompaction = hasCompaction || type == "compaction"
            } else if member.isNamed("role"), member.field.kind != .null {
                isReference = false
            }
        } end: { _ in
            if isReference, let name = id?.string(in: input) { ids.append(name) }
            (id, isReference) = (nil, true)
        }
        return (ids, hasCompaction)
    }
}

extension JSONPatchOperation {
    static func input(_ items: [JSONValue]) -> JSONPatchOperation {
        JSONPatchOperation("input", value: JSONValue.array(items).serialised())
    }

    /// A server would look the response up.
    static let withoutPrevious = JSONPatchOperation("previous_response_id", value: nil)
}
