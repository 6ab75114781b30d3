import PatchbayStore
import PatchbayWire

/// Works on the thread of the store, never on an event loop.
extension ResponsesConversation {
    /// What a request means together with the conversation that it belongs to. Items may be named by the ids that they
    /// have in it.
    static func outcome(_ recalled: RecalledConversation, _ references: [String], body: [UInt8]) -> Outcome {
        guard !recalled.isFull else { return .full }
        do throws(JSONError) {
            var named = try items(of: recalled.holders)
            var items: [JSONValue] = []
            for kept in recalled.items {
                let item = try JSONValue(parsing: kept.item)
                named[kept.id] = item
                items.append(said(item))
            }
            if let missing = references.first(where: { named[$0] == nil }) { return .itemMissing(missing) }
            let added = newItems(try JSONValue(parsing: body)["input"]).map { item in
                reference(item).flatMap { named[$0] }.map(said) ?? item
            }
            items += added
            let portable = items.filter { $0["type"] != "reasoning" || $0["encrypted_content"]?.stringValue != nil }
            return .composed(
                Composed(
                    body: try patched(body, [.input(items), .withoutConversation]),
                    portable: try patched(body, [.input(portable), .withoutConversation]), channel: nil,
                    input: references.isEmpty ? nil : JSONValue.array(added).serialised(),
                    whole: JSONValue.array(items).serialised()))
        } catch {
            return .previousMissing
        }
    }
}

extension JSONPatchOperation {
    /// A server would look the conversation up.
    fileprivate static let withoutConversation = JSONPatchOperation("conversation", value: nil)
}
