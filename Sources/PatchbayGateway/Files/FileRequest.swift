import PatchbayCore
import PatchbayWire

/// A path of the files API; the same in the dialects of OpenAI and Anthropic.
enum FileRequest: Sendable, Equatable {
    /// `/files`: upload and list.
    case collection
    /// `/files/{id}`.
    case entry
    /// `/files/{id}/content`.
    case content

    /// Nil if the path, without `/v1`, is another.
    init?(path: UnsafeRawBufferPointer) {
        guard path.hasPrefix("/files") else { return nil }
        let rest = UnsafeRawBufferPointer(rebasing: path[6...])
        if rest.isEmpty {
            self = .collection
        } else {
            guard rest[0] == UInt8(ascii: "/"), rest.count > 1, rest[1] != UInt8(ascii: "/") else { return nil }
            guard let slash = rest.dropFirst().firstIndex(of: UInt8(ascii: "/")) else {
                self = .entry
                return
            }
            guard UnsafeRawBufferPointer(rebasing: rest[slash...]).equals("/content") else { return nil }
            self = .content
        }
    }

    func takes(_ method: HTTPMethod) -> Bool {
        switch method {
        case .get, .head: true
        case .post: self == .collection
        case .delete: self == .entry
        default: false
        }
    }

    var allowedMethods: String {
        switch self {
        case .collection: "GET, HEAD, POST"
        case .entry: "GET, HEAD, DELETE"
        case .content: "GET"
        }
    }
}

extension Endpoint {
    /// Whether requests may name files. Those of Responses are looked at later, together with what came before them.
    var mayNameFiles: Bool {
        switch self {
        case .chatCompletions, .messages, .countTokens: true
        case .gemini(let method): method.operation == .generate || method.operation == .countTokens
        default: false
        }
    }
}
