import PatchbayWire

/// A path of the conversations API (formats.md section 1.1).
enum ConversationRequest: Sendable, Equatable {
    /// `/conversations`.
    case collection
    /// `/conversations/{id}`.
    case entry
    /// `/conversations/{id}/items`.
    case items
    /// `/conversations/{id}/items/{item}`.
    case item

    /// Nil if the path, without `/v1`, is another.
    init?(path: UnsafeRawBufferPointer) {
        guard path.hasPrefix("/conversations") else { return nil }
        let rest = UnsafeRawBufferPointer(rebasing: path[14...])
        guard !rest.isEmpty else {
            self = .collection
            return
        }
        guard rest[0] == UInt8(ascii: "/") else { return nil }
        let words = rest.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard (1...3).contains(words.count), words.allSatisfy({ !$0.isEmpty }) else { return nil }
        guard words.count == 1 || UnsafeRawBufferPointer(rebasing: words[1]).equals("items") else { return nil }
        self = words.count == 1 ? .entry : words.count == 2 ? .items : .item
    }

    func takes(_ method: HTTPMethod) -> Bool {
        switch method {
        case .get, .head: self != .collection
        case .post: self != .item
        case .delete: self == .entry || self == .item
        default: false
        }
    }

    var allowedMethods: String {
        switch self {
        case .collection: "POST"
        case .entry: "GET, HEAD, POST, DELETE"
        case .items: "GET, HEAD, POST"
        case .item: "GET, HEAD, DELETE"
        }
    }
}
