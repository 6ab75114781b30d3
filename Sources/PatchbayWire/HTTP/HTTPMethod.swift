/// The request methods that Patchbay tells apart. Methods are case-sensitive (RFC 9110 section 9.1).
package enum HTTPMethod: UInt8, Sendable, Hashable {
    case get, head, post, put, patch, delete, options, other

    /// Recognises a method token; every other valid token is `other`.
    init(token: UnsafeRawBufferPointer) {
        guard let base = token.baseAddress else {
            self = .other
            return
        }
        switch token.count {
        case 3:
            self = base.equals("GET", count: 3) ? .get : base.equals("PUT", count: 3) ? .put : .other
        case 4:
            self = base.equals("POST", count: 4) ? .post : base.equals("HEAD", count: 4) ? .head : .other
        case 5:
            self = base.equals("PATCH", count: 5) ? .patch : .other
        case 6:
            self = base.equals("DELETE", count: 6) ? .delete : .other
        case 7:
            self = base.equals("OPTIONS", count: 7) ? .options : .other
        default:
            self = .other
        }
    }
}
