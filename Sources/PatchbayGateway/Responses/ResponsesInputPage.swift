import PatchbayStore
import PatchbayWire

/// The page of `GET /v1/responses/{id}/input_items`.
enum ResponsesInputPage {
    /// What the client asks for in the query.
    struct Query: Sendable {
        var limit = 20
        var isAscending = false
        var after: String?

        init(_ query: String) throws(GatewayError) {
            for pair in query.split(separator: "&") {
                let parts = pair.split(separator: "=", maxSplits: 1)
                guard parts.count == 2 else { continue }
                switch (parts[0], parts[1]) {
                case ("limit", let text):
                    guard let limit = Int(text), (1...100).contains(limit) else {
                        throw .invalid("\"limit\" has to be between 1 and 100", parameter: "limit")
                    }
                    self.limit = limit
                case ("order", "asc"): isAscending = true
                case ("order", "desc"): isAscending = false
                case ("order", _): throw .invalid("\"order\" has to be asc or desc", parameter: "order")
                case ("after", let text): after = String(text)
                default: continue
                }
            }
        }
    }

    static func document(_ chain: [StoredResponse], _ query: Query) -> [UInt8] {
        var items: [JSONValue] = []
        for (position, response) in chain.enumerated() {
            let input = (try? JSONValue(parsing: response.input))?.arrayValue ?? []
            for (index, item) in input.enumerated() { items.append(complete(item, "\(response.id)_\(index)")) }
            guard position < chain.count - 1 else { break }
            items += (try? JSONValue(parsing: response.response))?["output"]?.arrayValue ?? []
        }
        if !query.isAscending { items.reverse() }
        if let after = query.after, let place = items.firstIndex(where: { $0["id"]?.stringValue == after }) {
            items.removeFirst(place + 1)
        }
        let page = Array(items.prefix(query.limit))
        return JSONValue.object([
            "object": "list", "data": .array(page), "first_id": page.first?["id"] ?? .null,
            "last_id": page.last?["id"] ?? .null, "has_more": .bool(page.count < items.count),
        ]).serialised()
    }

    /// Clients know items by their id and type, which requests may leave out.
    private static func complete(_ item: JSONValue, _ id: String) -> JSONValue {
        item.objectValue.map { described(item, id: self.id(of: $0, or: id)) } ?? item
    }

    /// The id of an item; one of `rest` and its type if it has none.
    static func id(of members: JSONObject, or rest: String) -> String {
        if let id = members["id"]?.stringValue, !id.isEmpty, id.utf8.count <= 128 { return id }
        return prefix(members) + rest
    }

    /// The item with everything that clients demand of one.
    static func described(_ item: JSONValue, id: String) -> JSONValue {
        guard case .object(var members) = item else { return item }
        if members["type"] == nil { members.append("type", members["role"] == nil ? "item_reference" : "message") }
        members["id"] = .string(id)
        if members["type"] == "message" {
            if let text = members["content"]?.stringValue {
                let type: JSONValue = members["role"] == "assistant" ? "output_text" : "input_text"
                members["content"] = [["type": type, "text": .string(text)]]
            }
            if members["status"] == nil { members.append("status", "completed") }
        }
        return .object(members)
    }

    private static func prefix(_ members: JSONObject) -> String {
        switch members["type"]?.stringValue {
        case "message"?: "msg_"
        case nil where members["role"] != nil: "msg_"
        case "function_call"?: "fc_"
        case "reasoning"?: "rs_"
        case let type? where type.hasSuffix("_output"): "out_"
        default: "item_"
        }
    }
}
